/**
 * The entry `@twinkeep/synthetic/synthesize`: models fitted on real tables, and rows from them. Runs anywhere. What a model may claim is in
 * its `privacy`: null = nothing.
 */
import type { Table } from '../table.ts';
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

/** Rows that obey the conditions and the constraints of the schema. @throws SyntheticError 'synthetic/unsatisfiable' */
export function sample(model: TableModel, { rows, seed, where = {} }: SampleOptions): Table {
  const draw = (count: number, from: number): Table =>
    model.kind === 'mst' ? sampleMst(model, count, from, where) : sampleCopula(model, count, from, where);
  return drawObeying(draw, model.schema, rows, seed);
}

export { SyntheticError, type Place, type SyntheticErrorCode } from '../error.ts';
export {
  cellsToColumn,
  columnOf,
  createTable,
  selectRows,
  type CategoryColumn,
  type Cell,
  type Column,
  type NumberColumn,
  type Table,
} from '../table.ts';
export type { Condition } from './codec.ts';
export { fitCopula, type CopulaModel } from './copula.ts';
export { countPlan, type Marginal, type Measure, type Plan } from './counts.ts';
export {
  fitMst,
  fitMstFromCounts,
  fitMstOfTable,
  type CountSource,
  type MstModel,
  type MstOptions,
  type PrivacyLedger,
  type TreeClass,
} from './mst.ts';
export { parseModel } from './model.ts';
export type { Conditions } from './sample-mst.ts';
export {
  parseSchema,
  schemaFromTable,
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
