/** The twin's worker as it is shipped, watched. */
import { createBrowserPlatform } from '../../../edge-client/worker/browser.ts';
import { serveTwin } from '../../../edge-client/worker/serve.ts';
import { watchPlatform } from './measured.mjs';

const line = new BroadcastChannel('bench');
serveTwin(
  globalThis,
  watchPlatform(createBrowserPlatform(), (round) => line.postMessage(round)),
);
