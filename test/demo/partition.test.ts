import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MIN_CUSTOMERS_PER_NODE, partition } from '../../demo/partition.ts';

const sizes = (nodes: number[][]): number[] => nodes.map((node) => node.length);

test('every customer lives at exactly one node, and no node is small', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 20 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      (nodes, more, seed) => {
        const customers = nodes * MIN_CUSTOMERS_PER_NODE + more;
        const spread = partition(customers, nodes, `${seed}`);
        expect(spread).toHaveLength(nodes);
        expect(spread.flat().sort((a, b) => a - b)).toEqual([...Array(customers).keys()]);
        expect(Math.min(...sizes(spread))).toBeGreaterThanOrEqual(MIN_CUSTOMERS_PER_NODE);
      },
    ),
    { numRuns: 50 },
  );
});

test('nodes are of unequal size', () => {
  const [smallest = 0, ...rest] = sizes(partition(5_000, 10, '1')).sort((a, b) => a - b);
  expect(rest.at(-1)).toBeGreaterThan(2 * smallest);
});

test('the seed decides, and nothing else does', () => {
  expect(partition(1_000, 5, 'a')).toEqual(partition(1_000, 5, 'a'));
  expect(partition(1_000, 5, 'a')).not.toEqual(partition(1_000, 5, 'b'));
});

test('customers that neighbour in the file do not neighbour at a node', () => {
  const [first = []] = partition(2_000, 5, '3');
  const neighbours = first.filter((customer, i) => first[i + 1] === customer + 1).length;
  expect(neighbours).toBeLessThan(first.length * 0.6);
});

test('too few customers are refused with what to do', () => {
  expect(() => partition(100, 10, '1')).toThrow(/100 customers .* 10 nodes; try --nodes 2/);
  expect(() => partition(10, 2, '1')).toThrow(/more customers are needed/);
});
