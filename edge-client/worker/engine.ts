/** The training engine of a task, loaded when a round first trains: with it comes tfjs. */
import type { ModelSpec } from '@twinkeep/protocol';
import type { TrainingEngine } from '../train/engine.ts';

export type LoadEngine = (spec: ModelSpec) => Promise<TrainingEngine>;

/** @param atWork told before each use */
export function createLazyEngine(load: LoadEngine, spec: ModelSpec, atWork: () => void): TrainingEngine {
  let loading: Promise<TrainingEngine> | null = null;
  const engine = (): Promise<TrainingEngine> => {
    atWork();
    return (loading ??= load(spec).catch((error: unknown) => {
      // Chunks are fetched: a failure may pass.
      loading = null;
      throw error;
    }));
  };
  return {
    clippedSum: async (weights, rows, clip) => (await engine()).clippedSum(weights, rows, clip),
    scores: async (weights, rows) => (await engine()).scores(weights, rows),
  };
}
