/**
 * Area under the ROC curve, exactly: the probability that a positive scores above a negative, ties counting half
 * (Mann-Whitney U from midranks; O(n log n)). Rows without a label (NaN) do not count. NaN when one class is absent,
 * since then there is no such pair.
 * @param scores any order-preserving score, e.g. logits. @param labels 0, 1 or NaN, of the same length.
 */
export function auc(scores: Float32Array, labels: Float32Array): number {
  const order = labelled(scores, labels).toSorted((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let positiveRanks = 0;
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && scores[order[end]!] === scores[order[first]!]) end++;
    const tiedPositives = order.subarray(first, end).filter((row) => labels[row] === 1).length;
    const midrank = (first + 1 + end) / 2;
    positives += tiedPositives;
    positiveRanks += tiedPositives * midrank;
    first = end;
  }
  const negatives = order.length - positives;
  return (positiveRanks - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Mean log loss in nats, `log(1 + e^z) - y z`, over the rows with a label; NaN when there is none. */
export function logLoss(logits: Float32Array, labels: Float32Array): number {
  const rows = labelled(logits, labels);
  let total = 0;
  for (const row of rows) {
    const logit = logits[row]!;
    total += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - labels[row]! * logit;
  }
  return total / rows.length;
}

function labelled(scores: Float32Array, labels: Float32Array): Uint32Array {
  if (scores.length !== labels.length) {
    throw new RangeError(`${scores.length} scores for ${labels.length} labels`);
  }
  return Uint32Array.from(labels.keys()).filter((row) => !Number.isNaN(labels[row]));
}
