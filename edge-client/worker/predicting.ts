/**
 * G4, what a model may say of a person, and why it says so. A prediction is computed only where the person allows `infer_local` for the
 * task's purpose, from consented categories alone. Acting on it is another question, `personalise`, whose answer travels with every
 * prediction and decides over `activation` events: a person may let the twin guess, and look at the guess, without letting it
 * change what the app does.
 *
 * Models are genuine (`models.ts`); events and consents are the twin's own. A guess stays on the page that asked for it.
 */
import { decide, millisToInstant, type Category, type Decision, type Operation } from '@twinkeep/consent';
import { transformWidth, type AttributeValue, type TaskSpec } from '@twinkeep/protocol';
import { aggregateValue } from '../features/aggregate.ts';
import { featureRow } from '../features/row.ts';
import { dayOf, type FeatureState } from '../features/state.ts';
import { createForward, sigmoid } from '../train/forward.ts';
import { refused } from '../twin/reasons.ts';
import type { Explained, Explanation, Predicted, Prediction, PredictReason, Refused } from '../twin/types.ts';
import { readConsents, readFeatures, untilTasks, type Home } from './home.ts';
import type { Models, NewestModel } from './models.ts';
import { shapleyValues } from './shapley.ts';

export interface Predicting {
  predict(taskId: string): Promise<Predicted>;
  explain(taskId: string): Promise<Explained>;
}

/** What a prediction is made of, kept together so that an explanation is of that very prediction. */
interface Basis {
  task: TaskSpec;
  state: FeatureState;
  allowed: ReadonlySet<Category>;
  now: number;
  forward: (inputs: Float32Array) => number;
  prediction: Prediction;
}

export function createPredicting(home: Home, models: Models): Predicting {
  return {
    async predict(taskId) {
      const basis = await layBasis(home, models, taskId);
      return 'reason' in basis
        ? { predicted: false, ...basis }
        : { predicted: true, prediction: basis.prediction };
    },
    async explain(taskId) {
      const basis = await layBasis(home, models, taskId);
      return 'reason' in basis
        ? { explained: false, ...basis }
        : { explained: true, explanation: explainBasis(basis) };
    },
  };
}

async function layBasis(home: Home, models: Models, taskId: string): Promise<Basis | Refused<PredictReason>> {
  await untilTasks(home);
  const task = home.tasks.spec(taskId);
  if (task === null) return refused('no-task');
  if (task.model.kind === 'marginals') return refused('no-task', 'this task counts, and predicts nothing');
  const { signed } = await readConsents(home);
  const now = home.platform.clock();
  const ask = (operation: Operation): Decision =>
    decide(
      {
        subject: home.settings.subject,
        categories: task.categories,
        purpose: task.purpose,
        sector: task.sector,
        operation,
      },
      signed,
      now,
    );
  const infer = ask('infer_local');
  if (!infer.allow) return refused('not-consented', infer.reason);
  const model = await models.newest(task);
  if ('refused' in model) return refused(model.refused, model.detail);
  const state = await readFeatures(home);
  const allowed = new Set(infer.categories);
  const forward = createForward(task.model, model.weights);
  const logit = forward(featureRow(state, task, now, allowed));
  const prediction = toPrediction(task, model, logit, { infer, personalise: ask('personalise'), now });
  return { task, state, allowed, now, forward, prediction };
}

function toPrediction(
  task: TaskSpec,
  { hash, round, figures, figuresOf }: NewestModel,
  logit: number,
  { infer, personalise, now }: { infer: Decision; personalise: Decision; now: number },
): Prediction {
  const { event, attribute, positive, horizonDays } = task.label;
  return {
    inferred: true,
    task: task.taskId,
    target: { event, attribute, positive, horizonDays },
    probability: sigmoid(logit),
    logit,
    calibration: { method: 'log-loss-sigmoid', figures, figuresOf },
    model: { hash, round },
    consent: {
      purpose: task.purpose,
      operation: 'infer_local',
      categories: infer.categories,
      events: [...new Set(infer.cells.filter(({ allow }) => allow).flatMap(({ events }) => events))],
      validUntil: infer.validUntil === null ? null : millisToInstant(infer.validUntil),
    },
    personalise: { allow: personalise.allow, reason: personalise.reason },
    at: new Date(now).toISOString(),
  };
}

/** Players are the features whose inputs say something; all others are dummies, whose value is 0. */
function explainBasis({ task, state, allowed, now, forward, prediction }: Basis): Explanation {
  const row = featureRow(state, task, now, allowed);
  const spoken = placesOf(task).filter(({ at, width }) =>
    row.subarray(at, at + width).some((value) => value !== 0),
  );
  const worth = (coalition: Uint8Array): number => {
    const inputs = new Float32Array(row.length);
    spoken.forEach(({ at, width }, i) => {
      if (coalition[i] === 1) inputs.set(row.subarray(at, at + width), at);
    });
    return sigmoid(forward(inputs));
  };
  const { values, standardErrors, permutations } = shapleyValues(spoken.length, worth);
  const contributions = spoken.map(({ index }, i) => {
    const feature = task.features[index] as TaskSpec['features'][number];
    return {
      feature: feature.name,
      category: feature.category,
      value: valueOf(state, feature, now),
      contribution: values[i] as number,
      standardError: standardErrors[i] as number,
    };
  });
  return {
    prediction,
    baseline: worth(new Uint8Array(spoken.length)),
    method:
      permutations === null
        ? { name: 'shapley', kind: 'exact' }
        : { name: 'shapley', kind: 'sampled', permutations },
    contributions: contributions.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
  };
}

/** Where each feature's inputs stand in the row. */
export function placesOf(task: TaskSpec): { index: number; at: number; width: number }[] {
  let end = 0;
  return task.features.map(({ transform }, index) => {
    const at = end;
    const width = transformWidth(transform);
    end += width;
    return { index, at, width };
  });
}

export function valueOf(
  state: FeatureState,
  feature: TaskSpec['features'][number],
  now: number,
): AttributeValue | null {
  return aggregateValue(state, feature, dayOf(now));
}
