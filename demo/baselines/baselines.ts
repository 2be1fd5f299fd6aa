import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import { parameterCount } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import { fitWithEarlyStopping } from './early-stopping.ts';
import type { EpochProgress, Fitted } from './early-stopping.ts';
import { auc, logLoss } from './metrics.ts';
import { labelledRows, shuffled, takeRows } from './rows.ts';

// What federated training is measured against. All three see customers in the clear, which is what Twinkeep avoids: they
// belong to the demo and to tests, never to a deployment.

const VALIDATION_SHARE = 0.1;

export interface BaselineOptions {
  readonly train: TrainingRows;
  /** The hold-out, which no training sees. */
  readonly test: TrainingRows;
  readonly spec: ModelSpec;
  /** Fixes the first weights, the rows that decide when to stop, and the order of the rest. */
  readonly seed: string;
  readonly onEpoch?: (epoch: EpochProgress) => void;
}

export interface BaselineResult {
  /** On the hold-out, as are all figures. */
  readonly auc: number;
  readonly logLoss: number;
  readonly epochs: number;
  readonly seconds: number;
}

export interface LocalOnlyOptions {
  readonly nodes: readonly TrainingRows[];
  readonly test: TrainingRows;
  readonly spec: ModelSpec;
  readonly seed: string;
  readonly onEpoch?: (epoch: EpochProgress & { readonly node: number }) => void;
}

export interface LocalOnlyResult {
  /** Mean over the nodes, each with the same weight. */
  readonly auc: number;
  readonly logLoss: number;
  /** In the order of the nodes given. */
  readonly nodes: readonly BaselineResult[];
  readonly seconds: number;
}

/** One model for all rows in one place: the bar for federated training of the same network. */
export async function trainPooled(options: BaselineOptions): Promise<BaselineResult> {
  const started = performance.now();
  const { tf } = await loadTf();
  const { weights, epochs } = await fit(options);
  const logits = await createTfEngine(tf, options.spec).scores(weights, options.test);
  return {
    auc: auc(logits, options.test.labels),
    logLoss: logLoss(logits, options.test.labels),
    epochs,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Logistic regression on the same inputs: the simpler model that a network has to beat. */
export function trainLogistic(options: BaselineOptions): Promise<BaselineResult> {
  return trainPooled({ ...options, spec: { ...options.spec, hidden: [] } });
}

/**
 * What each node reaches alone: a model per node from its own rows, judged on the same hold-out. A node with few rows or
 * one class counts with whatever its model gives; one with fewer than ten labelled rows cannot spare any to stop on, so it
 * has no model: AUC 0.5 after 0 epochs.
 */
export async function trainLocalOnly(options: LocalOnlyOptions): Promise<LocalOnlyResult> {
  const { nodes, test, spec, seed, onEpoch } = options;
  const results: BaselineResult[] = [];
  for (const [node, train] of nodes.entries()) {
    results.push(
      await trainPooled({
        train,
        test,
        spec,
        seed: `${seed}/node ${node}`,
        onEpoch: (epoch) => onEpoch?.({ ...epoch, node }),
      }),
    );
  }
  return {
    auc: mean(results.map((result) => result.auc)),
    logLoss: mean(results.map((result) => result.logLoss)),
    nodes: results,
    seconds: results.reduce((total, result) => total + result.seconds, 0),
  };
}

async function fit({ train, spec, seed, onEpoch }: BaselineOptions): Promise<Fitted> {
  const labelled = labelledRows(train, spec.inputs);
  const validationRows = Math.floor(labelled.n * VALIDATION_SHARE);
  // Zero weights score every row alike.
  if (validationRows === 0) return { weights: new Float32Array(parameterCount(spec)), epochs: 0 };
  const order = shuffled(labelled.n, `${seed}/validation`);
  return fitWithEarlyStopping({
    train: takeRows(labelled, order.slice(validationRows), spec.inputs),
    validation: takeRows(labelled, order.slice(0, validationRows), spec.inputs),
    spec,
    seed,
    ...(onEpoch && { onEpoch }),
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
