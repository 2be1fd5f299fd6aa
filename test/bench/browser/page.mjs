/** The page's script: a twin as an app starts one, and what the benchmark asks of it. */
import { createTwin } from '@twinkeep/edge-client';
import { begin, timeCalls } from './measured.mjs';

const rounds = [];
new BroadcastChannel('bench').addEventListener('message', ({ data }) => rounds.push(data));
let twin;
let task;

globalThis.bench = {
  rounds,
  async begin({ records, ...options }) {
    [task] = options.tasks;
    twin = await createTwin({
      ...options,
      credential: async (deviceKey) =>
        (await fetch(`/credential?subject=${options.subject}&deviceKey=${deviceKey}`)).text(),
      worker: () => new Worker('/worker.js', { type: 'module' }),
    });
    await begin(twin, records);
  },
  calls: async (count) => timeCalls(twin, task, count, await clearStore()),
  takePart: () => void twin.participate(),
};

/** IndexedDB as it comes: one transaction for each event, nothing asked and nothing encrypted. */
async function clearStore() {
  const asked = indexedDB.open('clear', 1);
  asked.addEventListener('upgradeneeded', () => asked.result.createObjectStore('events', { keyPath: 'id' }));
  await new Promise((resolve) => asked.addEventListener('success', resolve));
  return (event) =>
    new Promise((resolve, reject) => {
      const transaction = asked.result.transaction('events', 'readwrite');
      transaction.objectStore('events').put(event);
      transaction.addEventListener('complete', resolve);
      transaction.addEventListener('error', reject);
    });
}
