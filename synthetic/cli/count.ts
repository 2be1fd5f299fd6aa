/**
 * The counts that a fit asks for, taken from a file that may be larger than memory: it is read once per step of the fit, piece by piece, by
 * several threads. Counts add up, so the model is the same for any number of them.
 */
import { recordsToTables, SyntheticError } from '@twinkeep/synthetic/formats';
import {
  countTable,
  fitMstFromCounts,
  measure,
  type MstModel,
  type MstOptions,
  type Plan,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { createCrew } from './crew.ts';
import { checkUnchanged, cutFile, openPiece, type InputFile, type Piece } from './pieces.ts';

export interface CountSetup {
  input: InputFile;
  schema: TableSchema;
  target: string | undefined;
  missing: readonly string[];
}

export interface CountTask {
  piece: Piece;
  plan: Plan;
}

export type Counted = { rows: number; counts: Int32Array } | { rows: number; failure: Failure };

interface Failure {
  reason: string;
  /** From 1 at the beginning of the piece. */
  row: number | undefined;
  column: string | undefined;
}

const ROWS_AT_A_TIME = 20_000;

/** @throws SyntheticError as `fitMst` does, with file, row and column */
export async function fitFile(
  setup: CountSetup,
  options: MstOptions,
  threads: number,
  progress: (step: number, done: number) => void,
): Promise<{ model: MstModel; rows: number }> {
  const cut = await cutFile(setup.input);
  // A file without rows is read, too: its columns may be wrong.
  const pieces = cut.length === 0 ? [{ from: 0, to: 0 }] : cut;
  const crew = createCrew<CountTask, Counted>(
    Math.min(threads, pieces.length),
    new URL('./count-worker.js', import.meta.url),
    setup,
    (task) => countPiece(setup, task),
  );
  let step = 0;
  let rows = 0;
  try {
    const model = await fitMstFromCounts(
      async (plan, variance) => {
        step++;
        let before = 0;
        let sum: Int32Array | null = null;
        let done = 0;
        function* tasks(): Generator<CountTask, void, void> {
          for (const piece of pieces) yield { piece, plan };
        }
        for await (const counted of crew.run(tasks())) {
          if ('failure' in counted) throw failureToError(counted.failure, setup.input.file, before);
          if (sum === null) sum = counted.counts;
          else for (const [i, count] of counted.counts.entries()) sum[i]! += count;
          before += counted.rows;
          progress(step, ++done / pieces.length);
        }
        await checkUnchanged(setup.input);
        if (sum === null || before === 0)
          throw new SyntheticError('synthetic/data', 'has no rows', { file: setup.input.file });
        rows = before;
        return measure(sum, variance);
      },
      setup.schema,
      options,
    );
    return { model, rows };
  } finally {
    await crew.end();
  }
}

/** What the file says is wrong is an answer: only whoever has the answers of all pieces before knows the number of the row. */
export async function countPiece(
  { input, schema, target, missing }: CountSetup,
  { piece, plan }: CountTask,
): Promise<Counted> {
  const { file } = input;
  let rows = 0;
  try {
    const records = await openPiece(input, piece);
    let counts = countTable(null, schema, target, plan);
    for await (const table of recordsToTables(records, { file, schema, missing }, ROWS_AT_A_TIME)) {
      const more = countTable(table, schema, target, plan);
      counts = counts.map((count, i) => count + (more[i] as number));
      rows += table.rows;
    }
    return { rows, counts };
  } catch (error) {
    if (!(error instanceof SyntheticError)) throw error;
    const { reason, place } = error;
    return { rows, failure: { reason, row: place.row, column: place.column } };
  }
}

function failureToError({ reason, row, column }: Failure, file: string, before: number): SyntheticError {
  return new SyntheticError('synthetic/data', reason, {
    file,
    ...(row === undefined ? {} : { row: before + row }),
    ...(column === undefined ? {} : { column }),
  });
}
