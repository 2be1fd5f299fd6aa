/** At most so many rows of a file of any length, each with the same chance. */
import { uniform, createRandomSource } from '@twinkeep/synthetic/random';
import { selectRows, stackTables, type Table } from '@twinkeep/synthetic/synthesize';

/** The rows with the smallest of random keys, in their order: the same for the same seed. All rows where there are no more than `most`. */
export async function sampleTables(
  tables: AsyncIterable<Table>,
  most: number,
  seed: number,
): Promise<{ table: Table | null; rows: number }> {
  const random = createRandomSource(seed);
  let rows = 0;
  let kept: Table | null = null;
  let keys: number[] = [];
  const keepSmallest = (): void => {
    if (kept === null || keys.length <= most) return;
    const limit = Float64Array.from(keys).sort()[most - 1] as number;
    const places = keys.flatMap((key, place) => (key <= limit ? [place] : [])).slice(0, most);
    kept = selectRows(kept, places);
    keys = places.map((place) => keys[place] as number);
  };
  for await (const table of tables) {
    for (let i = 0; i < table.rows; i++) keys.push(uniform(random.stream(rows + i, 'reservoir')));
    rows += table.rows;
    kept = kept === null ? table : stackTables(kept, table);
    // Not after every piece: stacking and selecting copy what is kept.
    if (keys.length > 2 * most) keepSmallest();
  }
  keepSmallest();
  return { table: kept, rows };
}
