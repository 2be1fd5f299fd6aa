/** Which pairs of columns a synthesizer models: those of a spanning tree. */

/** Attributes in an order in which parents come first; the first is the root (parent -1). */
export interface Tree {
  order: readonly number[];
  /** By attribute. */
  parents: readonly number[];
}

/** The maximum spanning tree over `d` attributes (Prim 1957); `score` by pair, `a < b`. */
export function spanningTree(d: number, score: (a: number, b: number) => number): Tree {
  const parents = Array.from({ length: d }, () => -1);
  const best = Array.from({ length: d }, () => -Infinity);
  const order: number[] = [];
  const inside = new Set<number>();
  for (let step = 0; step < d; step++) {
    let next = -1;
    for (let a = 0; a < d; a++)
      if (!inside.has(a) && (next < 0 || (best[a] as number) > (best[next] as number))) next = a;
    inside.add(next);
    order.push(next);
    for (let a = 0; a < d; a++) {
      if (inside.has(a)) continue;
      const gain = score(Math.min(a, next), Math.max(a, next));
      if (gain > (best[a] as number)) {
        best[a] = gain;
        parents[a] = next;
      }
    }
  }
  return { order, parents };
}
