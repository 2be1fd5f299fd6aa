/** Reports that are not what they say: seeds taken from somebody else's box, seeds that differ between helpers, noise instead of numbers. */
import { base64UrlToBytes, bytesToBase64Url, canonicalBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  createBoxKeyPair,
  helperFamily,
  openSeeds,
  randomBytes,
  sealSeeds,
  statementHash,
  type BoxKeyPair,
  type ReportHeader,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { workOf, type MadeReport, type Reporter } from '../region/support/script.ts';
import { createHouse, type Config, type House } from './support/house.ts';

type Offered = ReturnType<MadeReport['offered']>;

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

/** A report by `by` of the attacker's making: its header, after these changes, signed like any other. */
async function forge(
  report: MadeReport,
  by: Reporter,
  change: (header: ReportHeader) => Partial<ReportHeader>,
  box: Uint8Array,
): Promise<Offered> {
  const header = { ...report.decoded.header, ...change(report.decoded.header) };
  const bytes = canonicalBytes(header);
  const signed = new Uint8Array([...utf8ToBytes('twinkeep/1/report\n'), ...bytes]);
  return {
    header: bytesToBase64Url(bytes),
    signature: bytesToBase64Url(await by.key.sign(signed)),
    box: bytesToBase64Url(box),
  };
}

const verdictOf = async (config: Config, offered: Offered): Promise<string | null> => {
  const [helper] = house.helpers;
  helper.sent.acks = [];
  await helper.work(workOf(config, { reports: [offered] }));
  return helper.sent.acks[0]!.body.refused[0]?.code ?? null;
};

describe('a box replayed', () => {
  // Defence: edge-client/protocol/box.ts, `openSeeds`: the box names round, helper, reporter and vector, and all must be those of the header.
  it('under the header of somebody else, or in another round, is refused', async () => {
    const config = await house.config();
    const [victimBy, attacker] = house.reporters;
    const victim = await house.script.report(config, victimBy);
    const own = await house.script.report(config, attacker);
    const box = victim.decoded.boxes[0]!;
    const stolen = {
      commitments: victim.decoded.header.commitments,
      boxHashes: victim.decoded.header.boxHashes,
    };
    // With the victim's masks in its own name the attacker could have them added twice, and learn them from the sum.
    const replays = [
      await forge(own, attacker, () => stolen, box),
      await forge(own, attacker, () => ({ ...stolen, vectorHash: victim.decoded.header.vectorHash }), box),
    ];
    for (const replay of replays) expect(await verdictOf(config, replay)).toBe('protocol/box');

    // The forging hand is not what was refused.
    expect(await verdictOf(config, await forge(own, attacker, () => ({}), own.decoded.boxes[0]!))).toBeNull();
    expect(await verdictOf(config, victim.offered(1))).toBeNull();

    const later = await house.config();
    const late = await house.script.report(later, victimBy);
    expect(await verdictOf(later, await forge(late, victimBy, () => stolen, box))).toBe('protocol/box');
  });
});

describe('seeds that differ', () => {
  // Defence: edge-client/protocol/box.ts, `openSeeds`: every seed is the one that the header commits to, for all helpers alike.
  it('between two helpers: the one with the odd seed refuses, and the report is in no set', async () => {
    const { reporters, helpers, script } = house;
    const config = await house.config();
    const report = await script.report(config, reporters[0]);
    const { decoded } = report;
    const family = helperFamily(4, 1);
    const context = {
      rcHash: statementHash(config.statement),
      reporterKey: reporters[0].key.publicKey,
      vectorHash: base64UrlToBytes(decoded.header.vectorHash),
    };
    const odd = sealSeeds(
      context,
      family,
      family.map(() => randomBytes(32)),
      1,
      base64UrlToBytes(config.statement.body.helpers[0]!.boxKey),
    );
    const boxHashes = [bytesToBase64Url(sha256(odd)), ...decoded.header.boxHashes.slice(1)];
    const offered = await forge(report, reporters[0], () => ({ boxHashes }), odd);
    expect(await verdictOf(config, offered)).toBe('protocol/box');

    const others = await Promise.all(reporters.slice(1).map((by) => script.report(config, by)));
    await house.offer(config, others, [helpers[0]]);
    const headerHash = bytesToBase64Url(sha256(base64UrlToBytes(offered.header)));
    const set = await script.commit(config, [...others, { ...report, headerHash }]);
    await helpers[0].work(workOf(config, { set }));
    expect(helpers[0].refusals).toEqual(['helper/set']);
    expect(helpers[0].sent.readies).toEqual([]);
  });

  // Defence: edge-client/protocol/family.ts, `setsOfHelper`: a box holds the seeds of the sets that its helper is not in; it is sealed to its key.
  it('cannot be read by a helper that they are not for, nor by the coordinator', async () => {
    const config = await house.config();
    const { decoded } = await house.script.report(config, house.reporters[0]);
    const context = {
      rcHash: statementHash(config.statement),
      reporterKey: house.reporters[0].key.publicKey,
      vectorHash: base64UrlToBytes(decoded.header.vectorHash),
    };
    const commitments = decoded.header.commitments.map(base64UrlToBytes);
    const { privateKey } = (await house.helpers[1].store.epochKey(house.helpers[1].epoch.e))!;
    const second = { publicKey: base64UrlToBytes(house.helpers[1].epoch.boxKey), privateKey };
    const open = (j: number, keys: BoxKeyPair) =>
      openSeeds(decoded.boxes[j - 1]!, context, helperFamily(4, 1), commitments, j, keys);
    expect(open(2, second).size).toBe(3);
    // Of the set {2} even helper 2 knows nothing.
    expect(open(2, second).has(1)).toBe(false);
    expect(() => open(1, second)).toThrow(expect.objectContaining({ code: 'protocol/box' }));
    expect(() => open(2, createBoxKeyPair())).toThrow(expect.objectContaining({ code: 'protocol/box' }));
  });
});

describe('random bytes', () => {
  const base64 = fc.uint8Array({ maxLength: 400 }).map(bytesToBase64Url);

  // Defence: edge-client/region/helper/judge.ts, `judgeReport`: whatever arrives gets a verdict, and the next report is judged as ever.
  it('as header, signature or box get a refusal and nothing else happens', async () => {
    const config = await house.config();
    const [helper] = house.helpers;
    const good = (await house.script.report(config, house.reporters[0])).offered(1);
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          { header: base64, signature: base64.map((text) => text.slice(0, 84)), box: base64 },
          { requiredKeys: [] },
        ),
        async (noise) => {
          fc.pre(Object.keys(noise).length > 0);
          helper.sent.acks = [];
          await helper.work(workOf(config, { reports: [{ ...good, ...noise }] }));
          expect(helper.refusals).toEqual([]);
          const { accepted, refused } = helper.sent.acks[0]!.body;
          // What was refused stays refused, as long as its header is this one; the good one is still to come.
          expect(accepted).toEqual([]);
          expect(refused).toHaveLength(1);
        },
      ),
      { numRuns: 60 },
    );
    const later = await house.config();
    const report = await house.script.report(later, house.reporters[0]);
    await helper.work(workOf(later, { reports: [report.offered(1)] }));
    expect(helper.sent.acks.at(-1)!.body.accepted).toEqual([report.headerHash]);
  });
});
