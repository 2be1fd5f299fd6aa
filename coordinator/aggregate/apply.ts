/**
 * The server optimiser: one step along the mean gradient of a round, in float64, for t = 0, 1, ... sealed training rounds.
 *
 *   lr_t = learningRate * min(1, (rounds - t) / (decay * rounds))
 *   momentum (Hsu et al. 2019, "FedAvgM"):   m <- momentum m + g;           w <- w - lr_t m
 *   Adam (Kingma and Ba 2015; as server optimiser Reddi et al. 2021):
 *     m <- beta1 m + (1 - beta1) g;   v <- beta2 v + (1 - beta2) g^2
 *     w <- w - lr_t (m / (1 - beta1^(t+1))) / (sqrt(v / (1 - beta2^(t+1))) + epsilon)
 *
 * The moments are a function of opened sums only and as public as the models.
 */
import type { ServerOptimizer } from '@twinkeep/protocol';

/** Those that step; counts are published as they are. */
type SteppingOptimizer = Exclude<ServerOptimizer, { kind: 'publish' }>;

export interface OptimizerStep {
  weights: Float32Array;
  /** Momentum: m. Adam: m, then v. */
  moments: Float64Array;
}

/**
 * @param gradient mean over the twins in the sum, in the layout of the weights
 * @param moments of the step before; null before the first
 * @param step the number t of steps before this one, of how many in all
 */
export function applyUpdate(
  optimizer: SteppingOptimizer,
  weights: Float32Array,
  gradient: Float64Array,
  moments: Float64Array | null,
  step: { t: number; of: number },
): OptimizerStep {
  const d = weights.length;
  const slots = optimizer.kind === 'adam' ? 2 : 1;
  if (gradient.length !== d || (moments !== null && moments.length !== slots * d)) {
    throw new RangeError('weights, gradient and moments differ in length');
  }
  const next = moments === null ? new Float64Array(slots * d) : moments.slice();
  const rate = optimizer.learningRate * Math.min(1, (step.of - step.t) / (optimizer.decay * step.of));
  const direction =
    optimizer.kind === 'adam' ? adam(optimizer, gradient, next, step.t) : momentum(optimizer, gradient, next);
  return { weights: weights.map((w, i) => w - rate * (direction[i] as number)), moments: next };
}

function momentum(
  { momentum: keep }: Extract<SteppingOptimizer, { kind: 'momentum' }>,
  gradient: Float64Array,
  m: Float64Array,
): Float64Array {
  gradient.forEach((g, i) => (m[i] = keep * (m[i] as number) + g));
  return m;
}

function adam(
  { beta1, beta2, epsilon }: Extract<SteppingOptimizer, { kind: 'adam' }>,
  gradient: Float64Array,
  moments: Float64Array,
  t: number,
): Float64Array {
  const d = gradient.length;
  const [m, v] = [moments.subarray(0, d), moments.subarray(d)];
  const [unbias1, unbias2] = [1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1)];
  return gradient.map((g, i) => {
    const first = beta1 * (m[i] as number) + (1 - beta1) * g;
    const second = beta2 * (v[i] as number) + (1 - beta2) * g * g;
    m[i] = first;
    v[i] = second;
    return first / unbias1 / (Math.sqrt(second / unbias2) + epsilon);
  });
}
