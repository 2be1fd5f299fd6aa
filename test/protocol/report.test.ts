import { base64UrlToBytes, bytesToBase64Url, canonicalBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  addMask,
  createBoxKeyPair,
  createSigningKey,
  decodeReport,
  helperFamily,
  leavesRoot,
  maskReport,
  maxReportBytes,
  MEMBER_BYTES,
  memberLeaf,
  membersRoot,
  openSeeds,
  planGrid,
  ProblemError,
  randomBytes,
  reportWords,
  restoreReport,
  seal,
  signedWords,
  sodiumReady,
  subtractWords,
  unpackWords,
  verifyHeader,
  webCryptoPrg,
  type BoxContext,
  type DecodedReport,
  type ReportHeader,
  type SigningKey,
} from '@twinkeep/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTestRound, makeReport, quantizeUpdate, type TestRound } from './report-fixture.ts';

let round: TestRound;
let device: SigningKey;

beforeAll(async () => {
  await sodiumReady;
  round = await createTestRound();
  device = await createSigningKey();
});

const decode = (bytes: Uint8Array): DecodedReport => decodeReport(bytes, round.config, round.rcHash);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** The fields of a report, to be changed one at a time and put together again with a true signature. */
async function rebuild(
  report: DecodedReport,
  change: {
    header?: Partial<ReportHeader>;
    members?: Uint8Array;
    boxes?: Uint8Array[];
    vector?: Uint8Array;
    headerBytes?: Uint8Array;
  },
): Promise<Uint8Array> {
  const headerBytes = change.headerBytes ?? canonicalBytes({ ...report.header, ...change.header });
  const signature = await device.sign(Buffer.concat([utf8ToBytes('twinkeep/1/report\n'), headerBytes]));
  const members =
    change.members ??
    Buffer.concat(
      report.members.flatMap((member, i) => [Buffer.from(member, 'base64url'), report.memberSalts[i]!]),
    );
  const fields = [
    headerBytes,
    signature,
    ...(change.boxes ?? report.boxes),
    members,
    change.vector ?? report.vectorBytes,
  ];
  return Buffer.concat([
    Buffer.from('TWKR\u0001'),
    ...fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(field.length);
      return [length, Buffer.from(field)];
    }),
  ]);
}

describe('a report', () => {
  it('decodes to what went in, and is rebuilt to the same bytes', async () => {
    const { bytes, headerHash } = await makeReport(round, { device, twins: 3 });
    const report = decode(bytes);
    expect(report.header).toMatchObject({ v: 1, key: device.id, twins: 3, credential: 'jwt' });
    expect(report.header.rcHash).toBe(bytesToBase64Url(round.rcHash));
    expect(report.members).toEqual(
      report.members.toSorted((a, b) => Buffer.compare(base64UrlToBytes(a), base64UrlToBytes(b))),
    );
    expect(new Set(report.memberSalts.map(bytesToBase64Url)).size).toBe(3);
    const leaves = report.members.map((member, i) => memberLeaf(member, report.memberSalts[i]!));
    expect(leavesRoot(leaves)).toBe(report.header.membersRoot);
    expect(report.headerHash).toEqual(headerHash);
    expect(Buffer.from(await rebuild(report, {})).equals(bytes)).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(maxReportBytes(round.config, 3));
    expect(verifyHeader(report.headerBytes, report.signature)).toEqual(report.header);
  });

  it.each([20, 24, 32] as const)(
    'minus the masks of its seeds is the quantised vector, in words of %d bits',
    async (b) => {
      const { unit, qTwin } = planGrid({ bits: b, maxTwins: 100, dPadded: 64, noise: null });
      const short: TestRound = {
        ...round,
        config: { ...round.config, b, unit, qTwin, evaluationUnit: unit },
      };
      const quantized = await quantizeUpdate(short, new Float64Array(33).fill(0.05), 2);
      const members = [1, 2].map(() => bytesToBase64Url(randomBytes(16)));
      const { bytes } = await maskReport(
        quantized,
        members,
        short,
        { key: device, credential: 'jwt' },
        {
          prg: webCryptoPrg,
          random: randomBytes,
        },
      );
      const report = decodeReport(bytes, short.config, round.rcHash);
      expect(bytes.length).toBeLessThanOrEqual(maxReportBytes(short.config, 2));
      // What is as long in words of other bits is of another length.
      for (const other of [20, 24, 32] as const)
        expect(codeOf(() => decodeReport(bytes, { ...short.config, b: other }, round.rcHash))).toBe(
          other === b ? 'accepted' : 'report/length',
        );
      const family = helperFamily(4, 1);
      const context = {
        rcHash: round.rcHash,
        reporterKey: device.publicKey,
        vectorHash: sha256(report.vectorBytes),
      };
      const commitments = report.header.commitments.map(base64UrlToBytes);
      const words = unpackWords(report.vectorBytes, reportWords(short.config), b);
      for (const [index, set] of family.entries()) {
        const holders = [1, 2, 3, 4].filter((j) => !set.includes(j));
        const seeds = holders.map((j) =>
          openSeeds(report.boxes[j - 1]!, context, family, commitments, j, round.boxes[j - 1]!).get(index)!,
        );
        expect(new Set(seeds.map(bytesToBase64Url)).size).toBe(1);
        const mask = new Uint32Array(words.length);
        await addMask(mask, seeds[0]!, round.rcHash, set, webCryptoPrg);
        subtractWords(words, mask);
      }
      expect(signedWords(words, b)).toEqual(quantized.values);
    },
  );

  it('has one spelling of its vector: padding is zero', async () => {
    const short: TestRound = { ...round, config: { ...round.config, b: 20, unit: 16, qTwin: 17 } };
    const report = decodeReport((await makeReport(short, { device })).bytes, short.config, round.rcHash);
    // An odd number of words of 20 bits leaves four bits over.
    expect(reportWords(short.config) % 2).toBe(1);
    const vector = report.vectorBytes.slice();
    vector[vector.length - 1]! |= 0x40;
    const header = { vectorHash: bytesToBase64Url(sha256(vector)) };
    const padded = await rebuild(report, { vector, header });
    expect(codeOf(() => decodeReport(padded, short.config, round.rcHash))).toBe('report/malformed');
  });

  it('is not made of a vector for another round', async () => {
    const quantized = await quantizeUpdate(await createTestRound(65), new Float64Array(65), 1);
    const deps = { prg: webCryptoPrg, random: randomBytes };
    const members = [bytesToBase64Url(randomBytes(16))];
    const made = maskReport(quantized, members, round, { key: device, credential: 'jwt' }, deps);
    await expect(made).rejects.toMatchObject({ code: 'protocol/layout' });
  });

  it('draws new seeds every time', async () => {
    const quantized = await quantizeUpdate(round, new Float64Array(33), 1);
    const members = [bytesToBase64Url(randomBytes(16))];
    const deps = { prg: webCryptoPrg, random: randomBytes };
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { bytes } = await maskReport(quantized, members, round, { key: device, credential: 'jwt' }, deps);
      const { header } = decode(bytes);
      for (const hash of [header.vectorHash, ...header.commitments, ...header.boxHashes]) seen.add(hash);
    }
    expect(seen.size).toBe(20 * (1 + 4 + 4));
  });

  it('is not made for another number of twins than was summed', async () => {
    const quantized = await quantizeUpdate(round, new Float64Array(33), 2);
    const deps = { prg: webCryptoPrg, random: randomBytes };
    const one = maskReport(
      quantized,
      [bytesToBase64Url(randomBytes(16))],
      round,
      { key: device, credential: 'jwt' },
      deps,
    );
    await expect(one).rejects.toMatchObject({ code: 'protocol/layout' });
  });
});

describe('bytes of a report', () => {
  it('are refused with a code wherever one is changed', async () => {
    const { bytes } = await makeReport(round, { device });
    const codes = new Map<string, number>();
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << (at % 8);
      const code = codeOf(() => decode(changed));
      expect(code).not.toBe('accepted');
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    for (const part of [
      'report/malformed',
      'report/signature',
      'report/box-hash',
      'report/members',
      'round/config-mismatch',
    ])
      expect(codes.get(part)).toBeGreaterThan(0);
    expect(codes.get('report/vector-hash')).toBe(465 * 4);
    expect(codes.get('report/signature')).toBeGreaterThan(64);
  });

  it('are refused wherever they end early, and with one too many', async () => {
    const { bytes } = await makeReport(round, { device });
    for (let length = 0; length < bytes.length; length++) {
      const code = codeOf(() => decode(bytes.subarray(0, length)));
      expect(code).toBe('report/malformed');
    }
    expect(codeOf(() => decode(Buffer.concat([bytes, Buffer.of(0)])))).toBe('report/malformed');
  });

  it('are refused for another round, though all else be true', async () => {
    const { bytes } = await makeReport(round, { device });
    expect(codeOf(() => decodeReport(bytes, round.config, randomBytes(32)))).toBe('round/config-mismatch');
    const wider = { ...round.config, dPadded: 128 };
    expect(codeOf(() => decodeReport(bytes, wider, round.rcHash))).toBe('report/length');
    const three = { ...round.config, helpers: round.config.helpers.slice(0, 3) };
    expect(codeOf(() => decodeReport(bytes, three, round.rcHash))).toMatch(/^report\//);
    expect(codeOf(() => decodeReport(bytes, { ...round.config, maxTwins: 1 }, round.rcHash))).toMatch(
      /^report\//,
    );
  });

  it('of random junk never do worse than a code', () => {
    for (let i = 0; i < 2_000; i++) {
      const junk = randomBytes(i % 300);
      if (i % 2) junk.set(Buffer.from('TWKR\u0001').subarray(0, junk.length));
      expect(codeOf(() => decode(junk))).toBe('report/malformed');
    }
  });
});

describe('a report signed by its device over something untrue', () => {
  const codeOfChange = async (change: Parameters<typeof rebuild>[1]): Promise<string> => {
    const report = decode((await makeReport(round, { device, twins: 3 })).bytes);
    const bytes = await rebuild(report, change);
    return codeOf(() => decode(bytes));
  };
  const member = (n: number): Buffer => Buffer.alloc(MEMBER_BYTES, n);

  it('has no other spelling of its header', async () => {
    const report = decode((await makeReport(round, { device })).bytes);
    const spaced = Buffer.from(JSON.stringify(report.header, null, 1));
    const reordered = Buffer.from(
      JSON.stringify(Object.fromEntries(Object.entries(report.header).toReversed())),
    );
    const doubled = Buffer.from(report.headerBytes.subarray(0, -1).toString() + ',"v":1}');
    for (const headerBytes of [
      spaced,
      reordered,
      doubled,
      Buffer.from('[]'),
      Buffer.from('nul'),
      Buffer.of(0xff),
    ])
      expect(await codeOfChange({ headerBytes })).toBe('report/malformed');
  });

  it.each<[string, Partial<Record<keyof ReportHeader, unknown>>, string]>([
    ['another version', { v: 2 }, 'report/malformed'],
    ['no twins', { twins: 0 }, 'report/malformed'],
    ['half a twin', { twins: 2.5 }, 'report/malformed'],
    ['more twins than the round takes', { twins: 1_001 }, 'report/too-many-twins'],
    ['other twins than members', { twins: 2 }, 'report/members'],
    ['a field too many', { extra: 1 } as never, 'report/malformed'],
    ['a hash with padding', { vectorHash: `${'A'.repeat(43)}=` }, 'report/malformed'],
    ['a hash in another spelling', { vectorHash: `${'A'.repeat(42)}B` }, 'report/malformed'],
    ['another vector', { vectorHash: 'A'.repeat(43) }, 'report/vector-hash'],
    ['other members', { membersRoot: 'A'.repeat(43) }, 'report/members'],
    ['too few boxes', { boxHashes: ['A'.repeat(43)] }, 'report/malformed'],
    ['too few commitments', { commitments: ['A'.repeat(43)] }, 'report/malformed'],
    ['a credential that is too long', { credential: 'x'.repeat(2_049) }, 'report/malformed'],
    ['no credential', { credential: '' }, 'report/malformed'],
    ['another key than it was signed by', { key: 'A'.repeat(43) }, 'report/signature'],
  ])('is refused: %s', async (_, header, code) =>
    expect(await codeOfChange({ header: header as Partial<ReportHeader> })).toBe(code),
  );

  it('names distinct members in ascending order', async () => {
    const hash = (members: Uint8Array): Partial<ReportHeader> => ({
      membersRoot: membersRoot(members),
    });
    const descending = Buffer.concat([member(3), member(2), member(1)]);
    const twice = Buffer.concat([member(1), member(1), member(2)]);
    const otherSalt = Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(16, 9)]);
    const salted = Buffer.concat([member(1), otherSalt, member(2)]);
    const odd = Buffer.concat([member(1), member(2), member(3).subarray(1)]);
    const fine = Buffer.concat([member(1), member(2), member(3)]);
    for (const members of [descending, twice, salted, odd])
      expect(await codeOfChange({ members, header: hash(members) })).toBe('report/members');
    expect(await codeOfChange({ members: fine, header: hash(fine) })).toBe('accepted');
  });
});

describe('a report from the store', () => {
  it('comes back as the same report, for its own round and key only', async () => {
    const { bytes, headerHash } = await makeReport(round, { device });
    const made = { rcHash: bytesToBase64Url(round.rcHash), key: device.id };
    expect(restoreReport(bytes, made)).toEqual({ bytes, headerHash });
    expect(codeOf(() => restoreReport(bytes, { ...made, rcHash: 'A'.repeat(43) }))).toBe(
      'round/config-mismatch',
    );
    expect(codeOf(() => restoreReport(bytes, { ...made, key: 'A'.repeat(43) }))).toBe('report/key');
    const changed = bytes.slice();
    changed[changed.length - 1]! ^= 1;
    expect(codeOf(() => restoreReport(changed, made))).toBe('report/vector-hash');
    expect(codeOf(() => restoreReport(bytes.subarray(1), made))).toBe('report/malformed');
  });
});

describe('a seed box', () => {
  it('opens for its own round, reporter, vector, helper, family and commitments only', async () => {
    const report = decode((await makeReport(round, { device })).bytes);
    const family = helperFamily(4, 1);
    const commitments = report.header.commitments.map(base64UrlToBytes);
    const context: BoxContext = {
      rcHash: round.rcHash,
      reporterKey: device.publicKey,
      vectorHash: sha256(report.vectorBytes),
    };
    const open = (
      box: Uint8Array,
      changed: Partial<BoxContext> = {},
      j = 2,
      sets = family,
      committed = commitments,
    ): unknown => openSeeds(box, { ...context, ...changed }, sets, committed, j, round.boxes[1]!);
    const box = report.boxes[1]!;
    expect([...(open(box) as Map<number, Uint8Array>).keys()]).toEqual([0, 2, 3]);

    const refusals: (() => unknown)[] = [
      () => open(box, { rcHash: randomBytes(32) }),
      () => open(box, { reporterKey: randomBytes(32) }),
      () => open(box, { vectorHash: randomBytes(32) }),
      () => open(box, {}, 3),
      () => open(box, {}, 2, helperFamily(3, 1)),
      () => open(box, {}, 2, helperFamily(4, 2)),
      () => open(box, {}, 2, family, commitments.toReversed()),
      () => open(box, {}, 2, family, commitments.slice(0, 3)),
      () => open(report.boxes[0]!),
      () => open(box.subarray(1)),
      () => open(new Uint8Array()),
      () => openSeeds(box, context, family, commitments, 2, createBoxKeyPair()),
      () => open(seal(randomBytes(box.length - 48), round.boxes[1]!.publicKey)),
    ];
    for (const refusal of refusals)
      expect(refusal).toThrowError(expect.objectContaining({ code: 'protocol/box' }));
    for (let at = 0; at < box.length; at++) {
      const changed = box.slice();
      changed[at]! ^= 1;
      expect(() => open(changed)).toThrowError(expect.objectContaining({ code: 'protocol/box' }));
    }
  });
});
