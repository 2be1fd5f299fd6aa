import type { Simulation } from '@twinkeep/synthetic/simulate';
import { cellsToColumn, createTable, type Cell, type Table } from '@twinkeep/synthetic/synthesize';
import type { Progress } from '../progress.ts';

/** A simulation's customers as a table, one row each; without the column that only names them. */
export function recordTable(simulation: Simulation, progress: Progress): Table {
  const columns = new Map<string, Cell[]>();
  const show = progress.rows('customers');
  for (let index = 0; index < simulation.size; index++) {
    const { id: _, ...record } = simulation.record(index);
    for (const [name, value] of Object.entries(record)) {
      let cells = columns.get(name);
      if (cells === undefined) columns.set(name, (cells = []));
      cells.push(typeof value === 'boolean' ? (value ? 'yes' : 'no') : value);
    }
    if (index % 1_000 === 999) show(index + 1);
  }
  return createTable(
    [...columns].map(([name, cells]) =>
      name === 'since'
        ? cellsToColumn(name, 'date', cells.map(dayOf))
        : cellsToColumn(name, cells.some((cell) => typeof cell === 'string') ? 'category' : 'number', cells),
    ),
  );
}

function dayOf(cell: Cell): number {
  return Date.parse(`${String(cell)}T00:00:00Z`) / 86_400_000;
}
