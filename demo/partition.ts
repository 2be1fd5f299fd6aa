/** Who lives where: customers spread at random over nodes of unequal size, as branches of a bank are. */
import { DemoError } from './errors.ts';
import { drawOrder, drawUniform } from './seeded.ts';

/** So few that even where some refuse, a node has a cohort to hide in. */
export const MIN_CUSTOMERS_PER_NODE = 40;
/** The largest node has up to this many times the customers of the smallest. */
const LARGEST_TO_SMALLEST = 6;

/**
 * @returns for each node the indices of its customers, ascending
 * @throws DemoError 'demo/input' where there are too few customers for so many nodes
 */
export function partition(customers: number, nodes: number, seed: string): number[][] {
  const sizes = nodeSizes(customers, nodes, seed);
  const order = drawOrder(customers, seed, 'order');
  let start = 0;
  return sizes.map((size) => order.slice(start, (start += size)).sort((a, b) => a - b));
}

function nodeSizes(customers: number, nodes: number, seed: string): number[] {
  const spare = customers - nodes * MIN_CUSTOMERS_PER_NODE;
  if (spare < 0) {
    const most = Math.floor(customers / MIN_CUSTOMERS_PER_NODE);
    throw new DemoError(
      'demo/input',
      `${customers} customers are too few for ${nodes} nodes; ${most < 2 ? 'more customers are needed' : `try --nodes ${most}`}.`,
    );
  }
  const weights = Array.from(
    { length: nodes },
    (_, node) => LARGEST_TO_SMALLEST ** drawUniform(seed, `size/${node}`),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  // Rounded at the cumulated shares, so that the sizes add up.
  return weights.map((weight) => {
    const from = Math.round((spare * before) / total);
    before += weight;
    return MIN_CUSTOMERS_PER_NODE + Math.round((spare * before) / total) - from;
  });
}

/**
 * Fewest twins in a report, such that the smallest node can report its held-out twins alone: a fifth of its customers are held out, and
 * this is a quarter of those. 20, the node's own default, where nodes are large.
 */
export function fewestTwins(spread: readonly (readonly number[])[]): number {
  const smallest = Math.min(...spread.map(({ length }) => length));
  return Math.min(20, Math.floor(smallest / 20));
}
