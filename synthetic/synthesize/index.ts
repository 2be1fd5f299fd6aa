/**
 * The entry `@twinkeep/synthetic/synthesize`: models fitted on real tables, and rows from them. Runs anywhere. What a model may claim is in
 * its `privacy`: null = nothing.
 */
import { stackTables, type Table } from '../table.ts';
import { drawObeying } from './constraints.ts';
import { sampleCopula, type CopulaModel } from './copula.ts';
import type { MstModel } from './mst.ts';
import { sampleMst, type Conditions } from './sample-mst.ts';

export type TableModel = CopulaModel | MstModel;

export interface SampleOptions {
  rows: number;
  /** Same model, same seed, same rows. */
  seed: number;
  /** What columns must be: `{ contract: { is: 'yearly' }, age: { min: 30, max: 39 } }`. */
  where?: Conditions;
}

/** Rows that are drawn together, from a seed of their own: what a thread or a page is asked for. */
const BLOCK_ROWS = 65_536;

/** Rows that obey the conditions and the constraints of the schema. @throws SyntheticError 'synthetic/unsatisfiable' */
export function sample(model: TableModel, options: SampleOptions): Table {
  let table = sampleBlock(model, options, 0);
  for (let block = 1; block < sampleBlocks(options); block++)
    table = stackTables(table, sampleBlock(model, options, block));
  return table;
}

/** How many blocks the rows come in. */
export function sampleBlocks({ rows }: SampleOptions): number {
  return Math.ceil(rows / BLOCK_ROWS);
}

/** The rows of one block, numbered from 0, of what `sample` gives: each block for itself, so that any number of rows fits into memory. */
export function sampleBlock(model: TableModel, options: SampleOptions, block: number): Table {
  const { rows, seed, where = {} } = options;
  const size = Math.max(0, Math.min(BLOCK_ROWS, rows - block * BLOCK_ROWS));
  const draw = (count: number, from: number): Table =>
    model.kind === 'mst' ? sampleMst(model, count, from, where) : sampleCopula(model, count, from, where);
  return drawObeying(draw, model.schema, size, (seed + block * 0x1b873593) % Number.MAX_SAFE_INTEGER);
}

export { SyntheticError, type Place, type SyntheticErrorCode } from '../error.ts';
export {
  cellsToColumn,
  columnOf,
  createTable,
  selectRows,
  stackTables,
  type CategoryColumn,
  type Cell,
  type Column,
  type NumberColumn,
  type Table,
} from '../table.ts';
export type { Condition } from './codec.ts';
export { schemaFromRecords, schemaFromTable } from './derive.ts';
export { fitCopula, type CopulaModel } from './copula.ts';
export { countPlan, measure, type Marginal, type Measure, type Plan } from './counts.ts';
export {
  countTable,
  fitMst,
  fitMstFromCounts,
  fitMstOfTable,
  type MstModel,
  type MstOptions,
  type PrivacyLedger,
  type TreeClass,
} from './mst.ts';

export { parseModel } from './model.ts';
export type { Conditions } from './sample-mst.ts';
export type { CountSource } from './steps.ts';
export {
  parseSchema,
  type CategorySchema,
  type ColumnSchema,
  type Constraint,
  type NumberSchema,
  type TableSchema,
} from './schema.ts';
export {
  fitSequences,
  sampleSequences,
  type SequenceEvent,
  type SequenceModel,
  type SequenceSchema,
} from './sequences.ts';
