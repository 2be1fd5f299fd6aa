// What privacy costs: AUC with and without noise, by cohort, from a central run of the sums that the parties compute among them.
//   npm run bench:privacy -- [--data FILE --mapping FILE] [--customers N] [--splits N] [--seed N] [--json FILE]
// Without --data: synthetic telecom customers. Settings of the task as in `npm start`.
import { loadTf } from '@twinkeep/edge-client/train';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileCustomers } from '../../../demo/dist/customers/file.js';
import { telecomCustomers } from '../../../demo/dist/customers/telecom.js';
import { trainCentrally } from './central.mjs';
import { readRows, splitRows, takeRows } from './rows.mjs';

const EPSILONS = ['none', 8, 2];
const COHORTS = [500, 1_000, 2_000, 4_000];
/** AUC that privacy may cost. */
const TOLERANCE = 0.01;
const NODES = 10;
/** Of the population: a year of which every day is known. */
const NOW = Date.UTC(2026, 0, 1);

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    mapping: { type: 'string' },
    customers: { type: 'string', default: '7043' },
    splits: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
if ((flags.data === undefined) !== (flags.mapping === undefined))
  throw new Error('--data and --mapping go together');

const customers =
  flags.data === undefined
    ? telecomCustomers(Number(flags.customers), Number(flags.seed), NOW)
    : await fileCustomers({ data: flags.data, mapping: flags.mapping }, NOW);
const { tf } = await loadTf();
const rows = readRows(customers, taskFor('none', 'rows'));
const holdout = taskFor('none', 'rows').evaluation.holdout;
const training = splitRows(rows, holdout, '').training.n;
const cohorts = [...COHORTS.filter((size) => size < training), training];
const cells = EPSILONS.flatMap((epsilon) => cohorts.map((cohort) => ({ epsilon, cohort, aucs: [] })));

const runs = Number(flags.splits) * cells.length;
let done = 0;
for (let split = 1; split <= Number(flags.splits); split++) {
  const seed = `${flags.seed}/${split}`;
  const { training: all, heldOut } = splitRows(rows, holdout, seed);
  for (const { epsilon, cohort, aucs } of cells) {
    aucs.push(await trainCentrally(tf, taskFor(epsilon, seed), takeRows(all, cohort), heldOut, seed));
    process.stderr.write(`\r${++done} of ${runs} trainings `);
  }
}
process.stderr.write('\n');

const results = cells.map(({ epsilon, cohort, aucs }) => {
  const exact = cells.find((cell) => cell.epsilon === 'none' && cell.cohort === cohort);
  return {
    epsilon,
    cohort,
    aucs,
    mean: mean(aucs),
    spread: spread(aucs),
    lost: mean(exact.aucs) - mean(aucs),
  };
});
const { privacy, rounds } = taskFor(EPSILONS[1], 'rows');
process.stdout.write(
  `${customers.title}, ${rounds} rounds, delta ${privacy.delta}, at most ${privacy.trainings} participations, ${flags.splits} splits\n` +
    '  epsilon   cohort   mean AUC   spread   lost to privacy\n' +
    results.map(line).join(''),
);
const smallest = EPSILONS.slice(1).map((epsilon) => ({ epsilon, cohort: smallestCohort(epsilon) }));
for (const { epsilon, cohort } of smallest)
  process.stdout.write(
    cohort === null
      ? `epsilon ${epsilon}: no cohort here is within ${TOLERANCE} of the non-private AUC\n`
      : `epsilon ${epsilon}: within ${TOLERANCE} of the non-private AUC from ${count(cohort)} training twins on\n`,
  );
if (flags.json !== undefined)
  writeFileSync(
    flags.json,
    `${JSON.stringify({ customers: customers.title, rounds, privacy, results, smallest }, null, 2)}\n`,
  );

function taskFor(epsilon, seed) {
  return customers.task({
    taskId: 'bench',
    rounds: null,
    customers: customers.size,
    nodes: NODES,
    minTwins: 20,
    privacy: { epsilon, delta: null, participations: null },
    seed,
  });
}

/** From which on every larger one is within the tolerance too. */
function smallestCohort(epsilon) {
  const own = results.filter((result) => result.epsilon === epsilon);
  const lastMiss = own.findLastIndex(({ lost }) => lost > TOLERANCE);
  return own[lastMiss + 1]?.cohort ?? null;
}

function line({ epsilon, cohort, mean: auc, spread: by, lost }) {
  const figures = [auc, by, lost].map((value) => value.toFixed(4));
  return `  ${String(epsilon).padStart(7)} ${count(cohort).padStart(8)} ${figures[0].padStart(10)} ${figures[1].padStart(8)} ${figures[2].padStart(17)}\n`;
}

function count(value) {
  return value.toLocaleString('en');
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation over the splits. */
function spread(values) {
  const centre = mean(values);
  return values.length < 2
    ? 0
    : Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (values.length - 1));
}
