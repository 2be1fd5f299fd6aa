import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXACT_PLAYERS, shapleyValues } from '../../../edge-client/worker/shapley.ts';

/** What a coalition is worth, as a table over all of them. */
type Game = (coalition: Uint8Array) => number;

/** A smooth game with interactions, fixed by its parameters alone. */
function gameOf(weights: readonly number[], pairs: readonly number[]): Game {
  return (coalition) => {
    let z = 0;
    weights.forEach((weight, i) => (z += weight * (coalition[i] ?? 0)));
    pairs.forEach(
      (weight, i) => (z += weight * (coalition[i] ?? 0) * (coalition[(i + 1) % weights.length] ?? 0)),
    );
    return 1 / (1 + Math.exp(-z));
  };
}

/** By the definition: the mean gain over all orders. */
function byAllOrders(players: number, worth: Game): number[] {
  const orders = permutations(Array.from({ length: players }, (_, i) => i));
  const sums = Array.from({ length: players }, () => 0);
  for (const order of orders) {
    const coalition = new Uint8Array(players);
    let before = worth(coalition);
    for (const player of order) {
      coalition[player] = 1;
      const after = worth(coalition);
      sums[player] = (sums[player] ?? 0) + after - before;
      before = after;
    }
  }
  return sums.map((sum) => sum / orders.length);
}

function permutations(items: number[]): number[][] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

const weight = fc.double({ min: -3, max: 3, noNaN: true });
const game = (players: number): fc.Arbitrary<Game> =>
  fc
    .tuple(
      fc.array(weight, { minLength: players, maxLength: players }),
      fc.array(weight, { maxLength: players }),
    )
    .map(([weights, pairs]) => gameOf(weights, pairs));

describe('Shapley values', () => {
  it('of few players are the mean over all orders, exactly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }).chain((players) => fc.tuple(fc.constant(players), game(players))),
        ([players, worth]) => {
          const { values, standardErrors, permutations } = shapleyValues(players, worth);
          byAllOrders(players, worth).forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 12));
          expect([...standardErrors]).toEqual(values.length === 0 ? [] : Array(players).fill(0));
          expect(permutations).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([1, EXACT_PLAYERS, EXACT_PLAYERS + 1, 46])(
    'of %i players add up to what all are worth',
    (players) => {
      fc.assert(
        fc.property(game(players), (worth) => {
          const { values } = shapleyValues(players, worth);
          const whole = worth(new Uint8Array(players).fill(1)) - worth(new Uint8Array(players));
          expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(whole, 10);
        }),
        { numRuns: 10 },
      );
    },
  );

  it('of many players come close to the exact ones, as close as they say', () => {
    const players = EXACT_PLAYERS + 2;
    const weights = Array.from({ length: players }, (_, i) => Math.sin(i + 1));
    const worth = gameOf(weights, weights.toReversed());
    const { values, standardErrors, permutations } = shapleyValues(players, worth);
    expect(permutations).toBe(128);
    // The exact ones, from coalitions: 2^12 of them.
    const exact = exactValues(players, worth);
    exact.forEach((expected, i) => {
      const error = Math.abs((values[i] as number) - expected);
      expect(error).toBeLessThan(6 * (standardErrors[i] as number) + 1e-9);
      expect(standardErrors[i]).toBeLessThan(0.02);
    });
    expect(shapleyValues(players, worth)).toEqual({ values, standardErrors, permutations });
  });

  it('of a player who changes nothing is nothing', () => {
    for (const players of [4, 14]) {
      const { values } = shapleyValues(players, (coalition) => (coalition[0] ?? 0) * 2 + (coalition[1] ?? 0));
      expect(values[0]).toBeCloseTo(2, 12);
      expect(values[1]).toBeCloseTo(1, 12);
      expect([...values.slice(2)].every((value) => Math.abs(value) < 1e-15)).toBe(true);
    }
  });

  it('of no players is no value', () => {
    expect(shapleyValues(0, () => 1).values).toHaveLength(0);
  });
});

function exactValues(players: number, worth: Game): number[] {
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  const bitsOf = (mask: number): Uint8Array =>
    Uint8Array.from({ length: players }, (_, i) => (mask >> i) & 1);
  const values = Array.from({ length: players }, () => 0);
  for (let mask = 0; mask < 2 ** players; mask++) {
    const size = bitsOf(mask).reduce((sum, bit) => sum + bit, 0);
    const share = (factorial(size) * factorial(players - size - 1)) / factorial(players);
    for (let i = 0; i < players; i++) {
      if ((mask >> i) & 1) continue;
      values[i] = (values[i] ?? 0) + share * (worth(bitsOf(mask | (1 << i))) - worth(bitsOf(mask)));
    }
  }
  return values;
}
