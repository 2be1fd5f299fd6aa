/**
 * Exact samples of the discrete Gaussian N_Z(0, s2): P(y) proportional to exp(-y^2 / (2 s2)) on the integers.
 *
 * Algorithm 3 of Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020), whose Theorem 4 gives a sum with
 * this noise zCDP of rho = sensitivity^2 / (2 s2). With t = floor(sqrt(s2)) + 1 a proposal is y = u + t v, u uniform in [0, t) and v
 * geometric, P(v >= k) = exp(-k). There it is accepted twice, with exp(-u / t), which makes |y| discrete Laplace, and with
 * exp(-(y - s2 / t)^2 / (2 s2)); here once, with the product of both, exp(-x), x = y^2 / (2 s2) - v + s2 / (2 t^2). Then a sign; 0 with
 * a minus is dropped, as there.
 *
 * A sample is a function of the random words alone: each comparison with an exponential is settled in double arithmetic only where its
 * error bound leaves no doubt, else with integers and further words (once in about 2^31 samples). Whoever has the words has the same
 * noise to the last bit, on every engine. Not constant in time: who can time one helper to nanoseconds learns about its noise.
 */
import { EXP_ERROR, EXP_RANGE, expNegative, isBelowExp, uniformReal } from './exp.ts';
import { ProtocolError } from '../problem.ts';

/** A positive rational number, in safe integers. */
export interface Ratio {
  readonly num: number;
  readonly den: number;
}

/** Random words and how many of them are used up. */
export interface WordStream {
  words: Uint32Array;
  at: number;
}

/**
 * Adds samples to `target`, modulo 2^32, from index `from` on, until it is full or fewer than PROPOSAL_WORDS words are left.
 * @returns the index of the first word without noise
 */
export type NoiseSampler = (target: Uint32Array, from: number, stream: WordStream) => number;

/** Three words for a proposal, and sixteen to settle doubts: more would be needed with probability 2^-512. */
export const PROPOSAL_WORDS = 19;

/** floor(exp(-k) * 2^32) for k = 1, 2, ...: a word below it is below exp(-k), a word above it is not, the word itself may be either. */
const GEOMETRIC: Uint32Array = Uint32Array.of(
  1580030168,
  581260615,
  213833830,
  78665070,
  28939262,
  10646159,
  3916503,
  1440801,
  530041,
  194991,
  71733,
  26389,
  9708,
  3571,
  1313,
  483,
  177,
  65,
  24,
  8,
  3,
  1,
  0,
);

/** Half a unit of the 32-bit comparison and more: what EXP_ERROR and the rounding of the exponent, below 2^-44, amount to. */
const DOUBT = EXP_ERROR * 2 ** 32;

/** @throws ProtocolError 'protocol/privacy' where the variance is not a positive ratio of safe integers */
export function createNoiseSampler(variance: Ratio): NoiseSampler {
  const { num, den } = checked(variance);
  const t = Math.floor(Math.sqrt((num - (num % den)) / den)) + 1;
  const uniformLimit = 2 ** 31 - (2 ** 31 % t);
  const inverse = den / num / 2;
  const shift = num / den / t / t / 2;

  return (target, from, stream) => {
    const { words } = stream;
    let { at } = stream;
    let i = from;
    while (i < target.length && at + PROPOSAL_WORDS <= words.length) {
      const first = words[at] as number;
      const draw = first >>> 1;
      if (draw >= uniformLimit) {
        at++;
        continue;
      }
      const u = draw % t;
      const second = words[at + 1] as number;
      let v = 0;
      while (second < (GEOMETRIC[v] as number)) v++;
      const third = words[at + 2] as number;
      let y = u + t * v;
      const limit = acceptance(y * y * inverse - v + shift);
      at += 3;
      if (second === GEOMETRIC[v] || (third >= limit - 1 - DOUBT && third <= limit + DOUBT)) {
        stream.at = at;
        y = settle(u, v, second, third, { num, den, t }, stream);
        at = stream.at;
        if (y < 0) continue;
      } else if (third >= limit) continue;
      if (first & 1) {
        if (y === 0) continue;
        y = -y;
      }
      target[i] = (target[i] as number) + y;
      i++;
    }
    stream.at = at;
    return i;
  };
}

/** exp(-x) * 2^32 for an exponent that rounding may have left a little below 0. */
function acceptance(x: number): number {
  return x < EXP_RANGE ? expNegative(Math.max(0, x)) * 2 ** 32 : 0.5;
}

/** One proposal in integers, beyond doubt. @returns y, or -1 where it is not accepted */
function settle(
  u: number,
  leastV: number,
  second: number,
  third: number,
  law: { num: number; den: number; t: number },
  stream: WordStream,
): number {
  const next = (): number => stream.words[stream.at++] as number;
  const geometric = uniformReal(second, next);
  let v = BigInt(leastV);
  while (isBelowExp(geometric, v + 1n, 1n)) v++;
  const [a, b, t] = [BigInt(law.num), BigInt(law.den), BigInt(law.t)];
  const y = BigInt(u) + t * v;
  const den = 2n * a * b * t * t;
  const num = y * y * b * b * t * t - v * den + a * a;
  return isBelowExp(uniformReal(third, next), num, den) ? Number(y) : -1;
}

function checked({ num, den }: Ratio): Ratio {
  if (!Number.isSafeInteger(num) || !Number.isSafeInteger(den) || num <= 0 || den <= 0)
    throw new ProtocolError('protocol/privacy', `no variance: ${num}/${den}`);
  return { num, den };
}
