// One twin in Chromium beside the same twin in Node, over a region node's store: what they take for an event, a prediction and a round,
// what goes over the wire, and whether memory grows over a hundred rounds. Both are in the same rounds of a real coordinator, with a
// region node, so whatever else this machine does hits both alike. Beside each figure of Chromium stands the least that could do the
// job: IndexedDB in the clear, training with nothing hidden, the update as plain float32.
//   npm run bench:browser -- [--rounds N] [--events N] [--seed N] [--json FILE]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openBrowserTwin } from './browser-twin.mjs';
import { openNodeTwin } from './node-twin.mjs';
import { median, percentile, trend } from './statistics.mjs';
import { table } from './table.mjs';
import { openWorld } from './world.mjs';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    events: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const rounds = Number(flags.rounds);
const events = Number(flags.events);
/** Caches fill, a browser keeps a note of its first 250 fetches, and code is compiled, before anything counts. */
const WARM_UP = 40;
const SAMPLES = 10;

const world = await openWorld(Number(flags.seed), rounds + WARM_UP);
const twins = [];
let grew = false;
try {
  const chromium = await openBrowserTwin(world);
  const node = await openNodeTwin(world);
  twins.push(chromium, node);
  // In turns, for the same reason.
  for (const twin of twins) await twin.begin();
  const calls = { chromium: await chromium.calls(events), node: await node.calls(events) };
  await Promise.all(twins.map((twin) => twin.takePart()));
  const memory = { chromium: [], node: [] };
  for (let sample = 0; sample <= SAMPLES; sample++) {
    const wanted = WARM_UP + Math.round((sample * rounds) / SAMPLES);
    await Promise.all(twins.map((twin) => twin.untilRound(wanted)));
    memory.chromium.push([wanted, await chromium.memory()]);
    memory.node.push([wanted, await node.memory()]);
  }
  const told = { chromium: await chromium.rounds(), node: await node.rounds() };
  const figures = {
    chromium: { version: chromium.version, ...figuresOf(calls.chromium, told.chromium, memory.chromium) },
    node: { version: process.version, ...figuresOf(calls.node, told.node, memory.node) },
    alternatives: alternatives(calls.chromium, told.chromium),
    parameters: world.parameters,
    rounds,
    events,
  };
  process.stdout.write(table(figures));
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
  grew = figures.chromium.memory.grows || figures.node.memory.grows;
} finally {
  for (const twin of twins) await twin.close();
  await world.stop();
}
process.exit(grew ? 1 : 0);

function figuresOf({ record, predict }, told, memory) {
  const counted = told.slice(WARM_UP);
  const of = (name) => spread(counted.map((round) => round[name]));
  return {
    milliseconds: {
      record: spread(record),
      predict: spread(predict),
      train: of('train'),
      protect: of('protect'),
    },
    bytes: { up: of('up'), down: of('down') },
    memory: { bytes: memory.at(-1)[1], ...trend(memory) },
  };
}

/** The least that could do the job, and how many times that it takes here. */
function alternatives({ record, clear }, told) {
  const counted = told.slice(WARM_UP);
  const [train, protect] = ['train', 'protect'].map((name) => median(counted.map((round) => round[name])));
  const up = median(counted.map((round) => round.report));
  return {
    record: { milliseconds: spread(clear), ratio: median(record) / median(clear) },
    round: { milliseconds: train, ratio: (train + protect) / train },
    bytesUp: { bytes: world.clearBytes, ratio: up / world.clearBytes },
  };
}

function spread(values) {
  return { median: median(values), p95: percentile(values, 0.95) };
}
