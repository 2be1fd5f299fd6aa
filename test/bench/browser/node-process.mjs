/** The process of `node-twin.mjs`: page half and worker half of a twin, over a region node's store in PostgreSQL and its generator of masks. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { createTwin } from '@twinkeep/edge-client';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { createSigningKey, randomBytes } from '@twinkeep/protocol';
import { nodePrg, openDatabase, openRegionStore } from '@twinkeep/region';
import { Session } from 'node:inspector/promises';
import { MessageChannel } from 'node:worker_threads';
import { serveTwin } from '../../../edge-client/dist/worker/serve.js';
import { heldBytes } from './held-bytes.mjs';
import { begin, timeCalls, watchPlatform } from './measured.mjs';

const rounds = [];
const credentials = new Map();
let twin;
let task;

const debugging = new Session();
debugging.connect();
const heap = { chunks: [], send: (method) => debugging.post(method) };
debugging.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => heap.chunks.push(params.chunk));

const CALLS = {
  async begin({ databaseUrl, wrappingKey, person: { records, ...options } }) {
    [task] = options.tasks;
    const store = await openRegionStore(openDatabase(databaseUrl, 2), base64UrlToBytes(wrappingKey));
    const { port1, port2 } = new MessageChannel();
    serveTwin(
      port2,
      watchPlatform(platformOver(await toDeviceStore(store)), (round) => rounds.push(round)),
    );
    for (const port of [port1, port2]) port.start();
    const credential = (deviceKey) => ask({ subject: options.subject, deviceKey });
    const worker = () => Object.assign(port1, { terminate: () => port1.close() });
    const watchConditions = (listener) => {
      listener({ online: true, metered: false, battery: null, asleep: false });
      return () => {};
    };
    twin = await createTwin({ ...options, credential, worker }, { watchConditions });
    await begin(twin, records);
  },
  calls: (count) => timeCalls(twin, task, count, null),
  takePart: () => void twin.participate(),
  async untilRound(count) {
    while (rounds.length < count) await new Promise((resolve) => setTimeout(resolve, 50));
  },
  rounds: () => rounds,
  memory: () => heldBytes(heap),
};

process.on('message', ({ id, name, input, jwt }) => {
  if (jwt !== undefined) return void credentials.get(id)(jwt);
  Promise.resolve()
    .then(() => CALLS[name](input))
    .then(
      (answer) => process.send({ id, answer: answer ?? null }),
      (error) => process.send({ id, failed: String(error?.stack ?? error) }),
    );
});
process.once('disconnect', () => process.exit(0));

function ask(question) {
  const id = `credential ${credentials.size}`;
  process.send({ id, ask: question });
  return new Promise((resolve) => credentials.set(id, resolve));
}

/** What only a device keeps, in memory: nothing of it is measured. */
async function toDeviceStore(store) {
  const key = await createSigningKey();
  const memos = new Map();
  return {
    ...store,
    deviceKey: async () => key,
    readEvents: async () => [],
    readMemo: async (name) => memos.get(name) ?? null,
    writeMemo: async (name, content) => void memos.set(name, content),
    destroy: async () => {},
    close: () => {},
    closed: new Promise(() => {}),
  };
}

function platformOver(store) {
  return {
    openStore: async () => store,
    destroyStore: async () => {},
    fetch: (input, init) => fetch(input, init),
    isReachable: async () => true,
    clock: Date.now,
    monotonic: () => performance.now(),
    random: randomBytes,
    prg: nodePrg,
    locks: null,
    openChannel: () => ({ postMessage: () => {}, addEventListener: () => {}, close: () => {} }),
    loadRoundParts: () => import('../../../edge-client/dist/worker/round-parts.js'),
    loadEngine: async (spec) => createTfEngine((await loadTf()).tf, spec),
  };
}
