// What secure aggregation costs its three parties, beside the plain sum of the same vectors in the clear.
//   npm run bench:secagg -- [--quick] [--helpers M,C] [--bits 20|24|32] [--threads N] [--seed N] [--json FILE]
//   npm run bench:secagg -- --postgres [--reports N] [--parameters D]     a coordinator's memory, out of a real database
import { createSigningKey, NOISE_CHUNK_WORDS, randomBytes, sodiumReady } from '@twinkeep/protocol';
import { createMaskThreads } from '@twinkeep/region';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { memoryBandwidth } from './measure.mjs';
import { measureClient, measureIntake, measureNoise, measureSet, openPool } from './parties.mjs';
import { measurePostgres } from './postgres.mjs';
import { createDevice, createPool, createRound, lcg } from './round.mjs';
import { printCosts, printTargets } from './table.mjs';

const REPORTS = [10, 100, 1_000, 10_000];
const PARAMETERS = [1_000, 10_000, 100_000, 1_000_000];
const MISSING = [0, 0.1, 0.3, 0.6];
/** Reports times parameters; beyond it, ten times the cell of a tenth of the reports. */
const LARGEST = 1e9;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    helpers: { type: 'string', default: '3,1' },
    bits: { type: 'string', default: '24' },
    threads: { type: 'string', default: String(Math.min(availableParallelism(), 4)) },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    postgres: { type: 'boolean', default: false },
    reports: { type: 'string', default: '10000' },
    parameters: { type: 'string', default: '100000' },
  },
});
const [m, c] = flags.helpers.split(',').map(Number);
const settings = { m, c, bits: Number(flags.bits), threads: Number(flags.threads), quick: flags.quick };

await sodiumReady;
const figures = flags.postgres
  ? await measurePostgres(
      { ...settings, n: Number(flags.reports), d: Number(flags.parameters) },
      lcg(Number(flags.seed)),
    )
  : await measureAll(lcg(Number(flags.seed)));
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);

async function measureAll(random) {
  const machine = { cpu: cpus()[0]?.model ?? '', processors: availableParallelism(), node: process.version };
  const costs = { ...settings, machine, bandwidth: await memoryBandwidth(), clients: [], sets: [] };
  const key = await createSigningKey();
  const masks = createMaskThreads({ threads: settings.threads });
  await warm(masks);
  for (const d of flags.quick ? [1_000, 100_000] : PARAMETERS) {
    const round = await createRound({ d, maxTwins: Math.max(...REPORTS), ...settings });
    const client = await measureClient(round, await createDevice(round, random));
    const pool = await createPool(round, 200, random);
    const intake = await measureIntake(round, pool);
    costs.clients.push({ d, ...client, intake, noise: await measureNoise(round, masks) });
    await openPool(round, pool);
    for (const n of flags.quick ? [100, 1_000] : REPORTS) {
      for (const missing of flags.quick ? [0, 0.3] : MISSING) {
        const reports = Math.round(n * (1 - missing));
        if (n * d <= LARGEST) {
          const cost = await measureSet(round, pool, reports, { masks, key });
          costs.sets.push({ d, n, missing, reports, extrapolated: false, ...cost });
        } else {
          costs.sets.push(extrapolate(costs.sets, { d, n, missing, reports }));
        }
        process.stderr.write('.');
      }
    }
  }
  await masks.close();
  process.stderr.write('\n');
  printCosts(costs);
  costs.targets = printTargets(costs);
  return costs;
}

/** A helper's threads have long started, and know their work, when a set is fixed. */
async function warm(masks) {
  const words = 4 * settings.threads * NOISE_CHUNK_WORDS;
  await masks.addNoise(new Map([[0, new Uint32Array(words)]]), new Map([[0, randomBytes(32)]]), 1e6);
}

/** All of it is proportional to the number of reports. */
function extrapolate(sets, { d, n, missing, reports }) {
  const { coordinator, helper, helperWall, clear, vectorBytes } = sets.find(
    (set) => set.d === d && set.n === n / 10 && set.missing === missing,
  );
  const scaled = Object.entries({ coordinator, helper, helperWall, clear, vectorBytes });
  return {
    d,
    n,
    missing,
    reports,
    extrapolated: true,
    ...Object.fromEntries(scaled.map(([k, v]) => [k, 10 * v])),
  };
}
