/** The script of the test's bank page: it starts a twin as docs/embed.md says, and leaves what a test asks for within reach. */
import { createTwin, type Twin } from '@twinkeep/edge-client';
import type { BankPage, FromTestWorker } from '../../e2e/support/bank-page.ts';

const line = new BroadcastChannel('twin-test');

const bank: BankPage = {
  twin: null as unknown as Twin,
  states: [],
  problems: [],
  reports: [],
  passed: [],
  uncaught: [],
  tell: (message) => line.postMessage(message),
  async start({ workerUrl, ...options }) {
    const { subject } = options;
    const twin = await createTwin({
      ...options,
      controller: 'https://bank.example',
      credential: async (deviceKey) =>
        (await fetch('/credential', { method: 'POST', body: JSON.stringify({ subject, deviceKey }) })).text(),
      notice: { id: 'notice', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` },
      worker: () => new Worker(workerUrl, { type: 'module' }),
    });
    twin.on('round', (state) => bank.states.push(state));
    twin.on('problem', (problem) => bank.problems.push(problem));
    bank.twin = twin;
    return twin.status();
  },
};

line.addEventListener('message', ({ data }: MessageEvent<FromTestWorker>) => {
  if (data.kind === 'report') bank.reports.push([data.rcHash, data.words]);
  if (data.kind === 'at') bank.passed.push(data.at);
  if (data.kind === 'uncaught') bank.uncaught.push(`worker: ${data.message}`);
});
addEventListener('error', ({ message }) => bank.uncaught.push(message));
addEventListener('unhandledrejection', ({ reason }) => bank.uncaught.push(String(reason)));

Object.assign(globalThis, { bank });
