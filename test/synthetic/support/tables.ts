/** A table whose dependences are known, for the synthesizers. */
import { cellsToColumn, createTable, type Table, type TableSchema } from '@twinkeep/synthetic/synthesize';
import { createRandomSource, normal, uniform } from '@twinkeep/synthetic/random';

/** Numbers with an atom at 0 and missing values, a date, words that depend on both, a word per city, and a label. */
export function knownTable(rows: number, seed: number): Table {
  const random = createRandomSource(seed);
  const cells = Array.from({ length: rows }, (_, i) => {
    const stream = random.stream(i, 'row');
    const a = normal(stream);
    const b = 0.8 * a + 0.6 * normal(stream);
    const plan = a > 0.5 ? 'premium' : uniform(stream) < 0.7 ? 'basic' : 'plus';
    const balance = uniform(stream) < 0.3 ? 0 : Math.round(100 * (50 + 20 * a)) / 100;
    const score = uniform(stream) < 0.15 ? null : 5 + b;
    const city = `city-${Math.floor(40 * uniform(stream) ** 2)}`;
    const since = 18_000 + Math.round(300 * uniform(stream));
    const chance = 1 / (1 + Math.exp(1 - 1.5 * b - (plan === 'basic' ? 1 : 0)));
    return { balance, score, plan, city, since, left: uniform(stream) < chance ? 'yes' : 'no' };
  });
  return createTable([
    cellsToColumn(
      'balance',
      'number',
      cells.map(({ balance }) => balance),
    ),
    cellsToColumn(
      'score',
      'number',
      cells.map(({ score }) => score),
    ),
    cellsToColumn(
      'plan',
      'category',
      cells.map(({ plan }) => plan),
    ),
    cellsToColumn(
      'city',
      'category',
      cells.map(({ city }) => city),
    ),
    cellsToColumn(
      'since',
      'date',
      cells.map(({ since }) => since),
    ),
    cellsToColumn(
      'left',
      'category',
      cells.map(({ left }) => left),
    ),
  ]);
}

/** Written down before anybody looked. */
export const knownSchema: TableSchema = {
  columns: [
    { kind: 'number', name: 'balance', min: -20, max: 130, bins: 15, step: 0.01, atoms: [0] },
    { kind: 'number', name: 'score', min: 0, max: 10, bins: 20, missing: true },
    { kind: 'category', name: 'plan', words: ['basic', 'plus', 'premium'] },
    { kind: 'category', name: 'city', words: Array.from({ length: 40 }, (_, i) => `city-${i}`) },
    { kind: 'date', name: 'since', min: 18_000, max: 18_301, bins: 10 },
    { kind: 'category', name: 'left', words: ['no', 'yes'] },
  ],
};

export const label = { column: 'left', positive: 'yes' };
