/**
 * Rounds from quantiser to opened sum, by the code that each party runs, without network and database: reporters quantise and mask, helpers
 * open their boxes and answer, the coordinator adds up and opens. Between what was quantised and what it opens lies the helpers' noise.
 */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  addNoise,
  addWords,
  admitClippedSum,
  ascendingHashes,
  createSigningKey,
  decodeReport,
  decodeSums,
  helperFamily,
  maskReport,
  noiseAllowance,
  noiseKey,
  openSeeds,
  planGrid,
  quantize,
  randomBytes,
  reportLayout,
  reportWords,
  rotationSigns,
  setsOfHelper,
  type DecodedReport,
  type RoundConfig,
  type SigningKey,
} from '@twinkeep/protocol';
import {
  createMaskThreads,
  nodePrg,
  revealSums,
  type AnswerDeps,
  type HelperPolicy,
  type HelperStore,
} from '@twinkeep/region';
import { sumVectors } from '../../../coordinator/aggregate/sum.ts';
import { openSum } from '../../../coordinator/aggregate/unmask.ts';
import { createTestRound, type TestRound } from '../../protocol/report-fixture.ts';

const D = 33;
const BINS = 16;
const TWINS = 2;
const REPORTERS = 2;
const MAX_TWINS = 100;

export interface NoisyRounds {
  config: RoundConfig & { dp: { sigmaSquared: number } };
  boxes: TestRound['boxes'];
  signs: Int8Array;
  reporters: { key: SigningKey; credential: string }[];
  helpers: SigningKey[];
}

/** What came of one round. Sums are signed grid steps. */
export interface Opened {
  /** The sum of what was quantised less the opened sum: holders add noise to what is then subtracted. */
  noise: Int32Array;
  /** The part of it that the accomplice knows: that of all sets but the one it is in. */
  known: Int32Array;
  /** The noise of one of those sets. */
  one: Int32Array;
  /** Whether all holders of each set that answered gave the same bytes, and how many gave some. */
  agreed: boolean;
  answers: number;
}

/** The configuration that a task with noise multiplier 1 has, the clipping bound adapting, for m helpers of whom c may collude. */
export async function createNoisyRounds(m: number, c: number): Promise<NoisyRounds> {
  const { config, boxes } = await createTestRound(D, m, c);
  const layout = reportLayout(D, BINS, 1);
  const noise = { multiplier: 1, trainings: 60, evaluations: 3, clipNoise: 5, helpers: { m, c } };
  const grid = planGrid({ bits: 24, maxTwins: MAX_TWINS, dPadded: layout.dPadded, noise });
  const helpers = await Promise.all(config.helpers.map(() => createSigningKey()));
  const reporters = await Promise.all(Array.from({ length: REPORTERS }, () => createSigningKey()));
  const dp = { mech: 'discrete-gaussian', where: 'helpers', sigmaSquared: grid.sigmaSquared } as const;
  return {
    config: {
      ...config,
      ...layout,
      ...grid,
      b: 24,
      maxTwins: MAX_TWINS,
      mode: 'log',
      dp: { ...dp, noiseMultiplier: 1, trainings: 60, evaluations: 3, epsilon: 100, delta: 1e-5 },
    },
    boxes,
    signs: await rotationSigns(randomBytes(32), layout.dPadded, nodePrg),
    reporters: reporters.map((key) => ({ key, credential: 'jwt' })),
    helpers,
  };
}

/** @param answering numbers of the helpers that answer; the first of them is the accomplice, whose seeds the coordinator has */
export async function openRound(rounds: NoisyRounds, answering: readonly number[]): Promise<Opened> {
  const { config } = rounds;
  const [rcHash, scHash] = [randomBytes(32), randomBytes(32)];
  const words = reportWords(config);
  const clear = new Int32Array(words);
  const reports: DecodedReport[] = [];
  for (const reporter of rounds.reporters) {
    const quantized = quantizeSome(rounds);
    addWords(clear, quantized.values);
    const members = Array.from({ length: TWINS }, () => bytesToBase64Url(randomBytes(16)));
    const deps = { prg: nodePrg, random: randomBytes };
    const { bytes } = await maskReport(quantized, members, { config, rcHash }, reporter, deps);
    reports.push(decodeReport(bytes, config, rcHash));
  }
  const answers = new Map<number, Uint8Array[]>();
  const asked = answering.map((j) => ({ rcHash, scHash, j, seeds: seedsOf(rounds, { rcHash, reports, j }) }));
  for (const each of asked)
    for (const [set, sum] of await answerOf(rounds, each))
      answers.set(set, [...(answers.get(set) ?? []), sum]);

  const { sum } = await sumVectors(inBatches(reports), words, config.b);
  const family = helperFamily(config.helpers.length, config.c);
  const bound = REPORTERS * TWINS * config.qTwin + noiseAllowance(config.dp.sigmaSquared, family.length);
  const masks = family.map((_, set) => answers.get(set)?.[0] as Uint8Array);
  const opened = openSum(sum, masks, { bits: config.b, bound });
  if (opened === null) throw new Error('the sum did not open');
  const known = await noiseKnownTo(rounds, asked[0] as Asked);
  const total = new Int32Array(words);
  for (const noise of known) addWords(total, noise);
  return {
    noise: clear.map((step, i) => step - opened[i]!),
    known: total,
    one: known[0] as Int32Array,
    agreed: [...answers.values()].every((given) =>
      given.every((each) => Buffer.compare(each, given[0]!) === 0),
    ),
    answers: [...answers.values()].reduce((count, given) => count + given.length, 0),
  };
}

interface Asked {
  rcHash: Uint8Array;
  scHash: Uint8Array;
  j: number;
  /** By header hash, in the order of a set. */
  seeds: Map<string, Map<number, Uint8Array>>;
}

/** A helper's answer as the coordinator reads it: sums of masks with noise, packed, by set. */
async function answerOf(
  { config, boxes, helpers }: NoisyRounds,
  { rcHash, scHash, j, seeds }: Asked,
): Promise<Map<number, Uint8Array>> {
  const key = helpers[j - 1] as SigningKey;
  const deps: Omit<AnswerDeps, 'source'> = {
    policy: { j } as HelperPolicy,
    key,
    store: storeOf(seeds),
    masks: MASKS,
    clock: () => 0,
  };
  const set = { scHash: bytesToBase64Url(scHash), members: [...seeds.keys()] };
  const terms = { config, rcHash: bytesToBase64Url(rcHash), boxKeys: boxes[j - 1]!, e: 1 };
  const bytes = await revealSums(set, terms, deps as AnswerDeps);
  const sets = setsOfHelper(helperFamily(config.helpers.length, config.c), j);
  return decodeSums(bytes, { kid: key.id, sets, words: reportWords(config), bits: config.b }).sums;
}

/** Sums this small stay on the calling thread. */
const MASKS = createMaskThreads();

/** The two things that an answer asks of a helper's database. */
function storeOf(seeds: Map<string, Map<number, Uint8Array>>): HelperStore {
  const store: Pick<HelperStore, 'answerSet' | 'seeds'> = {
    answerSet: () => Promise.resolve(null),
    seeds: () => Promise.resolve(seeds),
  };
  return store as HelperStore;
}

/** What helper j finds in its boxes. */
function seedsOf(
  { config, boxes }: NoisyRounds,
  { rcHash, reports, j }: { rcHash: Uint8Array; reports: readonly DecodedReport[]; j: number },
): Asked['seeds'] {
  const family = helperFamily(config.helpers.length, config.c);
  const byHash = new Map(reports.map((report) => [bytesToBase64Url(report.headerHash), report]));
  return new Map(
    ascendingHashes([...byHash.keys()]).map((hash) => {
      const { header, boxes: sealed } = byHash.get(hash) as DecodedReport;
      const context = {
        rcHash,
        reporterKey: base64UrlToBytes(header.key),
        vectorHash: base64UrlToBytes(header.vectorHash),
      };
      const commitments = header.commitments.map(base64UrlToBytes);
      return [hash, openSeeds(sealed[j - 1]!, context, family, commitments, j, boxes[j - 1]!)];
    }),
  );
}

/** What a helper can compute of the noise, for whomever it pleases: set by set. */
async function noiseKnownTo({ config }: NoisyRounds, { scHash, j, seeds }: Asked): Promise<Int32Array[]> {
  const family = helperFamily(config.helpers.length, config.c);
  return Promise.all(
    setsOfHelper(family, j).map(async (index) => {
      const own = [...seeds.values()].map((bySet) => bySet.get(index)!);
      const words = new Uint32Array(reportWords(config));
      await addNoise(words, noiseKey(own, scHash, family[index]!), config.dp.sigmaSquared, nodePrg);
      return new Int32Array(words.buffer);
    }),
  );
}

/** The update of two twins, somewhere within their bounds. */
function quantizeSome({ config, signs }: NoisyRounds): ReturnType<typeof quantize> {
  const layout = reportLayout(D, BINS, 1);
  const direction = Float64Array.from(randomBytes(D), (byte) => (byte - 128) / 128 / Math.sqrt(D));
  const evaluation = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  return quantize(
    admitClippedSum(direction, TWINS, 1, 1),
    evaluation,
    { ...config, layout, signs },
    randomBytes,
  );
}

async function* inBatches(reports: readonly DecodedReport[]): AsyncGenerator<Uint8Array[]> {
  for (const { vectorBytes } of reports) yield [vectorBytes];
}
