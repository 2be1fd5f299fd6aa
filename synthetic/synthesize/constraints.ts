/**
 * Rows that obey the constraints of a schema: what a constraint forbids is drawn again, so that the rest keeps the model's
 * distribution given the constraint; totals are computed.
 */
import { SyntheticError } from '../error.ts';
import {
  columnOf,
  createTable,
  selectRows,
  stackTables,
  type Column,
  type NumberColumn,
  type Table,
} from '../table.ts';
import type { Constraint, TableSchema } from './schema.ts';

/** Of so many rows, fewer than this share obeying means that no number of rounds is worth it. */
const LEAST_ACCEPTANCE = 0.02;
const ENOUGH_TO_JUDGE = 1_000;
/** Rows drawn in a round beyond what the last acceptance promises. */
const RESERVE = 1.1;

/** `draw`: rows of the model from a seed. @throws SyntheticError 'synthetic/unsatisfiable' with the constraint that nearly nothing satisfies */
export function drawObeying(
  draw: (rows: number, seed: number) => Table,
  schema: TableSchema,
  rows: number,
  seed: number,
): Table {
  const constraints = schema.constraints ?? [];
  const checks = constraints.filter(({ kind }) => kind !== 'sum');
  const first = withTotals(draw(rows, seed), schema);
  if (checks.length === 0) return first;
  const broken = new Map<Constraint, number>();
  let kept = obeying(first, checks, broken);
  let drawn = rows;
  for (let round = 1; kept.rows < rows; round++) {
    const acceptance = kept.rows / drawn;
    if (drawn >= ENOUGH_TO_JUDGE && acceptance < LEAST_ACCEPTANCE) {
      const worst = checks.toSorted((a, b) => (broken.get(b) ?? 0) - (broken.get(a) ?? 0))[0];
      throw new SyntheticError('synthetic/unsatisfiable', `too few rows satisfy ${JSON.stringify(worst)}`);
    }
    const wanted = Math.ceil(((rows - kept.rows) / Math.max(acceptance, LEAST_ACCEPTANCE)) * RESERVE) + 20;
    const more = withTotals(draw(wanted, (seed + round * 0x9e3779b1) % Number.MAX_SAFE_INTEGER), schema);
    kept = stackTables(kept, obeying(more, checks, broken));
    drawn += wanted;
  }
  return kept.rows === rows
    ? kept
    : selectRows(
        kept,
        Array.from({ length: rows }, (_, row) => row),
      );
}

function obeying(table: Table, constraints: readonly Constraint[], broken: Map<Constraint, number>): Table {
  const tests = constraints.map((constraint) => ({ constraint, obeys: constraintTest(table, constraint) }));
  const rows = Array.from({ length: table.rows }, (_, row) => row).filter((row) => {
    const failing = tests.find(({ obeys }) => !obeys(row));
    if (failing === undefined) return true;
    broken.set(failing.constraint, (broken.get(failing.constraint) ?? 0) + 1);
    return false;
  });
  return rows.length === table.rows ? table : selectRows(table, rows);
}

function constraintTest(table: Table, constraint: Constraint): (row: number) => boolean {
  if (constraint.kind === 'order') {
    const [low, high] = [numbersOf(table, constraint.low), numbersOf(table, constraint.high)];
    // NaN, missing, is never greater.
    return (row) => !((low[row] as number) > (high[row] as number));
  }
  if (constraint.kind === 'implies') {
    const [given, wanted] = [columnOf(table, constraint.column), columnOf(table, constraint.thenColumn)];
    return (row) => cellOf(given, row) !== constraint.is || cellOf(wanted, row) === constraint.must;
  }
  return () => true;
}

/** All columns of the schema in its order, the totals computed from their parts. */
function withTotals(table: Table, schema: TableSchema): Table {
  const sums = (schema.constraints ?? []).filter((constraint) => constraint.kind === 'sum');
  if (sums.length === 0) return table;
  const made = new Map<string, Column>(table.columns.map((column) => [column.name, column]));
  for (const { total, parts } of sums) {
    const columns = parts.map((part) => (made.get(part) as NumberColumn).values);
    const values = Float64Array.from({ length: table.rows }, (_, row) => {
      const sum = columns.reduce((all, part) => all + (part[row] as number), 0);
      return Number(sum.toPrecision(15));
    });
    const wanted = schema.columns.find(({ name }) => name === total);
    made.set(total, { kind: wanted?.kind === 'date' ? 'date' : 'number', name: total, values });
  }
  return createTable(schema.columns.map(({ name }) => made.get(name) as Column));
}

function numbersOf(table: Table, name: string): Float64Array {
  return (columnOf(table, name) as NumberColumn).values;
}

function cellOf(column: Column, row: number): string | number | null {
  if (column.kind === 'category') {
    const code = column.codes[row] as number;
    return code < 0 ? null : (column.words[code] as string);
  }
  const value = column.values[row] as number;
  return Number.isNaN(value) ? null : value;
}
