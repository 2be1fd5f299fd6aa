/** The training engine of a task, loaded when it is first needed: a node that waits for its first round stays small. */
import type { TrainingEngine } from '@twinkeep/edge-client/train';
import type { ModelSpec } from '@twinkeep/protocol';

export function createLazyEngine(spec: ModelSpec): TrainingEngine {
  let loading: Promise<TrainingEngine> | null = null;
  const engine = (): Promise<TrainingEngine> => (loading ??= loadEngine(spec));
  return {
    clippedSum: async (weights, rows, clip) => (await engine()).clippedSum(weights, rows, clip),
    scores: async (weights, rows) => (await engine()).scores(weights, rows),
  };
}

async function loadEngine(spec: ModelSpec): Promise<TrainingEngine> {
  const { createTfEngine, loadTf } = await import('@twinkeep/edge-client/train');
  const { tf } = await loadTf();
  return createTfEngine(tf, spec);
}
