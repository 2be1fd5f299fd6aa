/**
 * The protocol as the worker's reports use it, with one thing added: what is about to be masked is told to the test, so that it can add up
 * sums of its own. `startBankApp` puts this in the place of `@twinkeep/protocol` where reports are made, and nowhere else.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { maskReport as mask } from '@twinkeep/protocol';
import type { FromTestWorker } from '../../e2e/support/bank-page.ts';

export * from '@twinkeep/protocol';

const line = new BroadcastChannel('twin-test');

export const maskReport: typeof mask = (...given) => {
  const [quantized, , { rcHash }] = given;
  line.postMessage({
    kind: 'report',
    rcHash: bytesToBase64Url(rcHash),
    words: Array.from(quantized.values),
  } satisfies FromTestWorker);
  return mask(...given);
};
