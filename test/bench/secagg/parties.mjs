// The work of the three parties, run on real bytes; what the coordinator opens is compared with the sum in the clear.
import {
  addPacked,
  addWords,
  decodeReport,
  decodeSums,
  encodeSums,
  helperFamily,
  randomBytes,
  reportWords,
  setsOfHelper,
  signedWords,
  subtractWords,
  unpackWords,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { judgeReport, nodePrg } from '@twinkeep/region';
import { createHash } from 'node:crypto';
import { measure } from './measure.mjs';
import { helperTerms, makeReport, quantizeUpdate, toOffer } from './round.mjs';

/** Grid steps: what a multiplier of 1 asks for at 100,000 parameters, about. */
const SIGMA = 25_000;

const sha256 = (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());

/** What one device spends on one report, with the generator of a browser and with that of a region node. */
export async function measureClient(round, device) {
  const quantized = quantizeUpdate(round, device);
  const [quantise, browser, node, clear] = [
    await measure(() => quantizeUpdate(round, device)),
    await measure(() => makeReport(round, device, quantized, webCryptoPrg)),
    await measure(() => makeReport(round, device, quantized, nodePrg)),
    await measure(() => Float32Array.from(device.update).byteLength),
  ];
  return {
    quantise: quantise.cpu,
    protectBrowser: browser.cpu,
    protectNode: node.cpu,
    bytesUp: browser.result.bytes.length,
    clearBytes: clear.result,
    clear: clear.cpu,
  };
}

/** Per report, while reports come in: every check of the coordinator that needs no database, and a helper's whole verdict. */
export async function measureIntake(round, pool) {
  const { config, rcHash, trust } = round;
  const some = pool.slice(0, 50);
  const coordinator = await measure(() => {
    for (const { bytes } of some) decodeReport(bytes, config, rcHash, sha256);
  });
  const terms = helperTerms(round, 1);
  const helper = await measure(async () => {
    for (const report of some) {
      const verdict = await judgeReport(toOffer(report, 1), terms, { j: 1, trust, now: new Date() });
      if (verdict.code !== null) throw new Error(`a helper refused a report: ${verdict.code}`);
    }
  });
  return { coordinator: coordinator.cpu / some.length, helper: helper.cpu / some.length };
}

/** Where a task has differential privacy: the noise of one helper for all of its sets, whatever the number of reports. */
export async function measureNoise({ config }, masks) {
  const sets = setsOfHelper(helperFamily(config.helpers.length, config.c), 1);
  const sums = new Map(sets.map((index) => [index, new Uint32Array(reportWords(config))]));
  const keys = new Map(sets.map((index) => [index, randomBytes(32)]));
  const { cpu, wall } = await measure(() => masks.addNoise(sums, keys, SIGMA ** 2));
  return { cpu, wall };
}

/** Every helper's seeds of every report of the pool. */
export async function openPool(round, pool) {
  const { config, trust } = round;
  for (const { j } of config.helpers) {
    const terms = helperTerms(round, j);
    for (const report of pool) {
      const { seeds, code } = await judgeReport(toOffer(report, j), terms, { j, trust, now: new Date() });
      if (code !== null) throw new Error(`helper ${j} refused a report: ${code}`);
      report.seeds ??= {};
      report.seeds[j] = seeds;
    }
  }
}

/**
 * Once the set is fixed: every helper that is needed gives its sums, the coordinator adds up and opens.
 * `masks`: threads that have run before, as a helper's have.
 */
export async function measureSet(round, pool, n, { masks, key }) {
  const { config, rcHash } = round;
  const words = reportWords(config);
  const family = helperFamily(config.helpers.length, config.c);
  const set = Array.from({ length: n }, (_, i) => pool[i % pool.length]);
  const options = { budget: n * words > 3e8 ? 0 : 1_500 };

  const answers = [];
  const helpers = [];
  for (const { j } of config.helpers) {
    // As many as know every set between them; the others give the same sums once more.
    if (answers.length > config.c) break;
    const sets = setsOfHelper(family, j).map((index) => [index, family[index]]);
    const seeds = set.map((report) => report.seeds[j]);
    const summed = await measure(async () => {
      const sums = await masks.sumMasks(seeds, { rcHash, words, sets });
      return encodeSums(sums, { rcHash: HASH, scHash: HASH, j }, config.b, key);
    }, options);
    helpers.push(summed);
    const expected = { kid: key.id, sets: sets.map(([index]) => index), words, bits: config.b };
    answers.push({ bytes: summed.result, expected });
  }

  const coordinator = await measure(() => {
    const opening = new Map(
      answers.flatMap(({ bytes, expected }) => [...decodeSums(bytes, expected, sha256).sums]),
    );
    const sum = new Uint32Array(words);
    for (const { vector } of set) addPacked(sum, vector, config.b);
    for (const mask of opening.values()) subtractWords(sum, unpackWords(mask, words, config.b));
    return signedWords(sum, config.b);
  }, options);
  const clear = await measure(() => {
    const sum = new Int32Array(words);
    for (const report of set) addWords(sum, report.clear);
    return sum;
  }, options);
  if (Buffer.compare(bytesOf(coordinator.result), bytesOf(clear.result)) !== 0)
    throw new Error('what was opened is not the sum');
  const slowest = helpers.toSorted((a, b) => b.cpu - a.cpu)[0];
  return {
    coordinator: coordinator.cpu,
    helper: slowest.cpu,
    helperWall: slowest.wall,
    clear: clear.cpu,
    vectorBytes: n * pool[0].vector.length,
  };
}

const HASH = 'A'.repeat(43);

function bytesOf(words) {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
