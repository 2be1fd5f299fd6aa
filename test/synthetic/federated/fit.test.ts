import { LABELS } from '@twinkeep/protocol';
import { fitFromCounts, schemaOfTask } from '@twinkeep/synthetic/federated';
import {
  columnOf,
  parseModel,
  sample,
  type CategoryColumn,
  type Table,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';
import { drawTowards, scaleToMargins } from '../../../synthetic/federated/tables.ts';
import {
  COUNTED,
  countAll,
  countingTask,
  noisyCounting,
  rowsOf,
  type Person,
} from '../../protocol/counting-task.ts';

/** The first column follows the label, the second the first; the third is even. */
const PEOPLE: Person[] = Array.from({ length: 1_200 }, (_, i) => {
  const label = i % 3 === 0 ? 1 : 0;
  const plan = label === 1 ? (i % 4 === 0 ? 0 : 2) : i % 2;
  return [label, plan, plan === 2 ? 3 : plan, i % 5 === 0 ? null : (i >> 1) % 2];
});
const PLANS = ['basic', 'plus', 'other'];

function shareOf(table: Table, where: (row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < table.rows; row++) count += Number(where(row));
  return count / table.rows;
}

describe('a synthesizer from counts', () => {
  const task = countingTask();
  const model = fitFromCounts(task, countAll(task, rowsOf(task, PEOPLE)));
  const rows = sample(model, { rows: 6_000, seed: 1 });
  const words = (name: string): ((row: number) => string | undefined) => {
    const { words: known, codes } = columnOf(rows, name) as CategoryColumn;
    return (row) => known[codes[row] as number];
  };

  it('draws labels, one-ways by label, and pairs as they were counted, where there is no noise', () => {
    const [plan, left] = [words('plan'), words('churn')];
    const age = (columnOf(rows, 'age') as { values: Float64Array }).values;
    for (const label of LABELS)
      PLANS.forEach((word, cell) => {
        const counted =
          PEOPLE.filter(([own, first]) => own === label && first === cell).length / PEOPLE.length;
        const drawn = shareOf(rows, (row) => left(row) === ['no', 'yes'][label] && plan(row) === word);
        expect(Math.abs(drawn - counted), `${label} ${word}`).toBeLessThan(0.01);
      });
    // Whoever has another plan is 60 or older, and nobody else is.
    expect(shareOf(rows, (row) => (plan(row) === 'other') !== age[row]! >= 60)).toBe(0);
  });

  it('knows what was not known, and promises nothing without noise', () => {
    const mail = words('mail');
    expect(Math.abs(shareOf(rows, (row) => mail(row) === undefined) - 0.2)).toBeLessThan(0.01);
    expect(model.privacy).toBeNull();
  });

  it('says of noise what the task says, step by step', () => {
    const noisy = noisyCounting(1);
    const { privacy } = fitFromCounts(noisy, countAll(noisy, rowsOf(noisy, PEOPLE)));
    expect(privacy).toMatchObject({ epsilon: 1, delta: 1e-6, unit: 'one twin' });
    expect(privacy!.steps.reduce((sum, { rho }) => sum + rho, 0)).toBeCloseTo(privacy!.rho, 12);
    expect(privacy!.steps[0]).toMatchObject({ name: 'one-ways', marginalsPerRow: 4 });
  });

  it('has rows even where noise is larger than everything that was counted', () => {
    const noisy = noisyCounting(1);
    let at = 0;
    const noise = (sum: Float64Array): Float64Array => sum.map((x) => x + 50 * Math.sin(17 * at++));
    const drowned = fitFromCounts(noisy, countAll(noisy, rowsOf(noisy, PEOPLE.slice(0, 20)), noise));
    expect(sample(drowned, { rows: 100, seed: 1 }).rows).toBe(100);
    for (const { chances } of drowned.classes)
      for (const table of chances) expect(table.every((chance) => chance >= 0 && chance <= 1)).toBe(true);
  });

  it('survives a file', () => {
    expect(parseModel(JSON.parse(JSON.stringify(model)))).toEqual(model);
  });

  it('is not made of fewer steps, nor with a schema of other cells', () => {
    const counts = countAll(task, rowsOf(task, PEOPLE));
    const early = counts.slice();
    early[0] = 2;
    expect(() => fitFromCounts(task, early)).toThrow(/2 of 3 steps/);
    const { schema } = schemaOfTask(task);
    const other = schema.columns.map((column) =>
      column.name === 'age' ? { ...column, edges: [30, 45] } : column,
    );
    expect(() => fitFromCounts(task, counts, { columns: other })).toThrow(
      /age.*other cells|other cells.*age/,
    );
  });
});

describe('the schema of a counting task', () => {
  it('has the declared cells, open ends as wide as their neighbours, and the label for its target', () => {
    const counts = { ...COUNTED[1]!, name: 'orders', aggregate: { kind: 'count' as const } };
    const { schema, target } = schemaOfTask(countingTask({ features: [...COUNTED, counts] }));
    expect(target).toBe('churn');
    expect(schema.columns).toMatchObject([
      { name: 'plan', words: PLANS, other: 'other', missing: true },
      { name: 'age', edges: [30, 45, 60], min: 15, max: 75, missing: true },
      { name: 'mail', words: ['true', 'false'] },
      { name: 'orders', min: 15, step: 1 },
      { name: 'churn', words: ['no', 'yes'] },
    ]);
  });
});

describe('tables', () => {
  it('are scaled to margins and keep their odds', () => {
    const table = scaleToMargins(
      Float64Array.of(1, 1, 1, 3),
      Float64Array.of(10, 10),
      Float64Array.of(8, 12),
    );
    expect(table[0]! + table[1]!).toBeCloseTo(10, 6);
    expect(table[0]! + table[2]!).toBeCloseTo(8, 6);
    expect((table[0]! * table[3]!) / (table[1]! * table[2]!)).toBeCloseTo(3, 6);
  });

  it('are drawn to what was expected where noise explains all, and hardly where it explains nothing', () => {
    const expected = Float64Array.of(100, 100, 100, 100);
    expect(drawTowards(expected, Float64Array.of(109, 92, 95, 104), 100)).toEqual(expected);
    const far = drawTowards(expected, Float64Array.of(400, -190, 310, -120), 100);
    expect(far[0]).toBeGreaterThan(390);
    expect(drawTowards(expected, Float64Array.of(1, 2, 3, 4), 0)).toEqual(Float64Array.of(1, 2, 3, 4));
  });
});
