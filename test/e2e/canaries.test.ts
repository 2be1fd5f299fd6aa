/**
 * What must not leave a node, looked for everywhere else: planted high-entropy values, every twin's features and update, every
 * reporter's vector before masking; in the databases of coordinator and helpers, in every log, and in all traffic.
 */
import { bytesToBase64Url, utf8ToBytes } from '@twinkeep/audit';
import {
  applyEvent,
  createFeatureState,
  featureRow,
  parseEvent,
  planOf,
  type AdmittedEvent,
} from '@twinkeep/edge-client/fleet';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import {
  addEvaluation,
  admitClippedSum,
  initialWeights,
  networkOf,
  quantize,
  rotationSigns,
  taskGrid,
  taskLayout,
  type TaskSpec,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contains, dumpDatabase } from '../support/haystack.ts';
import { startRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';

const NODES = 2;
const REPORTERS = 2;
const TWINS = 12;
// Half are held out, so that the evaluating round need not wait for a node that has nobody to ask.
const task = smallTask('canaries', {
  evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0.5 },
  windows: { collect: 12_000, ack: 10_000, reveal: 15_000 },
  floors: { nMin: 2, nTarget: NODES + REPORTERS, minTwins: 2, maxTwins: 1000 },
});

interface Customer {
  name: string;
  /** High-entropy words planted in its events: identifier, free text, a categorical value. */
  canaries: string[];
  values: [number, number, number];
  label: 0 | 1;
}

describe('what must not leave a node', () => {
  let world: World;
  let proxy: RecordingProxy;
  let needles: Map<string, Uint8Array>;
  const customers = Array.from({ length: NODES }, () => Array.from({ length: TWINS }, (_, i) => invent(i)));

  beforeAll(async () => {
    proxy = await startRecordingProxy();
    world = await createWorld(NODES + REPORTERS, (port) => {
      proxy.target = port;
      return proxy.url;
    });
    needles = await needlesOf(customers.flat());
  });

  afterAll(async () => {
    await world.stop();
    proxy.close();
  });

  it('would be found in a database, a log and the traffic, in each spelling, if it were there', async () => {
    const leaks = [...needles.values()].flatMap(spellings);
    const url = world.databases.get('coordinator') ?? '';
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('create table leak (bytes bytea)');
    for (const leak of leaks) await client.query('insert into leak values ($1)', [leak]);
    await client.end();
    const log = world.logFile('leak');
    await writeFile(
      log,
      Buffer.concat(leaks.map((leak) => Buffer.concat([Buffer.from('{"msg":"'), leak, Buffer.from('"}\n')]))),
    );
    await fetch(`${proxy.url}/leak`, { method: 'POST', body: Buffer.concat(leaks) }).catch(() => undefined);
    const places = { database: await dumpDatabase(url), log: await readFile(log), traffic: proxy.recorded() };
    for (const [place, haystack] of Object.entries(places)) {
      for (const [name, needle] of needles)
        expect(contains(haystack, needle), `${name} leaked into the ${place}`).toBe(true);
    }
    await world.stop();
    proxy.close();
  });

  it('is found nowhere after a whole task', async () => {
    proxy = await startRecordingProxy();
    world = await createWorld(NODES + REPORTERS, (port) => {
      proxy.target = port;
      return proxy.url;
    });
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    await Promise.all(customers.map((some, i) => world.startNode(i, some.flatMap(linesOf), task)));
    const reporters = await Promise.all(
      Array.from({ length: REPORTERS }, (_, i) => world.startReporter(NODES + i, randomSubjects(3), task)),
    );
    const masked = await letThemReport(reporters, task);
    const ended = await world.untilEnded(task.taskId, task.rounds + 1, 100);
    for (const { kind, status, count } of ended) {
      expect(status).toBe('sealed');
      // A node with too few held-out twins stays home when a round only evaluates.
      if (kind === 'train') expect(count).toBe(NODES + REPORTERS);
    }

    const outside = ['coordinator', 'helper-1', 'helper-2', 'helper-3', 'helper-4'];
    const databases = await Promise.all(
      outside.map((party) => dumpDatabase(world.databases.get(party) ?? '')),
    );
    const logs = await Promise.all(
      [...outside, 'node-1', 'node-2'].map((party) => readFile(world.logFile(party))),
    );
    const haystacks = {
      databases: Buffer.concat(databases),
      logs: Buffer.concat(logs),
      traffic: proxy.recorded(),
    };
    // What was searched is not empty, and holds what should be there.
    const rcHash = utf8ToBytes(ended[0]?.rcHash ?? '');
    expect(contains(haystacks.databases, rcHash) && contains(haystacks.traffic, rcHash)).toBe(true);
    expect(haystacks.logs.length).toBeGreaterThan(1_000);
    for (const [place, haystack] of Object.entries(haystacks)) {
      for (const [name, needle] of [...needles, ...masked])
        expect(contains(haystack, needle), `${name} in the ${place}`).toBe(false);
    }
  });
});

function invent(i: number): Customer {
  const word = (): string => randomBytes(15).toString('base64url');
  const value = (): number => randomBytes(6).readUIntBE(0, 6) / 2 ** 44.7;
  return {
    name: `customer ${word()}`,
    canaries: [word(), word(), word()],
    values: [Math.min(10, value()), Math.min(10, value()), Math.min(10, value())],
    label: i % 2 === 0 ? 1 : 0,
  };
}

function eventsOf({ canaries, values: [a, b, c], label }: Customer): object[] {
  const day = 86_400_000;
  const at = (days: number): string => new Date(Date.now() - days * day).toISOString();
  const event = (id: string, type: string, days: number, data: object): object => ({
    id,
    source: 'crm',
    type,
    time: at(days),
    category: 'transactional',
    data,
  });
  return [
    event('facts', 'attribute.set', 60, { a, b, c, segment: canaries[0] }),
    event('note', 'note.added', 50, {
      text: `called about ${canaries[1]}, was not happy; ref ${canaries[2]}`,
    }),
    event('label', 'churn.observed', 20, { value: label }),
  ];
}

function linesOf(customer: Customer): object[] {
  return [
    { customer: customer.name, consent: { granted: ['transactional'] } },
    ...eventsOf(customer).map((event) => ({ customer: customer.name, event })),
  ];
}

/** Planted words as text; features as float32; updates and their quantised form as the numbers that would be sent in the clear. */
async function needlesOf(customers: readonly Customer[]): Promise<Map<string, Uint8Array>> {
  const needles = new Map<string, Uint8Array>();
  const { tf } = await loadTf();
  const engine = createTfEngine(tf, networkOf(task));
  const weights = initialWeights(task.model);
  const layout = taskLayout(task);
  const signs = await rotationSigns(new Uint8Array(32), layout.dPadded, webCryptoPrg);
  const grid = { ...taskGrid(task), layout, clipL2: task.clipL2, signs };
  const none = addEvaluation(new Float32Array(), new Float32Array(), grid.evaluationUnit, task.evaluation);
  for (const [i, customer] of customers.entries()) {
    needles.set(`name of ${i}`, utf8ToBytes(customer.name));
    customer.canaries.forEach((word, k) => needles.set(`canary ${k} of ${i}`, utf8ToBytes(word)));
    const features = rowOf(customer);
    expect(features.every((value) => value !== 0)).toBe(true);
    needles.set(`features of ${i}`, bytesOf(features));
    customer.values.forEach((value, k) => needles.set(`value ${k} of ${i}`, utf8ToBytes(String(value))));
    const labels = Float32Array.of(customer.label);
    const { sum } = await engine.clippedSum(weights, { features, labels, n: 1 }, task.clipL2);
    needles.set(`update of ${i} as float64`, bytesOf(sum));
    needles.set(`update of ${i} as float32`, bytesOf(Float32Array.from(sum)));
    const update = admitClippedSum(sum, 1, task.clipL2, 1);
    const { values } = quantize(update, none, grid, (n) => new Uint8Array(n));
    needles.set(`quantised update of ${i}`, bytesOf(values.subarray(0, layout.dPadded)));
  }
  return needles;
}

function rowOf(customer: Customer): Float32Array {
  const state = createFeatureState(planOf([task]));
  for (const event of eventsOf(customer)) applyEvent(state, parseEvent(event) as unknown as AdmittedEvent);
  return featureRow(state, task, Date.now(), new Set(['transactional'] as const));
}

async function letThemReport(
  reporters: readonly Reporter[],
  { rounds }: TaskSpec,
): Promise<Map<string, Uint8Array>> {
  const vectors = new Map<string, Uint8Array>();
  for (let round = 1; round <= rounds + 1; round++) {
    for (const [i, reporter] of reporters.entries()) {
      const { values } = await reporter.quantized(round);
      vectors.set(`vector of reporter ${i} in round ${round}`, bytesOf(values));
      vectors.set(`head of the vector of reporter ${i} in round ${round}`, bytesOf(values.subarray(0, 16)));
      reporter.upload(round);
    }
  }
  return vectors;
}

function spellings(needle: Uint8Array): Buffer[] {
  const bytes = Buffer.from(needle);
  const shifted = (by: number): Buffer => Buffer.concat([Buffer.alloc(by, 7), bytes, Buffer.alloc(2, 7)]);
  return [
    bytes,
    Buffer.from(bytes.toString('hex')),
    ...[0, 1, 2].map((by) => Buffer.from(shifted(by).toString('base64'))),
    Buffer.from(bytesToBase64Url(needle)),
  ];
}

function bytesOf(array: Float32Array | Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
}
