/**
 * Rényi divergence of a mechanism that runs on a Poisson sample: each participant is in it with probability q, by a coin that the
 * adversary does not see. Twinkeep's coordinator sees who reported, so no task claims this; it is here to compare with systems that do.
 *
 * With B the binomial distribution of (order, q), both bounds are ln(sum_l B(l) w_l exp((l - 1) rdp(l))) / (order - 1). Since the B(l) add
 * up to 1, the sum is taken over B(l) (w_l exp(..) - 1), whose first two terms are 0: what is left is as precise as it is small.
 */
import { ProtocolError } from '../problem.ts';

/** Gaussian noise: w_l = 1, exact (Mironov, Talwar, Zhang 2019, section 3.3). @param order an integer above 1; infinite: Infinity */
export function poissonGaussianRdp(q: number, noiseMultiplier: number, order: number): number {
  return sampledRdp(q, order, (l) => (l * l - l) / (2 * noiseMultiplier ** 2));
}

/**
 * Any mechanism whose divergence at order l is at most rdp(l): w_l = 3 from l = 3 on (Zhu, Wang 2019, Theorem 5); never above rdp(order),
 * since a sample reveals no more than the whole.
 */
export function poissonSubsampledRdp(q: number, rdp: (order: number) => number, order: number): number {
  const bound = sampledRdp(q, order, (l) => (l - 1) * rdp(l) + (l > 2 ? Math.log(3) : 0));
  return Math.min(bound, rdp(order));
}

/** ln(1 + sum_{l = 2}^{order} B(l) (exp(exponent(l)) - 1)) / (order - 1), in logarithms throughout. */
function sampledRdp(q: number, order: number, exponent: (l: number) => number): number {
  if (!(q > 0 && q <= 1)) throw new ProtocolError('protocol/privacy', `no sampling rate: ${q}`);
  if (order === Infinity) return Infinity;
  if (!Number.isInteger(order) || order < 2)
    throw new ProtocolError('protocol/privacy', `no integer order above 1: ${order}`);
  if (q === 1) return exponent(order) / (order - 1);
  const terms: number[] = [];
  let lnChoose = Math.log(order);
  for (let l = 2; l <= order; l++) {
    lnChoose += Math.log((order - l + 1) / l);
    const lnWeight = lnChoose + l * Math.log(q) + (order - l) * Math.log1p(-q);
    terms.push(lnWeight + lnExpMinus1(exponent(l)));
  }
  const largest = Math.max(...terms);
  const ln = largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
  const moment = ln > 0 ? ln + Math.log1p(Math.exp(-ln)) : Math.log1p(Math.exp(ln));
  return moment / (order - 1);
}

function lnExpMinus1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}
