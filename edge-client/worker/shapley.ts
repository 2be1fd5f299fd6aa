/**
 * Shapley values: how much each player adds to what a coalition is worth, averaged over all orders in which they can join
 * (Shapley 1953). They add up to the worth of all less the worth of none, in every order and so in the average too.
 *
 * Up to EXACT_PLAYERS players every coalition is asked. Beyond that, orders are drawn, each together with its reverse
 * (Mitchell et al. 2022, "Sampling permutations for Shapley value estimation", antithetic sampling); the same seed draws the same
 * orders, so that one prediction has one explanation.
 */

export interface ShapleyValues {
  readonly values: Float64Array;
  /** Of each value: 0 where all coalitions were asked. */
  readonly standardErrors: Float64Array;
  /** Orders that were drawn; null where all coalitions were asked. */
  readonly permutations: number | null;
}

/** 2^10 coalitions. */
export const EXACT_PLAYERS = 10;
/** Pairs of opposite orders. */
const PAIRS = 64;

/** @param worth of a coalition, given as one yes/no per player */
export function shapleyValues(players: number, worth: (coalition: Uint8Array) => number): ShapleyValues {
  return players <= EXACT_PLAYERS ? allCoalitions(players, worth) : drawnOrders(players, worth);
}

function allCoalitions(players: number, worth: (coalition: Uint8Array) => number): ShapleyValues {
  const worths = Float64Array.from({ length: 2 ** players }, (_, mask) =>
    worth(Uint8Array.from({ length: players }, (_, i) => (mask >> i) & 1)),
  );
  const weights = orderShares(players);
  const values = new Float64Array(players);
  for (let mask = 0; mask < worths.length; mask++) {
    const share = weights[countBits(mask)] as number;
    for (let i = 0; i < players; i++) {
      if ((mask >> i) & 1) continue;
      const gain = (worths[mask | (1 << i)] as number) - (worths[mask] as number);
      values[i] = (values[i] as number) + share * gain;
    }
  }
  return { values, standardErrors: new Float64Array(players), permutations: null };
}

/** By the size s of a coalition: the share of orders in which a given player comes right after a given such coalition, s!(n-s-1)!/n!. */
function orderShares(players: number): Float64Array {
  const shares = new Float64Array(players);
  let share = 1 / players;
  for (let size = 0; size < players; size++) {
    shares[size] = share;
    share *= (size + 1) / (players - size - 1);
  }
  return shares;
}

function drawnOrders(players: number, worth: (coalition: Uint8Array) => number): ShapleyValues {
  const uniform = createUniform(players);
  const sums = new Float64Array(players);
  const squares = new Float64Array(players);
  for (let pair = 0; pair < PAIRS; pair++) {
    const order = shuffled(players, uniform);
    const gains = gainsAlong(order, worth);
    gainsAlong(order.toReversed(), worth).forEach(
      (gain, i) => (gains[i] = ((gains[i] as number) + gain) / 2),
    );
    gains.forEach((gain, i) => {
      sums[i] = (sums[i] as number) + gain;
      squares[i] = (squares[i] as number) + gain * gain;
    });
  }
  const values = sums.map((sum) => sum / PAIRS);
  const standardErrors = values.map((mean, i) => {
    const variance = Math.max(0, (squares[i] as number) / PAIRS - mean * mean);
    return Math.sqrt(variance / (PAIRS - 1));
  });
  return { values, standardErrors, permutations: 2 * PAIRS };
}

function gainsAlong(order: readonly number[], worth: (coalition: Uint8Array) => number): Float64Array {
  const gains = new Float64Array(order.length);
  const coalition = new Uint8Array(order.length);
  let before = worth(coalition);
  for (const player of order) {
    coalition[player] = 1;
    const after = worth(coalition);
    gains[player] = after - before;
    before = after;
  }
  return gains;
}

function shuffled(n: number, uniform: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** Mulberry32: good enough to draw orders, and the same everywhere. */
function createUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function countBits(mask: number): number {
  let bits = 0;
  for (let rest = mask; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
}
