/**
 * Predictions as they change: after new signals, a new model or another consent, and only while somebody listens. A prediction that rises
 * to a bound of the host app calls it, where the person allows that anything is done with it.
 */
import type { Prediction } from '../twin/types.ts';
import { createBell } from './bell.ts';
import type { Home } from './home.ts';
import type { Models } from './models.ts';
import type { Predicting } from './predicting.ts';
import { readyParts } from './ready-parts.ts';

export interface Insight {
  models(): Promise<Models>;
  predicting(): Promise<Predicting>;
  listening(predictions: boolean): void;
  /** Something changed that a prediction may depend on. */
  look(): void;
}

/** Milliseconds in which changes are gathered: a burst of events makes one prediction. */
const GATHER = 250;
const IDLE = 3_600_000;

export function createLazyInsight(home: Home, isOnline: () => boolean, stop: AbortSignal): Insight {
  let parts: Promise<{ models: Models; predicting: Predicting }> | null = null;
  const load = (): NonNullable<typeof parts> =>
    (parts ??= loadParts(home, isOnline, stop).catch((error: unknown) => {
      parts = null;
      throw error;
    }));
  const told = new Map<string, Prediction>();
  const bell = createBell();
  let listening = false;
  let running = false;

  const run = async (): Promise<void> => {
    while (!stop.aborted && listening) {
      await new Promise((resolve) => setTimeout(resolve, GATHER));
      if (stop.aborted) return;
      await load()
        .then(({ predicting }) => predictAll(home, predicting, told))
        .catch((error: unknown) => {
          if (!stop.aborted)
            home.emit('problem', { code: 'failed', why: 'A prediction failed.', detail: nameOf(error) });
        });
      await bell.wait(IDLE, stop);
    }
    running = false;
  };
  return {
    models: async () => (await load()).models,
    predicting: async () => (await load()).predicting,
    listening(predictions) {
      listening = predictions;
      if (!listening) return bell.ring();
      if (running) return;
      running = true;
      void run();
    },
    look: () => bell.ring(),
  };
}

async function loadParts(
  home: Home,
  isOnline: () => boolean,
  stop: AbortSignal,
): Promise<{ models: Models; predicting: Predicting }> {
  const { createModels, createPredicting } = await readyParts(home.platform);
  const models = createModels(home, isOnline, stop);
  return { models, predicting: createPredicting(home, models) };
}

async function predictAll(home: Home, { predict }: Predicting, told: Map<string, Prediction>): Promise<void> {
  for (const { taskId } of home.tasks.specs()) {
    const predicted = await predict(taskId);
    if (!predicted.predicted) {
      told.delete(taskId);
      continue;
    }
    const { prediction } = predicted;
    const before = told.get(taskId);
    told.set(taskId, prediction);
    if (before !== undefined && isSame(before, prediction)) continue;
    home.emit('prediction', prediction);
    activate(home, prediction, before);
  }
}

/** Once for each rise: a probability that stays above a bound does not call again. */
function activate({ settings, emit }: Home, prediction: Prediction, before: Prediction | undefined): void {
  if (!prediction.personalise.allow) return;
  for (const { task, atLeast } of settings.activations) {
    const rose = prediction.probability >= atLeast && !((before?.probability ?? 0) >= atLeast);
    if (task === prediction.task && rose) emit('activation', { task, atLeast, prediction });
  }
}

function isSame(a: Prediction, b: Prediction): boolean {
  return (
    a.logit === b.logit &&
    a.model.hash === b.model.hash &&
    a.personalise.allow === b.personalise.allow &&
    a.consent.categories.join() === b.consent.categories.join()
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
