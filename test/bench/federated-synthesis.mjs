// What it costs that nobody sees a row: `npm run bench:federated-synthesis`, after a build. AUC (train on synthetic, test on real) of the
// pooled synthesizer and of the one from secure rounds, at the same epsilon, with the same cells, on three seeds with splits of their own, three
// fits on each.
// The rounds are those of the parties in one place: twins' counts on the task's grid, rounded, with the noise of every helper set, opened and
// published; masks are left out, since they cancel to the bit. --data FOLDER names where the sets of bench:synthetic lie.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  addNoise,
  admitClippedSum,
  COUNT_STEPS,
  dequantizeUpdate,
  helperFamily,
  initialWeights,
  marginalsOf,
  parseTask,
  privacyFor,
  publishCounts,
  quantize,
  randomBytes,
  rotationSigns,
  sumOfCounts,
  taskGrid,
  taskLayout,
} from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { efficacy } from '@twinkeep/synthetic/evaluate';
import { fitFromCounts, schemaOfTask } from '@twinkeep/synthetic/federated';
import { columnOf, fitMst, parseSchema, sample } from '@twinkeep/synthetic/synthesize';
import { mean, readSet, SETS, splitSet, spread } from './synthetic-sets.mjs';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '3' },
    data: { type: 'string', default: join(import.meta.dirname, '../../../shared/data') },
    helpers: { type: 'string', default: '4,1' },
    json: { type: 'string' },
  },
});
const SEEDS = Array.from({ length: Number(flags.seeds) }, (_, i) => Number(flags.seed) + i);
const [M, C] = flags.helpers.split(',').map(Number);
const DELTA = 1e-6;
const EPSILONS = [1, 3];
/** Of each route on each split: the mean of so many fits, whose noise is new each time. */
const FITS = 3;
/** AUC that federation may cost. */
const TOLERANCE = 0.01;

process.stdout.write(
  `${M} helpers, of whom ${C} may collude: ${helperFamily(M, C).length} noises in every sum; delta ${DELTA}\n`,
);
const figures = {};
let failed = false;
for (const set of SETS) {
  const table = readSet(flags.data, set);
  if (table === null) {
    process.stdout.write(`${set.file}: not in ${flags.data}, left out\n`);
    continue;
  }
  process.stdout.write(`${set.file}, ${table.rows} rows\n`);
  figures[set.file] = {};
  for (const epsilon of EPSILONS) {
    const task = taskOf(set, epsilon, table.rows);
    const schema = schemaOf(set, task);
    const runs = [];
    for (const seed of SEEDS) {
      const { train, holdout } = splitSet(table, seed);
      const auc = (model) =>
        efficacy(sample(model, { rows: train.rows, seed }), holdout, set.target).auc.value;
      const rows = rowsOf(train, set, task);
      const [pooled, federated] = [[], []];
      for (let fit = 0; fit < FITS; fit++) {
        const options = { target: set.target.column, epsilon, delta: DELTA };
        pooled.push(auc(await fitMst(train, schema, options)));
        federated.push(auc(fitFromCounts(task, await runRounds(task, rows), schema)));
      }
      runs.push({
        pooled: mean(pooled),
        federated: mean(federated),
        difference: mean(federated) - mean(pooled),
      });
    }
    figures[set.file][epsilon] = runs;
    const column = (key) => runs.map((run) => run[key]);
    const holds = mean(column('difference')) >= -TOLERANCE;
    failed ||= !holds;
    process.stdout.write(
      `  epsilon ${epsilon}  pooled ${spread(column('pooled'))}   federated ${spread(column('federated'))}   ` +
        `difference ${spread(column('difference'))}   within ${TOLERANCE}: ${holds ? 'holds' : 'MISSED'}\n`,
    );
  }
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
if (failed) process.exitCode = 1;

function taskOf({ columns, target }, epsilon, rows) {
  const label = columns.find(({ name }) => name === target.column);
  const features = columns.filter((column) => column !== label).map(featureOf);
  return parseTask({
    v: 1,
    taskId: 'bench',
    title: 'A benchmark',
    purpose: 'https://w3id.org/dpv#ResearchAndDevelopment',
    sector: 'general',
    categories: { required: ['behavioral'], optional: [] },
    features,
    label: {
      category: 'behavioral',
      event: 'label',
      attribute: label.name,
      positive: [target.positive],
      negative: label.words.filter((word) => word !== target.positive),
      horizonDays: 1,
    },
    model: marginalsOf(features),
    clipL2: 1,
    optimizer: { kind: 'publish' },
    rounds: COUNT_STEPS,
    evaluation: { bins: 16, logitRange: 8, maxLoss: 8, holdout: 0 },
    floors: { nMin: 2, nTarget: 10, minTwins: 2, maxTwins: rows },
    helpers: { m: M, c: C, mode: 'log', q: M },
    bits: 32,
    privacy: privacyFor({ epsilon, delta: DELTA, trainings: COUNT_STEPS }),
    windows: { collect: 1_000, ack: 1_000, reveal: 1_000 },
  });
}

function featureOf(column) {
  const common = { name: column.name, category: 'behavioral', event: 'facts', attribute: column.name };
  return { ...common, aggregate: { kind: 'last' }, transform: transformOf(column) };
}

/** Values that are cells of their own lie between two edges of their own: these columns are whole numbers. */
function transformOf(column) {
  if (column.kind === 'category') {
    const vocabulary = column.words.filter((word) => word !== column.other);
    return { kind: 'one-hot', vocabulary, other: column.other !== undefined };
  }
  const { min, max, bins = 20, atoms = [] } = column;
  const inner =
    column.edges ?? Array.from({ length: bins - 1 }, (_, i) => min + ((max - min) * (i + 1)) / bins);
  const edges = new Set([
    ...inner.filter((edge) => !atoms.includes(edge)),
    ...atoms.flatMap((x) => [x - 0.5, x + 0.5]),
  ]);
  return {
    kind: 'bucket',
    edges: [...edges].filter((edge) => edge > min - 1 && edge < max).sort((a, b) => a - b),
  };
}

/** With the bounds and steps that the set's own schema names: both routes draw their values in the same way. */
function schemaOf({ columns }, task) {
  const { schema } = schemaOfTask(task);
  return parseSchema({
    columns: schema.columns.map((column) => {
      const { min, max, step, atoms = [] } = columns.find(({ name }) => name === column.name);
      return column.kind === 'category' ? column : { ...column, min: Math.min(min, ...atoms) - 1, max, step };
    }),
  });
}

/** Rows as a twin makes them, one-hot. */
function rowsOf(table, { target }, { features }) {
  const width = features.reduce((sum, { transform }) => sum + inputs(transform), 0);
  const rows = new Float32Array(table.rows * width);
  let offset = 0;
  for (const { name, transform } of features) {
    const column = columnOf(table, name);
    for (let row = 0; row < table.rows; row++) {
      const input =
        column.kind === 'category'
          ? wordInput(column, row, transform)
          : bucketInput(column.values[row], transform);
      if (input !== null) rows[row * width + offset + input] = 1;
    }
    offset += inputs(transform);
  }
  const label = columnOf(table, target.column);
  const positive = label.words.indexOf(target.positive);
  return {
    features: rows,
    labels: Float32Array.from(label.codes, (code) => Number(code === positive)),
    n: table.rows,
  };
}

function inputs(transform) {
  return transform.kind === 'bucket'
    ? transform.edges.length + 1
    : transform.vocabulary.length + Number(transform.other);
}

function wordInput({ words, codes }, row, { vocabulary, other }) {
  if (codes[row] < 0) return null;
  const at = vocabulary.indexOf(words[codes[row]]);
  if (at >= 0) return at;
  return other ? vocabulary.length : null;
}

function bucketInput(value, { edges }) {
  if (Number.isNaN(value)) return null;
  const above = edges.findIndex((edge) => value < edge);
  return above < 0 ? edges.length : above;
}

async function runRounds(task, rows) {
  const layout = taskLayout(task);
  const { unit, clipStep, qTwin, sigmaSquared } = taskGrid(task);
  const nothing = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  let counts = initialWeights(task.model);
  for (let step = 0; step < COUNT_STEPS; step++) {
    const { sum, twins } = sumOfCounts(task, counts, rows);
    const signs = await rotationSigns(randomBytes(32), layout.dPadded, nodePrg);
    const grid = { layout, unit, clipStep, qTwin, clipL2: task.clipL2, signs };
    const { values } = quantize(admitClippedSum(sum, twins, task.clipL2, twins), nothing, grid, randomBytes);
    const words = new Uint32Array(values.buffer);
    for (const _ of helperFamily(M, C)) await addNoise(words, randomBytes(32), sigmaSquared, nodePrg);
    counts = publishCounts(task, counts, dequantizeUpdate(values, grid));
  }
  return counts;
}
