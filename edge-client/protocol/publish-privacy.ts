/** For whoever publishes a task: as much noise as the wanted epsilon takes, and settings that train well under it. */
import { noiseMultiplierFor } from './dp/calibration.ts';
import type { PrivacySpec, TaskSpec } from './task.ts';

export interface WantedPrivacy {
  epsilon: number;
  delta: number;
  /** Most reports of one participant that train. */
  trainings: number;
}

export const STANDARD_EPSILON = 8;
export const STANDARD_DELTA = 1e-5;

/** Where nobody asks for anything else: every training round counted. */
export function standardPrivacy(rounds: number): PrivacySpec {
  return privacyFor({ epsilon: STANDARD_EPSILON, delta: STANDARD_DELTA, trainings: rounds });
}

/** Held-out twins spend what trainers spend on a twentieth of the reports: fewer figures, and each of them sharper. */
const TRAININGS_PER_EVALUATION = 20;

/** @throws ProtocolError 'protocol/privacy' where no noise gives that */
export function privacyFor({ epsilon, delta, trainings }: WantedPrivacy): PrivacySpec {
  return {
    mech: 'discrete-gaussian',
    noiseMultiplier: noiseMultiplierFor({ epsilon, delta, participations: trainings }),
    epsilon,
    delta,
    trainings,
    evaluations: Math.max(1, Math.round(trainings / TRAININGS_PER_EVALUATION)),
    adaptiveClip: null,
  };
}

/**
 * Clipping, optimiser and bins that go with noise. The bound is the size of a twin's first gradients; Adam forgets soon, so that noise of early
 * rounds does not steer later ones, and its steps shrink over the second half; bins are few, since each carries noise of its own. Tuned on
 * other splits of Telco and bank than those of the figures: `npm run bench:privacy`.
 */
export const NOISY_SETTINGS: Pick<TaskSpec, 'clipL2' | 'optimizer'> & { bins: number } = {
  clipL2: 4,
  optimizer: { kind: 'adam', learningRate: 0.03, beta1: 0.8, beta2: 0.9, epsilon: 1e-8, decay: 0.5 },
  bins: 32,
};
