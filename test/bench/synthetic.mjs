// The gates of synthetic data on public data sets: `npm run bench:synthetic`, after a build. Quality and AUC (train on synthetic, test on
// real) of every synthesizer, three seeds each with splits of their own, beside the reference lines; with noise, each seed's figure is the mean
// of three fits. Then what an attack proves of epsilon, and what memory growing files take. The sets are not part of this
// repository: --data FOLDER names where telco_churn.csv, bank_full.csv and readmission.csv lie (default ../shared/data).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { efficacy, qualityReport, shuffleColumns } from '@twinkeep/synthetic/evaluate';
import { fitCopula, fitMst, parseSchema, sample } from '@twinkeep/synthetic/synthesize';
import { printMemory, printPrivacy } from './synthetic-privacy.mjs';
import { mean, readSet, SETS, splitSet, spread } from './synthetic-sets.mjs';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    data: { type: 'string', default: join(import.meta.dirname, '../../../shared/data') },
    json: { type: 'string' },
    // gates, privacy or memory; default: all.
    part: { type: 'string' },
  },
});
const SEEDS = [0, 1, 2].map((i) => Number(flags.seed) + i);
const DELTA = 1e-6;
const FITS = 3;

const figures = {};
let failed = false;
for (const set of isAsked('gates') ? SETS : []) {
  const table = readSet(flags.data, set);
  if (table === null) {
    process.stdout.write(`${set.file}: not in ${flags.data}, left out\n`);
    continue;
  }
  const schema = parseSchema({ columns: set.columns });
  const routes = {
    real: (train) => train,
    shuffled: (train, seed) => shuffleColumns(train, seed),
    copula: (train, seed) => sample(fitCopula(train, schema), { rows: train.rows, seed }),
    'mst, no noise': (train, seed) => viaMst(train, schema, set.target.column, seed),
    'mst, epsilon 3': (train, seed) => viaMst(train, schema, set.target.column, seed, 3),
    'mst, epsilon 1': (train, seed) => viaMst(train, schema, set.target.column, seed, 1),
  };
  process.stdout.write(`${set.file}, ${table.rows} rows, ${table.columns.length} columns\n`);
  figures[set.file] = {};
  const splits = SEEDS.map((seed) => splitSet(table, seed));
  for (const [name, route] of Object.entries(routes)) {
    const runs = [];
    for (const [i, { train, holdout }] of splits.entries()) {
      const fits = [];
      for (let fit = 0; fit < (name.includes('epsilon') ? FITS : 1); fit++) {
        const started = performance.now();
        const made = await route(train, SEEDS[i] + 1_000 * fit);
        const seconds = (performance.now() - started) / 1000;
        const reference = name === 'real' ? holdout : made;
        fits.push({
          quality: qualityReport(train, reference).score,
          auc: efficacy(made, holdout, set.target).auc.value,
          seconds,
        });
      }
      const meanOf = (key) => mean(fits.map((one) => one[key]));
      runs.push({
        quality: meanOf('quality'),
        auc: meanOf('auc'),
        seconds: Math.max(...fits.map(({ seconds }) => seconds)),
      });
    }
    const column = (key) => runs.map((run) => run[key]);
    figures[set.file][name] = runs;
    process.stdout.write(
      `  ${name.padEnd(16)} quality ${spread(column('quality'))}   AUC ${spread(column('auc'))}   ` +
        `${Math.max(...column('seconds')).toFixed(1)} s\n`,
    );
  }
  if (set.gate === undefined) continue;
  const gated = figures[set.file][`mst, epsilon ${set.gate.epsilon}`];
  for (const key of ['auc', 'quality']) {
    if (set.gate[key] === undefined) continue;
    const holds = mean(gated.map((run) => run[key])) >= set.gate[key];
    failed ||= !holds;
    process.stdout.write(
      `  gate: ${key} >= ${set.gate[key]} at epsilon ${set.gate.epsilon}: ${holds ? 'holds' : 'MISSED'}\n`,
    );
  }
}
figures.privacy = [];
if (isAsked('privacy')) failed = !(await printPrivacy(figures.privacy)) || failed;
figures.memory = [];
if (isAsked('memory')) await printMemory(figures.memory);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
if (failed) process.exitCode = 1;

function isAsked(part) {
  return flags.part === undefined || flags.part === part;
}

async function viaMst(train, schema, target, seed, epsilon) {
  const privacy = epsilon === undefined ? {} : { epsilon, delta: DELTA };
  return sample(await fitMst(train, schema, { target, ...privacy }), { rows: train.rows, seed });
}
