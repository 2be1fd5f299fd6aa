/** The thread that `compare.ts` starts. */
import type { TrainingRows } from '@twinkeep/edge-client/train';
import { parentPort, workerData } from 'node:worker_threads';
import { trainLocalOnly, trainLogistic, trainPooled } from './baselines/baselines.ts';
import type { Baseline, Comparison, ComparisonMessage } from './compare.ts';
import type { ModelFigures } from './figures.ts';

const { spec, seed, nodes, test } = workerData as Comparison;
const say = (message: ComparisonMessage): void => parentPort?.postMessage(message);
const epochs =
  (baseline: Baseline) =>
  ({ epoch, node = null }: { epoch: number; node?: number | null }): void =>
    say({ kind: 'epoch', baseline, node, epoch });
const figures = ({ auc, logLoss }: ModelFigures): ModelFigures => ({ auc, logLoss });

const train = concatRows(nodes, spec.inputs);
const pooled = await trainPooled({ train, test, spec, seed, onEpoch: epochs('pooled') });
const localOnly = await trainLocalOnly({ nodes, test, spec, seed, onEpoch: epochs('localOnly') });
const logistic = await trainLogistic({ train, test, spec, seed, onEpoch: epochs('logistic') });
say({
  kind: 'done',
  figures: { pooled: figures(pooled), localOnly: figures(localOnly), logistic: figures(logistic) },
});

function concatRows(parts: readonly TrainingRows[], inputs: number): TrainingRows {
  const n = parts.reduce((sum, part) => sum + part.n, 0);
  const rows = { features: new Float32Array(n * inputs), labels: new Float32Array(n), n };
  let at = 0;
  for (const part of parts) {
    rows.features.set(part.features, at * inputs);
    rows.labels.set(part.labels, at);
    at += part.n;
  }
  return rows;
}
