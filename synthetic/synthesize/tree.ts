/**
 * A distribution over attributes that is a tree: sum-product in both directions (Pearl 1988), and its estimation from noisy marginals by
 * mirror descent on the marginal polytope (McKenna, Sheldon, Miklau, "Graphical-model based estimation and inference for differential
 * privacy", 2019), of which a tree needs no junction tree.
 */
import type { Tree } from '@twinkeep/protocol';

/** Marginals of a tree: one table per attribute, and per attribute but the root the pair with its parent, parent outside. */
export interface TreeMarginals {
  single: Float64Array[];
  pair: (Float64Array | null)[];
}

export interface NoisyMarginals extends TreeMarginals {
  /** Variance of each count's noise. */
  singleVariance: number;
  pairVariance: number;
}

const ROUNDS = 250;

/** The tree distribution with `total` rows that is closest to the noisy marginals, each weighted by its noise. */
export function estimateTree(tree: Tree, noisy: NoisyMarginals, total: number): TreeMarginals {
  // Start from independent attributes.
  const single = noisy.single.map((counts) => {
    const floor = Math.max(0.5 * Math.sqrt(noisy.singleVariance), total * 1e-6);
    return counts.map((count) => Math.log(Math.max(count, floor)));
  });
  const pair = noisy.pair.map((counts) => (counts === null ? null : new Float64Array(counts.length)));
  let marginals = treeMarginals(tree, { single, pair }, total);
  let loss = lossOf(marginals, noisy);
  let alpha = (2 * noisy.pairVariance) / total;
  for (let round = 0; round < ROUNDS; round++) {
    const slope = slopes(marginals, noisy);
    const next = {
      single: single.map((theta, a) => theta.map((x, i) => x - alpha * (slope.single[a]![i] as number))),
      pair: pair.map((theta, a) =>
        theta === null ? null : theta.map((x, i) => x - alpha * (slope.pair[a]![i] as number)),
      ),
    };
    const moved = treeMarginals(tree, next, total);
    const movedLoss = lossOf(moved, noisy);
    const promised = 0.5 * alpha * inner(slope, marginals, moved);
    if (loss - movedLoss < promised) {
      alpha /= 2;
      if (alpha < 1e-12) break;
      continue;
    }
    for (const [a, theta] of next.single.entries()) single[a] = theta;
    for (const [a, theta] of next.pair.entries()) pair[a] = theta;
    const gained = loss - movedLoss;
    marginals = moved;
    loss = movedLoss;
    alpha *= 1.5;
    if (gained < 1e-6 * loss) break;
  }
  return marginals;
}

/** From logarithmic potentials to marginals that add up to `total`. */
function treeMarginals(tree: Tree, potentials: TreeMarginals, total: number): TreeMarginals {
  const { order, parents } = tree;
  // Every table is scaled so that its largest entry is 1: only ratios count.
  const own = potentials.single.map(scaledExp);
  const edges = potentials.pair.map((theta) => (theta === null ? null : scaledExp(theta)));
  const up = own.map((table) => table.slice());
  const toParent: (Float64Array | null)[] = own.map(() => null);
  for (const a of order.toReversed()) {
    const parent = parents[a] as number;
    if (parent < 0) continue;
    const message = sumOverChild(
      edges[a] as Float64Array,
      up[a] as Float64Array,
      (own[parent] as Float64Array).length,
    );
    toParent[a] = message;
    multiply(up[parent] as Float64Array, message);
  }
  const down: Float64Array[] = own.map((table) => new Float64Array(table.length).fill(1));
  const pair = edges.map((table, a): Float64Array | null => {
    return table === null || (parents[a] as number) < 0 ? null : table.slice();
  });
  const single: Float64Array[] = own.map(() => new Float64Array());
  for (const a of order) {
    const parent = parents[a] as number;
    if (parent >= 0) {
      const outside = divide(
        product(up[parent] as Float64Array, down[parent] as Float64Array),
        toParent[a] as Float64Array,
      );
      down[a] = sumOverParent(edges[a] as Float64Array, outside);
      scalePair(pair[a] as Float64Array, outside, up[a] as Float64Array);
      normalise(pair[a] as Float64Array, total);
    }
    single[a] = product(up[a] as Float64Array, down[a] as Float64Array);
    normalise(single[a] as Float64Array, total);
  }
  return { single, pair };
}

function scaledExp(theta: Float64Array): Float64Array {
  const highest = theta.reduce((a, b) => Math.max(a, b), -Infinity);
  // Never 0, so that a message can be divided out again.
  return theta.map((x) => Math.max(Math.exp(x - highest), 1e-100));
}

function sumOverChild(edge: Float64Array, child: Float64Array, parents: number): Float64Array {
  const out = new Float64Array(parents);
  for (let p = 0, i = 0; p < parents; p++) {
    let sum = 0;
    for (let c = 0; c < child.length; c++, i++) sum += (edge[i] as number) * (child[c] as number);
    out[p] = sum;
  }
  return scaleToOne(out);
}

function sumOverParent(edge: Float64Array, parent: Float64Array): Float64Array {
  const width = edge.length / parent.length;
  const out = new Float64Array(width);
  for (let p = 0, i = 0; p < parent.length; p++)
    for (let c = 0; c < width; c++, i++) out[c]! += (edge[i] as number) * (parent[p] as number);
  return scaleToOne(out);
}

function scalePair(pair: Float64Array, parent: Float64Array, child: Float64Array): void {
  for (let p = 0, i = 0; p < parent.length; p++)
    for (let c = 0; c < child.length; c++, i++) pair[i]! *= (parent[p] as number) * (child[c] as number);
}

function scaleToOne(values: Float64Array): Float64Array {
  const highest = values.reduce((a, b) => Math.max(a, b), 0);
  return values.map((x) => Math.max(x / highest, 1e-200));
}

function multiply(into: Float64Array, by: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i]! *= by[i] as number;
}

function product(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((x, i) => x * (b[i] as number));
}

function divide(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((x, i) => x / (b[i] as number));
}

function normalise(values: Float64Array, total: number): void {
  const sum = values.reduce((a, b) => a + b, 0);
  for (let i = 0; i < values.length; i++) values[i]! *= total / sum;
}

function lossOf(marginals: TreeMarginals, noisy: NoisyMarginals): number {
  let loss = 0;
  const add = (made: Float64Array, counted: Float64Array, variance: number): void => {
    let sum = 0;
    for (let i = 0; i < made.length; i++) sum += ((made[i] as number) - (counted[i] as number)) ** 2;
    loss += sum / (2 * variance);
  };
  for (const [a, made] of marginals.single.entries())
    add(made, noisy.single[a] as Float64Array, noisy.singleVariance);
  for (const [a, made] of marginals.pair.entries())
    if (made !== null) add(made, noisy.pair[a] as Float64Array, noisy.pairVariance);
  return loss;
}

function slopes(marginals: TreeMarginals, noisy: NoisyMarginals): TreeMarginals {
  const of = (made: Float64Array, counted: Float64Array, variance: number): Float64Array =>
    made.map((x, i) => (x - (counted[i] as number)) / variance);
  return {
    single: marginals.single.map((made, a) =>
      of(made, noisy.single[a] as Float64Array, noisy.singleVariance),
    ),
    pair: marginals.pair.map((made, a) =>
      made === null ? null : of(made, noisy.pair[a] as Float64Array, noisy.pairVariance),
    ),
  };
}

/** <slope, from - to>. */
function inner(slope: TreeMarginals, from: TreeMarginals, to: TreeMarginals): number {
  let sum = 0;
  const add = (s: Float64Array, a: Float64Array, b: Float64Array): void => {
    for (let i = 0; i < s.length; i++) sum += (s[i] as number) * ((a[i] as number) - (b[i] as number));
  };
  for (const [a, s] of slope.single.entries())
    add(s, from.single[a] as Float64Array, to.single[a] as Float64Array);
  for (const [a, s] of slope.pair.entries())
    if (s !== null) add(s, from.pair[a] as Float64Array, to.pair[a] as Float64Array);
  return sum;
}
