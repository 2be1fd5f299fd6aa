// What a helper spends on one set: the sum of masks over n reports, beside the plain sum of as many vectors in the clear, which is the
// least that any aggregation has to do.
//   npm run build && node test/bench/mask-sum.mjs [--reports N] [--words N] [--seed N] [--json FILE]
import { addMask, addWords, helperFamily, setsOfHelper } from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const REPEATS = 5;

const { values: flags } = parseArgs({
  options: {
    reports: { type: 'string', default: '100' },
    words: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const reports = Number(flags.reports);
const words = Number(flags.words);
const rcHash = bytes('round');
const family = helperFamily(4, 1);
const sets = setsOfHelper(family, 1);
const vectors = Array.from({ length: Math.min(reports, 16) }, (_, i) =>
  Uint32Array.from({ length: words }, (_unused, k) => i * 2654435761 + k),
);

const seconds = { masks: [], clear: [] };
for (let repeat = 0; repeat < REPEATS; repeat++) {
  seconds.masks.push(await timed(sumOfMasks));
  seconds.clear.push(await timed(clearSum));
}
const [masks, clear] = [median(seconds.masks), median(seconds.clear)];
const gigabytes = (reports * sets.length * words * 4) / 1e9;
const figures = {
  reports,
  words,
  sets: sets.length,
  seconds: { masks, clear },
  ratio: masks / clear,
  gigabytesPerSecond: gigabytes / masks,
};
process.stdout.write(
  `one of four helpers, ${reports} reports x ${words} words, ${sets.length} seeds each, median of ${REPEATS}\n` +
    `  sum of masks               ${(masks * 1000).toFixed(1).padStart(8)} ms   ${figures.gigabytesPerSecond.toFixed(2)} GB/s of masks\n` +
    `  clear sum of the vectors   ${(clear * 1000).toFixed(1).padStart(8)} ms\n` +
    `  ratio                      ${figures.ratio.toFixed(2).padStart(8)} x\n`,
);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);

async function sumOfMasks() {
  for (const set of sets) {
    const sum = new Uint32Array(words);
    for (let i = 0; i < reports; i++) await addMask(sum, bytes(`${set} ${i}`), rcHash, family[set], nodePrg);
  }
}

function clearSum() {
  const sum = new Uint32Array(words);
  for (let i = 0; i < reports; i++) addWords(sum, vectors[i % vectors.length]);
}

async function timed(work) {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function bytes(label) {
  return createHash('sha256').update(`${flags.seed} ${label}`).digest();
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
