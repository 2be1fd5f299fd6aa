/**
 * The twin's worker as it is shipped, on the platform of a browser, with three things a test needs: clear numbers of the reports it
 * makes, a clock that can be set wrong, and a training that can be held up. Nothing of this is in the worker that is shipped.
 */
import { createBrowserPlatform } from '../../../edge-client/worker/browser.ts';
import { serveTwin, type PageLine } from '../../../edge-client/worker/serve.ts';
import type { FromTestWorker, ToTestWorker } from '../../e2e/support/bank-page.ts';

const browser = createBrowserPlatform();
const line = new BroadcastChannel('twin-test');
const settings = new URLSearchParams(location.search);
let clockError = Number(settings.get('clockError') ?? 0);
let held = settings.get('hold') === 'true';
let release: () => void = () => {};

/** Sum of the masks of the report at hand, by its length in words: the rotation draws shorter streams from the same generator. */
const masks = new Map<number, Uint32Array>();

line.addEventListener('message', ({ data }: MessageEvent<ToTestWorker>) => {
  if (data.kind === 'clock') clockError = data.error;
  if (data.kind === 'hold') {
    held = data.held;
    if (!held) release();
  }
});

serveTwin(globalThis as unknown as PageLine, {
  ...browser,
  clock: () => Date.now() + clockError,
  async prg(key, words) {
    const mask = await browser.prg(key, words);
    const sum = masks.get(words) ?? new Uint32Array(words);
    mask.forEach((word, i) => (sum[i] = (sum[i] as number) + word));
    masks.set(words, sum);
    return mask;
  },
  async fetch(input, init) {
    const rcHash = /\/v1\/rounds\/([^/]+)\/reports\//.exec(String(input))?.[1];
    if (rcHash !== undefined && init?.method === 'PUT') tellClear(rcHash, init.body as Uint8Array);
    return browser.fetch(input, init);
  },
  async loadEngine(spec) {
    const engine = await browser.loadEngine(spec);
    return {
      ...engine,
      async clippedSum(weights, rows, clip) {
        line.postMessage({ kind: 'training' } satisfies FromTestWorker);
        if (held) await new Promise<void>((resolve) => (release = resolve));
        return engine.clippedSum(weights, rows, clip);
      },
    };
  },
});

/** The vector is the last field of a report; what was added to it is known here. */
function tellClear(rcHash: string, report: Uint8Array): void {
  const view = new DataView(report.buffer, report.byteOffset, report.byteLength);
  for (const [length, mask] of masks) {
    const at = report.byteLength - 4 * length;
    if (at < 4 || view.getUint32(at - 4, true) !== 4 * length) continue;
    const words = Array.from(mask, (word, i) => (view.getUint32(at + 4 * i, true) - word) | 0);
    line.postMessage({ kind: 'clear', rcHash, words } satisfies FromTestWorker);
  }
  masks.clear();
}
