import {
  addNoise,
  admitClippedSum,
  countingOf,
  countParts,
  dequantizeUpdate,
  helperFamily,
  initialWeights,
  marginalsLayout,
  parameterCount,
  parseTask,
  publishCounts,
  quantize,
  randomBytes,
  readOneWays,
  rotationSigns,
  sumOfCounts,
  taskGrid,
  taskLayout,
  taskOperation,
  webCryptoPrg,
  type CountPart,
  type TaskSpec,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallTask } from '../coordinator/support/task.ts';
import { chiSquareP } from './dp/statistics.ts';
import { COUNTED, countAll, countingTask, noisyCounting, rowsOf, type Person } from './counting-task.ts';

const input = (max: number): fc.Arbitrary<number | null> =>
  fc.option(fc.integer({ min: 0, max }), { nil: null });
const person: fc.Arbitrary<Person> = fc.tuple(fc.integer({ min: 0, max: 1 }), input(2), input(3), input(1));

const PEOPLE: Person[] = Array.from({ length: 60 }, (_, i) => [
  i % 3 === 0 ? 1 : 0,
  i % 7 === 0 ? null : i % 3,
  (i * i) % 4,
  i % 3 === 0 ? 0 : i % 2,
]);

describe('a task that counts', () => {
  it('asks for leave to synthesise, where one that trains asks for leave to contribute', () => {
    expect(taskOperation(parseTask(countingTask()))).toBe('synthesise');
    expect(taskOperation(parseTask(smallTask()))).toBe('contribute');
  });

  it.each<[string, Partial<TaskSpec>, RegExp]>([
    ['columns of other features', { features: COUNTED.slice(0, 2), model: countingTask().model }, /columns/],
    ['two rounds', { rounds: 2 }, /takes 3/],
    ['an optimiser', { optimizer: smallTask().optimizer }, /optimizer/],
    ['twins held out', { evaluation: { ...countingTask().evaluation, holdout: 0.1 } }, /holdout/],
    [
      'a clipping bound that adapts',
      {
        privacy: {
          ...(noisyCounting(1).privacy as Extract<TaskSpec['privacy'], { mech: 'discrete-gaussian' }>),
          adaptiveClip: { quantile: 0.5, learningRate: 0.2, noise: 20 },
        },
      },
      /adaptiveClip/,
    ],
  ])('refuses %s', (_what, changes, message) => {
    expect(() => parseTask({ ...countingTask(), ...changes })).toThrow(message);
  });

  it('refuses a feature without declared cells, and a network that is published as it is summed', () => {
    const scaled = { ...COUNTED[0]!, transform: smallTask().features[0]!.transform };
    expect(() => parseTask({ ...countingTask(), features: [scaled, ...COUNTED.slice(1)] })).toThrow(
      /no cells/,
    );
    expect(() => parseTask({ ...smallTask(), optimizer: { kind: 'publish' } })).toThrow(/network/);
  });
});

describe('what a twin adds', () => {
  it('is one cell of every part that it falls under, of L2 norm clipL2, whatever was published before', () => {
    const task = countingTask({ clipL2: 2 });
    const length = parameterCount(task.model);
    const published = fc
      .tuple(
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.float({ min: -1e6, max: 1e6, noNaN: true }), {
          minLength: length - 1,
          maxLength: length - 1,
        }),
      )
      .map(([step, rest]) => Float32Array.from([step, ...rest]));
    fc.assert(
      fc.property(person, published, (one, counts) => {
        const { sum, twins } = sumOfCounts(task, counts, rowsOf(task, [one]));
        const squares = sum.reduce((total, x) => total + x * x, 0);
        expect(Math.abs(Math.sqrt(squares) - 2)).toBeLessThan(1e-9);
        expect(twins).toBe(1);
        const parts = countParts(countingOf(task), counts, Math.min(2, counts[0]!));
        const own = parts.filter(({ label }) => label === null || label === one[0]);
        expect(sum.filter((x) => x !== 0)).toHaveLength(own.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing where its label is not known', () => {
    const task = countingTask();
    const rows = rowsOf(task, [[Number.NaN, 0, 0, 0]]);
    const { sum, twins } = sumOfCounts(task, initialWeights(task.model), rows);
    expect([twins, sum.some((x) => x !== 0)]).toEqual([0, false]);
  });
});

describe('what is published', () => {
  it('is the counts themselves where there is no noise, step by step', () => {
    const task = countingTask();
    const counting = countingOf(task);
    const counts = countAll(task, rowsOf(task, PEOPLE));
    expect(counts[0]).toBe(3);
    for (const step of [0, 1, 2])
      for (const part of countParts(counting, counts, step))
        expect([...counted(part, counts)], `${step} ${part.label} ${part.columns.join()}`).toEqual(
          tally(part),
        );
    const { totals, counts: ways } = readOneWays(counting, counts, 2);
    expect(totals.map(Math.round)).toEqual([40, 20]);
    expect(ways[1]![2]!.map(Math.round)).toEqual(Float64Array.from([20, 0, 0]));
  });

  it('chooses the pair that depends on each other', () => {
    // What the first column is decides the second; the third is a coin.
    const people = Array.from({ length: 400 }, (_, i): Person => [
      i % 2,
      i % 3,
      i % 3,
      (i * 7919) % 11 < 5 ? 0 : 1,
    ]);
    const task = countingTask();
    const counts = countAll(task, rowsOf(task, people));
    const columns = countParts(countingOf(task), counts, 2).map((part) =>
      [...part.columns].sort((a, b) => a - b),
    );
    expect(columns).toContainEqual([0, 1]);
  });

  it('fits the room that the task declares, at its fullest', () => {
    const task = countingTask();
    const { pairs, length } = marginalsLayout(countingOf(task).spec);
    const counts = countAll(task, rowsOf(task, PEOPLE));
    const parts = countParts(countingOf(task), counts, 2);
    const ends = parts.map(({ at, sizes }) => at + sizes.reduce((product, n) => product * n, 1));
    expect(Math.min(...parts.map(({ at }) => at))).toBe(pairs);
    expect(Math.max(...ends)).toBeLessThanOrEqual(length);
  });

  it('carries noise of the variance that the task states, by chi-square over whole rounds with all sets of helpers', async () => {
    const task = noisyCounting(2);
    const rows = rowsOf(task, PEOPLE);
    const { noise } = countingOf(task);
    const before = initialWeights(task.model);
    const exact = publishCounts(countingTask(), before, sumOfCounts(task, before, rows).sum);
    let [square, cells] = [0, 0];
    const parts = countParts(countingOf(task), before, 0);
    for (let round = 0; round < 100; round++) {
      const counts = publishCounts(
        task,
        before,
        await openedSum(task, sumOfCounts(task, before, rows).sum, rows.n),
      );
      for (const part of parts) {
        const expected = counted(part, exact);
        counted(part, counts).forEach((count, i) => {
          square += ((count - expected[i]!) ** 2 * part.share) / noise;
          cells++;
        });
      }
    }
    // Twice the smaller tail; and the same test sees a standard deviation that is a fifth off.
    const tail = (x: number): number => 2 * Math.min(chiSquareP(x, cells), 1 - chiSquareP(x, cells));
    expect(cells).toBeGreaterThan(2_000);
    expect(tail(square)).toBeGreaterThan(1e-6);
    expect(tail(square * 1.4)).toBeLessThan(1e-6);
    expect(tail(square / 1.4)).toBeLessThan(1e-6);
  });
});

/** As the parties do it in a round: quantised, rounded, with every helper set's noise, opened. */
async function openedSum(task: TaskSpec, sum: Float64Array, twins: number): Promise<Float64Array> {
  const layout = taskLayout(task);
  const { unit, clipStep, qTwin, sigmaSquared } = taskGrid(task);
  const signs = await rotationSigns(randomBytes(32), layout.dPadded, webCryptoPrg);
  const grid = { layout, unit, clipStep, qTwin, clipL2: task.clipL2, signs };
  const nothing = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  const { values } = quantize(admitClippedSum(sum, twins, task.clipL2, twins), nothing, grid, randomBytes);
  const words = new Uint32Array(values.buffer as ArrayBuffer);
  for (const _ of helperFamily(task.helpers.m, task.helpers.c))
    await addNoise(words, randomBytes(32), sigmaSquared, webCryptoPrg);
  return dequantizeUpdate(values, grid);
}

function counted({ at, sizes }: CountPart, counts: Float32Array): number[] {
  const size = sizes.reduce((product, n) => product * n, 1);
  return [...counts.subarray(at, at + size)].map((x) => Number(x.toPrecision(6)));
}

/** Counted by hand: columns have 4, 5 and 3 cells. */
function tally({ label, columns, maps, sizes }: CountPart): number[] {
  const out = Array.from({ length: sizes.reduce((product, n) => product * n, 1) }, () => 0);
  for (const [own, ...inputs] of PEOPLE) {
    if (label !== null && own !== label) continue;
    const groups = columns.map((column, i) => {
      const cell = inputs[column] ?? [3, 4, 2][column]!;
      return maps[i] === null ? cell : maps[i]![cell]!;
    });
    const at = groups.length === 2 ? groups[0]! * sizes[1]! + groups[1]! : (groups[0] ?? 0);
    out[at]! += 1;
  }
  return out;
}
