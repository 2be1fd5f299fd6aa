/**
 * The twin's worker as it is shipped, on the platform of a browser, with what a test needs beside it: clocks that can be set wrong, places
 * at which work can be held up, a browser without storage, and word of what nobody has caught. Clear numbers of reports come from
 * protocol.ts. Nothing of this is in the worker that is shipped.
 */
import { createBrowserPlatform } from '../../../edge-client/worker/browser.ts';
import { serveTwin, type PageLine } from '../../../edge-client/worker/serve.ts';
import type { FromTestWorker, HoldingPoint, ToTestWorker } from '../../e2e/support/bank-page.ts';

const settings = new URLSearchParams(location.search);
const line = new BroadcastChannel('twin-test');
const tell = (message: FromTestWorker): void => line.postMessage(message);

let clockError = 0;
let slept = 0;
const held = new Set(settings.getAll('hold') as HoldingPoint[]);
const releases: (() => void)[] = [];

line.addEventListener('message', ({ data }: MessageEvent<ToTestWorker>) => {
  if (data.kind === 'clock') clockError = data.error;
  if (data.kind === 'slept') slept += data.millis;
  if (data.kind === 'hold') held.add(data.at);
  if (data.kind === 'release') {
    held.clear();
    for (const release of releases.splice(0)) release();
  }
});

addEventListener('unhandledrejection', ({ reason }) => tell({ kind: 'uncaught', message: String(reason) }));
addEventListener('error', ({ message }) => tell({ kind: 'uncaught', message }));

/** Says that it is there, and waits for as long as the test wants. */
async function pass(at: HoldingPoint): Promise<void> {
  tell({ kind: 'at', at });
  if (held.has(at)) await new Promise<void>((resolve) => releases.push(resolve));
}

// As in browsers that have none, before anything looks for it.
if (settings.has('without-storage')) {
  Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
  Object.defineProperty(navigator, 'storageBuckets', { value: undefined });
}

const browser = createBrowserPlatform();

serveTwin(globalThis as unknown as PageLine, {
  ...browser,
  clock: () => Date.now() + clockError,
  // On most devices it stands still in their sleep.
  monotonic: () => browser.monotonic() - slept,
  async fetch(input, init) {
    // A device's one kind of upload by this method is its report.
    if (init?.method === 'PUT') await pass('sending');
    return browser.fetch(input, init);
  },
  async loadEngine(spec) {
    const engine = await browser.loadEngine(spec);
    return {
      ...engine,
      async clippedSum(weights, rows, clip) {
        await pass('training');
        return engine.clippedSum(weights, rows, clip);
      },
    };
  },
});
