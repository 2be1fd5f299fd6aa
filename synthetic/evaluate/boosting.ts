/**
 * Gradient-boosted trees for a yes-or-no target: the judge of what a table teaches. Histogram splits, trees grown leaf by leaf (Friedman
 * 2001; Ke and others, "LightGBM", 2017), with the defaults of scikit-learn's HistGradientBoosting: 100 trees of 31 leaves, rate 0.1, at
 * least 20 rows in a leaf. Numbers are cut at quantiles of the training table; categories are ordered by their share of the
 * target there; missing values and unknown words are a bin of their own, below all others.
 */
import type { Table } from '../table.ts';
import { createFeatureBins, type FeatureBins } from './feature-bins.ts';

const TREES = 100;
const LEAVES = 31;
const RATE = 0.1;
const MIN_ROWS = 20;
const MIN_HESSIAN = 1e-3;

/** A fitted model: the probability of the positive class of every row. */
export type Classifier = (table: Table) => Float64Array;

/** A node is a leaf where `feature` is -1. */
interface Tree {
  feature: Int32Array;
  /** Bins up to it go left. */
  split: Uint8Array;
  left: Int32Array;
  right: Int32Array;
  value: Float64Array;
}

/** `labels`: 0 or 1 per row. `ignore`: columns that the model may not see, such as the target. */
export function fitBoosting(table: Table, labels: Uint8Array, ignore: readonly string[]): Classifier {
  const features = createFeatureBins(table, labels, ignore);
  const bins = features.bins(table);
  const positive = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  // One class only, or no rows: nothing to learn but the share itself.
  if (!(positive > 0 && positive < 1)) {
    const share = Number.isNaN(positive) ? 0.5 : positive;
    return (other) => new Float64Array(other.rows).fill(share);
  }
  const base = Math.log(positive / (1 - positive));
  const scores = new Float64Array(table.rows).fill(base);
  const gradients = new Float64Array(table.rows);
  const hessians = new Float64Array(table.rows);
  const trees: Tree[] = [];
  for (let round = 0; round < TREES; round++) {
    for (const [row, score] of scores.entries()) {
      const p = 1 / (1 + Math.exp(-score));
      gradients[row] = p - (labels[row] as number);
      hessians[row] = p * (1 - p);
    }
    const tree = growTree(bins, features, gradients, hessians);
    if (tree.feature[0] === -1) break;
    trees.push(tree);
    addTree(scores, tree, bins);
  }
  return (other) => {
    const sums = new Float64Array(other.rows).fill(base);
    const otherBins = features.bins(other);
    for (const tree of trees) addTree(sums, tree, otherBins);
    return sums.map((score) => 1 / (1 + Math.exp(-score)));
  };
}

function addTree(scores: Float64Array, tree: Tree, bins: readonly Uint8Array[]): void {
  for (let row = 0; row < scores.length; row++) {
    let node = 0;
    for (;;) {
      const feature = tree.feature[node] as number;
      if (feature < 0) break;
      const goesLeft = ((bins[feature] as Uint8Array)[row] as number) <= (tree.split[node] as number);
      node = (goesLeft ? tree.left[node] : tree.right[node]) as number;
    }
    scores[row] = (scores[row] as number) + (tree.value[node] as number);
  }
}

interface Leaf {
  node: number;
  rows: Uint32Array;
  /** Per bin of all features in a row: sum of gradients, sum of hessians, rows. */
  histogram: Float64Array;
  best: Split;
}

interface Split {
  gain: number;
  feature: number;
  bin: number;
}

function growTree(
  bins: readonly Uint8Array[],
  features: FeatureBins,
  gradients: Float64Array,
  hessians: Float64Array,
): Tree {
  const size = 2 * LEAVES - 1;
  const tree: Tree = {
    feature: new Int32Array(size).fill(-1),
    split: new Uint8Array(size),
    left: new Int32Array(size),
    right: new Int32Array(size),
    value: new Float64Array(size),
  };
  const histogramOf = (rows: Uint32Array): Float64Array => {
    const histogram = new Float64Array(3 * features.total);
    for (const [feature, codes] of bins.entries()) {
      const offset = features.offsets[feature] as number;
      for (const row of rows) {
        const cell = 3 * (offset + (codes[row] as number));
        histogram[cell]! += gradients[row] as number;
        histogram[cell + 1]! += hessians[row] as number;
        histogram[cell + 2]! += 1;
      }
    }
    return histogram;
  };
  const leafOf = (node: number, rows: Uint32Array, histogram: Float64Array): Leaf => {
    let [g, h] = [0, 0];
    for (const row of rows) {
      g += gradients[row] as number;
      h += hessians[row] as number;
    }
    tree.value[node] = (-RATE * g) / (h + 1e-9);
    return { node, rows, histogram, best: bestSplit(histogram, features, g, h, rows.length) };
  };

  const everybody = Uint32Array.from(gradients, (_, row) => row);
  const leaves = [leafOf(0, everybody, histogramOf(everybody))];
  let nodes = 1;
  while (leaves.length < LEAVES) {
    const place = leaves.reduce((best, leaf, i) => (leaf.best.gain > leaves[best]!.best.gain ? i : best), 0);
    const leaf = leaves[place] as Leaf;
    const { gain, feature, bin } = leaf.best;
    if (!(gain > 0)) break;
    const codes = bins[feature] as Uint8Array;
    const left = leaf.rows.filter((row) => (codes[row] as number) <= bin);
    const right = leaf.rows.filter((row) => (codes[row] as number) > bin);
    tree.feature[leaf.node] = feature;
    tree.split[leaf.node] = bin;
    tree.left[leaf.node] = nodes++;
    tree.right[leaf.node] = nodes++;
    // The larger side's histogram is what the smaller one leaves of the parent's.
    const small = histogramOf(left.length < right.length ? left : right);
    const large = leaf.histogram.map((sum, i) => sum - (small[i] as number));
    const [ofLeft, ofRight] = left.length < right.length ? [small, large] : [large, small];
    leaves[place] = leafOf(tree.left[leaf.node] as number, left, ofLeft);
    leaves.push(leafOf(tree.right[leaf.node] as number, right, ofRight));
  }
  return tree;
}

/** The split with the largest gain G_l^2 / H_l + G_r^2 / H_r - G^2 / H; gain 0 for none. */
function bestSplit(
  histogram: Float64Array,
  { offsets, sizes }: FeatureBins,
  gradient: number,
  hessian: number,
  rows: number,
): Split {
  const best: Split = { gain: 0, feature: -1, bin: 0 };
  if (rows < 2 * MIN_ROWS) return best;
  const parent = (gradient * gradient) / hessian;
  for (const [feature, size] of sizes.entries()) {
    let [g, h, n] = [0, 0, 0];
    for (let bin = 0; bin < size - 1; bin++) {
      const cell = 3 * ((offsets[feature] as number) + bin);
      g += histogram[cell] as number;
      h += histogram[cell + 1] as number;
      n += histogram[cell + 2] as number;
      const restHessian = hessian - h;
      if (n < MIN_ROWS || rows - n < MIN_ROWS || h < MIN_HESSIAN || restHessian < MIN_HESSIAN) continue;
      const gain = (g * g) / h + ((gradient - g) * (gradient - g)) / restHessian - parent;
      if (gain > best.gain + 1e-12) Object.assign(best, { gain, feature, bin });
    }
  }
  return best;
}
