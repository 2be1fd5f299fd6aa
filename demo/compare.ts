/** Trains the models that federated training is compared with, in a thread of its own: it keeps a processor busy for seconds. */
import type { TrainingRows } from '@twinkeep/edge-client/train';
import type { ModelSpec } from '@twinkeep/protocol';
import { Worker } from 'node:worker_threads';
import type { ModelFigures, ModelName } from './figures.ts';

export interface Comparison {
  spec: ModelSpec;
  /** Fixes first weights, order and early stopping. */
  seed: string;
  /** The consenting training twins of each node. */
  nodes: TrainingRows[];
  /** The held-out twins of all. */
  test: TrainingRows;
}

export type Baseline = Exclude<ModelName, 'federated'>;
export type ComparisonMessage =
  | { kind: 'epoch'; baseline: Baseline; node: number | null; epoch: number }
  | { kind: 'done'; figures: Record<Baseline, ModelFigures> };

/** @param onEpoch in words */
export function compare(
  comparison: Comparison,
  onEpoch: (text: string) => void,
): Promise<Record<Baseline, ModelFigures>> {
  // Built beside this file; there is no TypeScript at run time.
  const worker = new Worker(new URL('./compare-worker.js', import.meta.url), { workerData: comparison });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread of the comparison ended with code ${code}`)));
    worker.on('message', (message: ComparisonMessage) => {
      if (message.kind === 'done') resolve(message.figures);
      else onEpoch(describe(message));
    });
  });
}

function describe({ baseline, node, epoch }: ComparisonMessage & { kind: 'epoch' }): string {
  const where = node === null ? '' : ` at node ${node + 1}`;
  return `${{ pooled: 'pooled', localOnly: 'local only', logistic: 'logistic regression' }[baseline]}${where}, epoch ${epoch}`;
}
