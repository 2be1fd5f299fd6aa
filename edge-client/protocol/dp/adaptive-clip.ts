/**
 * Adaptive clipping: the clipping bound follows a quantile of the updates' norms (Andrew, Thakkar, McMahan, Ramaswamy 2021). Each
 * trainer adds one masked coordinate to its report: +step where its update was within the bound, -step where it was clipped. The
 * same noise falls on it as on every coordinate, so the bit is part of the one sensitivity and costs no budget of its own.
 */
import { ProtocolError } from '../problem.ts';

/** What is left for the update where bits of noise `bitNoise` take their part: (z^-2 - (2 bitNoise)^-2)^(-1/2), at least z. */
export function updateNoiseMultiplier(noiseMultiplier: number, bitNoise: number): number {
  const left = noiseMultiplier ** -2 - (2 * bitNoise) ** -2;
  if (!(left > 0))
    throw new ProtocolError('protocol/privacy', 'the noise on the bits alone spends the whole budget');
  return 1 / Math.sqrt(left);
}

/** The share of trainers whose update was within the bound, from the opened sum of bits; noise can take it out of [0, 1]. */
export function shareWithin(sum: number, trainers: number, step: number): number {
  return sum / (2 * step * trainers) + 1 / 2;
}

/** The bound of the next round: clip * exp(-learningRate * (share - quantile)). */
export function nextClip(
  clip: number,
  share: number,
  { quantile, learningRate }: { quantile: number; learningRate: number },
): number {
  return clip * Math.exp(-learningRate * (share - quantile));
}
