import { layerShapes, requireWeights, type ModelSpec } from '@twinkeep/protocol';

/**
 * One row through a network, in plain JavaScript: a prediction of one person must not load tfjs. The same logit as `TrainingEngine.scores`
 * but for the last bits, since this computes in double precision.
 * @throws ProtocolError 'protocol/weights'
 */
export function createForward(spec: ModelSpec, weights: Float32Array): (inputs: Float32Array) => number {
  requireWeights(weights, spec);
  const layers = layerShapes(spec);
  const activate = spec.activation === 'relu' ? (x: number) => Math.max(0, x) : Math.tanh;
  return (inputs) => {
    let values: Float32Array | Float64Array = inputs;
    layers.forEach(({ inputs: width, outputs, offset }, index) => {
      const sums = Float64Array.from(
        weights.subarray(offset + width * outputs, offset + (width + 1) * outputs),
      );
      for (let i = 0; i < width; i++) {
        const value = values[i] as number;
        if (value === 0) continue;
        const row = offset + i * outputs;
        for (let j = 0; j < outputs; j++)
          sums[j] = (sums[j] as number) + value * (weights[row + j] as number);
      }
      values = index === layers.length - 1 ? sums : sums.map(activate);
    });
    return values[0] as number;
  };
}

export function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}
