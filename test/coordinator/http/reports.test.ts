import { bytesToBase64Url, canonicalBytes, concatBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  createProof,
  createSigningKey,
  maxReportBytes,
  MEDIA,
  PATHS,
  statementHash,
  type RoundConfig,
  type SigningKey,
  MEMBER_BYTES,
  membersRoot,
} from '@twinkeep/protocol';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Call } from '../support/client.ts';
import {
  flipBit,
  hashOf,
  headerOf,
  putTogether,
  takeApart,
  withFields,
  withHeader,
  type Parts,
} from '../support/frame.ts';
import { consentOf, createNode, reportOf, type ClearReport, type TestNode } from '../support/node.ts';
import { createDevice, createSubject, PUBLIC_URL, type Device } from '../support/parties.ts';
import { digestTables } from '../support/tables.ts';
import { smallTask } from '../support/task.ts';
import { createRoundWorld, mustSucceed, type OpenRound, type World } from '../support/world.ts';

let world: World;
let node: TestNode;
let other: TestNode;
let key: SigningKey;
let ended: { round: OpenRound; report: ClearReport };
let round: OpenRound;
let good: ClearReport;
let parts: Parts;

/** A first round is over, a second one is open, and `node` has not reported in it. */
beforeAll(async () => {
  const floors = { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 };
  const made = await createRoundWorld(
    smallTask({ floors, windows: { collect: 600_000, ack: 60_000, reveal: 60_000 } }),
    [3, 3],
  );
  ({ world } = made);
  [node, other] = made.nodes as [TestNode, TestNode];
  ({ key } = node.device);
  const report = await reportOf(node, made.round.config, made.round.rcHash);
  ended = { round: made.round, report };
  mustSucceed(await world.upload(node, made.round, report));
  mustSucceed(
    await world.upload(other, made.round, await reportOf(other, made.round.config, made.round.rcHash)),
  );
  await world.helpersJudge();
  await world.helpersReveal();
  round = await world.openRound('churn', 2);
  good = await reportOf(node, round.config, round.rcHash);
  parts = takeApart(good.report.bytes);
}, 60_000);
afterAll(() => world.stop());

interface Sending {
  device?: Device;
  rcHash?: string;
  kid?: string;
  call?: Partial<Call>;
}

function send(
  body: Uint8Array,
  { device = node.device, rcHash = round.rcHash, kid = device.key.id, call }: Sending = {},
): Promise<Answer> {
  return world.client.sendAs(device, { method: 'PUT', path: PATHS.report(rcHash, kid), body, ...call });
}

type Bad = [
  what: string,
  code: string,
  make: () => Promise<Uint8Array> | Uint8Array,
  sending?: () => Promise<Sending> | Sending,
];

const header = (fields: object): Promise<Uint8Array> => withFields(parts, fields, key).then(putTogether);
const headerText = (change: (text: string) => string): Promise<Uint8Array> =>
  withHeader(parts, utf8ToBytes(change(new TextDecoder().decode(parts.header))), key).then(putTogether);
const without = (field: string): Promise<Uint8Array> => {
  const fields = Object.entries(headerOf(parts)).filter(([name]) => name !== field);
  return withHeader(parts, canonicalBytes(Object.fromEntries(fields)), key).then(putTogether);
};
/** Another list of members, with the hash and the number in the header to match. */
const members = (bytes: Uint8Array, twins: number = bytes.length / MEMBER_BYTES): Promise<Uint8Array> =>
  withFields({ ...parts, members: bytes }, { membersRoot: membersRoot(bytes), twins }, key).then(putTogether);
const member = (i: number): Uint8Array => parts.members.subarray(i * MEMBER_BYTES, (i + 1) * MEMBER_BYTES);
const reportWith = async (options: Parameters<typeof reportOf>[3]): Promise<Uint8Array> =>
  (await reportOf(node, round.config, round.rcHash, options)).report.bytes;

const MALFORMED: Bad[] = [
  ['nothing', 'report/malformed', () => new Uint8Array()],
  ['one byte', 'report/malformed', () => Uint8Array.of(0x54)],
  ['other magic bytes', 'report/malformed', () => putTogether({ ...parts, magic: utf8ToBytes('TWKS\x01') })],
  ['another version', 'report/malformed', () => putTogether({ ...parts, magic: utf8ToBytes('TWKR\x02') })],
  ['an end inside the header', 'report/malformed', () => good.report.bytes.slice(0, 300)],
  ['an end before the vector', 'report/malformed', () => good.report.bytes.slice(0, -parts.vector.length)],
  ['an end one byte early', 'report/malformed', () => good.report.bytes.slice(0, -1)],
  ['one byte more', 'report/malformed', () => concatBytes(good.report.bytes, Uint8Array.of(0))],
  [
    'a length beyond everything',
    'report/malformed',
    () => concatBytes(parts.magic, new Uint8Array(4).fill(0xff)),
  ],
  ['a header that is not JSON', 'report/malformed', () => headerText(() => 'header')],
  ['a header that is a list', 'report/malformed', () => headerText(() => '[]')],
  [
    'a header that is not UTF-8',
    'report/malformed',
    () => withHeader(parts, Uint8Array.of(0xff, 0xfe), key).then(putTogether),
  ],
  ['a header with a space in it', 'report/malformed', () => headerText((text) => text.replace(',', ', '))],
  [
    'a header with a field twice',
    'report/malformed',
    () => headerText((text) => text.replace('{', '{"v":1,')),
  ],
  ['a header with a field more', 'report/malformed', () => header({ more: 1 })],
  ['a header with a field less', 'report/malformed', () => without('membersRoot')],
  ['a header of another version', 'report/malformed', () => header({ v: 2 })],
  ['no twins', 'report/malformed', () => header({ twins: 0 })],
  ['half a twin', 'report/malformed', () => header({ twins: 2.5 })],
  ['twins as text', 'report/malformed', () => header({ twins: '3' })],
  ['a hash with padding', 'report/malformed', () => header({ vectorHash: `${'A'.repeat(43)}=` })],
  ['a hash in a second spelling', 'report/malformed', () => header({ vectorHash: `${'A'.repeat(42)}B` })],
  ['a box hash too few', 'report/malformed', () => header({ boxHashes: headerOf(parts).boxHashes.slice(1) })],
  [
    'a commitment too many',
    'report/malformed',
    () => header({ commitments: [...headerOf(parts).commitments, hashOf(parts.vector)] }),
  ],
  [
    'a box that is too long',
    'report/malformed',
    () => putTogether({ ...parts, boxes: [new Uint8Array(9_000), ...parts.boxes.slice(1)] }),
  ],
  [
    'a vector that is a word short',
    'report/length',
    () => putTogether({ ...parts, vector: parts.vector.slice(4) }),
  ],
  [
    'a vector that is a word long',
    'report/length',
    () => putTogether({ ...parts, vector: concatBytes(parts.vector, new Uint8Array(4)) }),
  ],
  ['an empty vector', 'report/length', () => putTogether({ ...parts, vector: new Uint8Array() })],
];

const FORGED: Bad[] = [
  [
    'a signature with one bit changed',
    'report/signature',
    () => putTogether({ ...parts, signature: flipBit(parts.signature) }),
  ],
  [
    'a signature of another length',
    'report/signature',
    () => putTogether({ ...parts, signature: parts.signature.slice(1) }),
  ],
  [
    'a signature by another key',
    'report/signature',
    async () => putTogether(await withHeader(parts, parts.header, await createSigningKey())),
  ],
  [
    'a header that was changed after signing',
    'report/signature',
    async () => putTogether({ ...parts, header: (await withFields(parts, { twins: 2 }, key)).header }),
  ],
  [
    'a signature over the bare header',
    'report/signature',
    async () => putTogether({ ...parts, signature: await key.sign(parts.header) }),
  ],
  [
    'a vector with one bit changed',
    'report/vector-hash',
    () => putTogether({ ...parts, vector: flipBit(parts.vector, 77) }),
  ],
  [
    'a vector of zeros',
    'report/vector-hash',
    () => putTogether({ ...parts, vector: new Uint8Array(parts.vector.length) }),
  ],
  [
    'a box with one bit changed',
    'report/box-hash',
    () => putTogether({ ...parts, boxes: parts.boxes.map((box, i) => (i === 2 ? flipBit(box) : box)) }),
  ],
  [
    'two boxes exchanged',
    'report/box-hash',
    () => putTogether({ ...parts, boxes: parts.boxes.toReversed() }),
  ],
  [
    'a box of the last round',
    'report/box-hash',
    () => putTogether({ ...parts, boxes: takeApart(ended.report.report.bytes).boxes }),
  ],
  ['a member more than twins', 'report/members', () => header({ twins: 2 })],
  ['members in another order', 'report/members', () => members(concatBytes(member(1), member(0), member(2)))],
  ['a member twice', 'report/members', () => members(concatBytes(member(0), member(0), member(1)))],
  ['half a member', 'report/members', () => putTogether({ ...parts, members: parts.members.slice(0, 80) })],
  [
    'other members than the header names',
    'report/members',
    () => putTogether({ ...parts, members: flipBit(parts.members, 2 * MEMBER_BYTES + 15) }),
  ],
  [
    'another salt than the header names',
    'report/members',
    () => putTogether({ ...parts, members: flipBit(parts.members, MEMBER_BYTES - 1) }),
  ],
  ['more twins than the round has room for', 'report/too-many-twins', () => header({ twins: 1_001 })],
  [
    'fewer twins than the round asks for',
    'report/too-few-twins',
    () => reportWith({ members: node.twins.slice(1, 2) }),
  ],
  [
    'more twins than the credential allows',
    'report/too-many-twins',
    () => reportWith({ device: small }),
    () => ({ device: small }),
  ],
];

let small: Device;
let renewed: Device;
let strange: Device;
let stranger: SigningKey;
beforeAll(async () => {
  small = await createDevice(world.parties, { key, sub: node.device.sub, maxTwins: 2 });
  renewed = await createDevice(world.parties, { key, sub: node.device.sub, lifetime: 60 });
  strange = await createDevice(world.parties);
  stranger = await createSigningKey();
});

const OF_OTHERS: Bad[] = [
  [
    'sent to the address of another key',
    'report/key',
    () => good.report.bytes,
    () => ({ kid: other.device.key.id }),
  ],
  [
    'sent by another device, under its own address',
    'report/key',
    () => good.report.bytes,
    () => ({ device: strange }),
  ],
  [
    'sent by another device, under the address of the first',
    'report/key',
    () => good.report.bytes,
    () => ({ device: strange, kid: key.id }),
  ],
  [
    'signed by a key that has no credential',
    'report/key',
    async () => putTogether(await withFields(parts, { key: stranger.id }, stranger)),
  ],
  [
    'signed by a key that has no credential, and sent to its address',
    'report/key',
    async () => putTogether(await withFields(parts, { key: stranger.id }, stranger)),
    () => ({ kid: stranger.id }),
  ],
  [
    'carrying another credential than the request',
    'report/key',
    () => good.report.bytes,
    () => ({ device: renewed }),
  ],
  ['carrying the credential of somebody else', 'report/key', () => header({ credential: other.device.jwt })],
];

const STALE: Bad[] = [
  [
    'for a round that there is not',
    'round/unknown',
    () => good.report.bytes,
    () => ({ rcHash: hashOf(good.report.bytes) }),
  ],
  [
    'for a round that is named by no hash',
    'round/unknown',
    () => good.report.bytes,
    () => ({ rcHash: 'latest' }),
  ],
  [
    'for something logged that is no round',
    'round/unknown',
    () => good.report.bytes,
    async () => ({ rcHash: await taskHash() }),
  ],
  ['of the last round, sent to this one', 'round/config-mismatch', () => ended.report.report.bytes],
  [
    'of this round, sent to the last one',
    'round/config-mismatch',
    () => good.report.bytes,
    () => ({ rcHash: ended.round.rcHash }),
  ],
  [
    'for another model than this round has',
    'round/config-mismatch',
    () => forConfig({ modelHash: ended.round.config.modelHash }),
  ],
  [
    'for a laxer configuration of this round',
    'round/config-mismatch',
    () => forConfig({ nMin: 2, nTarget: 3 }),
  ],
  [
    'made anew for the last round',
    'round/closed',
    () => lateReport(),
    () => ({ rcHash: ended.round.rcHash, device: late.device }),
  ],
];

async function taskHash(): Promise<string> {
  const { rows } = await world.sql.query<{ task_hash: string }>('select task_hash from tasks');
  return rows[0]!.task_hash;
}

async function forConfig(changes: Partial<RoundConfig>): Promise<Uint8Array> {
  const config = { ...round.config, ...changes };
  const rcHash = bytesToBase64Url(statementHash({ type: 'round-config', body: config }));
  return (await reportOf(node, config, rcHash)).report.bytes;
}

let late: TestNode;
async function lateReport(): Promise<Uint8Array> {
  const { config, rcHash } = ended.round;
  return (await reportOf(late, config, rcHash)).report.bytes;
}
beforeAll(async () => {
  late = await world.addNode(2, 'late');
});

const WITHOUT_CONSENT: Bad[] = [
  [
    'with a twin that nobody asked',
    'report/consent',
    () => reportWith({ members: [...node.twins, createSubject()] }),
  ],
  ['with a twin that refused', 'report/consent', () => reportWith({ members: [...node.twins, refused] })],
  ['with a twin that withdrew', 'report/consent', () => reportWith({ members: [...node.twins, withdrawn] })],
  [
    'with a twin of another node',
    'report/consent',
    () => reportWith({ members: [...node.twins, other.twins[0]!] }),
  ],
];
let refused: string;
let withdrawn: string;
beforeAll(async () => {
  [refused, withdrawn] = [createSubject(), createSubject()];
  const events = [
    await consentOf(node, refused, 'refuse'),
    await consentOf(node, withdrawn),
    await consentOf(node, withdrawn, 'withdraw'),
  ];
  await world.sendConsents(
    node,
    events.map(({ jws }) => jws),
  );
});

const WRAPPED: Bad[] = [
  ['as JSON', 'request/media-type', () => good.report.bytes, () => ({ call: { type: 'application/json' } })],
  ['without a media type', 'request/media-type', () => good.report.bytes, () => ({ call: { type: '' } })],
  [
    'compressed',
    'request/media-type',
    () => good.report.bytes,
    () => ({ call: { headers: { 'Content-Encoding': 'gzip' } } }),
  ],
  [
    'larger than any report of the round',
    'request/too-large',
    () => new Uint8Array(maxReportBytes(round.config, 1_000) + 1),
  ],
  ['much larger', 'request/too-large', () => new Uint8Array(5_000_000)],
];

const ALL = [...MALFORMED, ...FORGED, ...OF_OTHERS, ...STALE, ...WITHOUT_CONSENT, ...WRAPPED];

describe('a report that is refused gets a problem document and changes nothing', () => {
  it('in more than forty ways', () => {
    expect(ALL.length).toBeGreaterThan(60);
    expect(new Set(ALL.map(([what]) => what)).size).toBe(ALL.length);
  });

  it.each(ALL)('%s: %s', async (_, code, make, sending = () => ({})) => {
    const body = await make();
    const how = await sending();
    const before = await digestTables(world.sql);
    const answer = await send(body, how);
    expect(answer).toMatchObject({
      code,
      body: { type: `urn:twinkeep:problem:${code}`, status: answer.status },
    });
    expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
    expect(await digestTables(world.sql)).toBe(before);
  });

  it('a body without a length is cut off at the limit', async () => {
    const before = await digestTables(world.sql);
    const nonce = (await world.client.send({ method: 'GET', path: PATHS.nonce })).headers.get(
      'DPoP-Nonce',
    ) as string;
    const path = PATHS.report(round.rcHash, key.id);
    const wanted = { method: 'PUT', url: PUBLIC_URL + path, credential: node.device.jwt, nonce };
    const headers = {
      'Content-Type': MEDIA.report,
      Authorization: `DPoP ${node.device.jwt}`,
      DPoP: await createProof(key, wanted, new Date()),
    };
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request({ port: world.port, host: '127.0.0.1', method: 'PUT', path, headers }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('end', () => {
          sent.destroy();
          resolve(text);
        });
      });
      sent.on('error', reject);
      // Twice the limit, and never an end.
      for (let i = 0; i < 2 * maxReportBytes(round.config, 1_000); i += 8_192)
        sent.write(new Uint8Array(8_192));
    });
    expect(JSON.parse(answer)).toMatchObject({ code: 'request/too-large' });
    expect(await digestTables(world.sql)).toBe(before);
  });
});

describe('reports of one round beside each other', () => {
  it('the same bytes again get the same answer and change nothing; other bytes of the same subject are refused', async () => {
    const first = await send(good.report.bytes);
    expect(first).toMatchObject({
      status: 202,
      body: { status: 'accepted', rcHash: round.rcHash, headerHash: bytesToBase64Url(sha256(parts.header)) },
    });
    const before = await digestTables(world.sql);
    expect(await send(good.report.bytes)).toMatchObject({ status: 202, body: first.body });
    expect(await send(await reportWith({}))).toMatchObject({ status: 409, code: 'report/duplicate' });
    const again = await createDevice(world.parties, { sub: node.device.sub });
    const elsewhere = await createNode(world.parties, 2);
    elsewhere.device = again;
    await world.sendConsents(
      elsewhere,
      await Promise.all(elsewhere.twins.map(async (twin) => (await consentOf(elsewhere, twin)).jws)),
    );
    const { report } = await reportOf(elsewhere, round.config, round.rcHash);
    const meanwhile = await digestTables(world.sql);
    expect(await send(report.bytes, { device: again })).toMatchObject({
      status: 409,
      code: 'report/duplicate',
    });
    expect(await digestTables(world.sql)).toBe(meanwhile);
    expect(meanwhile).not.toBe(before);
  });

  it('a twin is in one report only, also where one key has two credentials', async () => {
    const second = await createDevice(world.parties, { key });
    const bytes = await reportWith({ device: second, members: node.twins.slice(0, 2) });
    const before = await digestTables(world.sql);
    expect(await send(bytes, { device: second })).toMatchObject({
      status: 409,
      code: 'report/twin-elsewhere',
    });
    expect(await digestTables(world.sql)).toBe(before);
  });

  it('a report is taken after all that, and the same bytes are still known after the round has ended', async () => {
    const bytes = (await reportOf(other, round.config, round.rcHash)).report.bytes;
    expect(await send(bytes, { device: other.device })).toMatchObject({ status: 202 });
    await world.helpersJudge();
    await world.helpersReveal();
    await world.openRound('churn', 3);
    expect(await send(good.report.bytes)).toMatchObject({ status: 202 });
    const { rows } = await world.sql.query<{ n: string }>(
      `select (select count(*) from report_members) + (select count(*) from report_boxes) + (select count(*) from verdicts)
       + (select count(*) from readies) + (select count(*) from mask_sums)
       + (select count(*) from reports where vector is not null or header is not null or signature is not null) as n`,
    );
    expect(rows).toEqual([{ n: '0' }]);
  });
});
