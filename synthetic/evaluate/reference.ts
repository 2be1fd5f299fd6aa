/** The lower reference line: a table whose columns are each exactly right and which knows nothing of their dependence. */
import { integer } from '../distributions.ts';
import { createRandomSource, type RandomStream } from '../prng.ts';
import { selectRows, type Table } from '../table.ts';

/** Every column in an order of its own. */
export function shuffleColumns(table: Table, seed: number): Table {
  const random = createRandomSource(seed);
  const columns = table.columns.map((column, place) => {
    const order = shuffledPlaces(random.stream(place, 'shuffle'), table.rows);
    return selectRows({ rows: table.rows, columns: [column] }, order).columns[0] as Table['columns'][number];
  });
  return { rows: table.rows, columns };
}

/** At most `size` rows, evenly drawn without replacement. */
export function sampleRows(table: Table, size: number, seed: number): Table {
  if (table.rows <= size) return table;
  const stream = createRandomSource(seed).stream(0, 'sample-rows');
  return selectRows(table, shuffledPlaces(stream, table.rows).subarray(0, size));
}

/** 0 .. n - 1 in random order (Fisher, Yates). */
export function shuffledPlaces(stream: RandomStream, n: number): Uint32Array {
  const places = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = integer(stream, 0, i);
    [places[i], places[j]] = [places[j] as number, places[i] as number];
  }
  return places;
}
