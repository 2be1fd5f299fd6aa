import { evaluate as evaluateTables, type Target } from '@twinkeep/synthetic/evaluate';
import { recordsToTables, SyntheticError } from '@twinkeep/synthetic/formats';
import { evaluationToHtml } from '@twinkeep/synthetic/report';
import type { Table, TableSchema } from '@twinkeep/synthetic/synthesize';
import { countOf, needed, UsageError, type Flags, type Run } from '../command.ts';
import { writeWhole } from '../files.ts';
import { openAll, openInput } from '../pieces.ts';
import type { Progress } from '../progress.ts';
import { sampleTables } from '../reservoir.ts';
import { deriveSchema, promise, readModel, readSchema } from './read.ts';

const ROWS_AT_A_TIME = 20_000;
const MOST_ROWS = 100_000;

/** Every cell of all three files is read and checked; figures come from at most `--at-most` rows of each, drawn by lot. */
export const evaluate: Run = async ({ flags }, progress) => {
  const out = needed(flags, 'out');
  const most = flags['at-most'] === undefined ? MOST_ROWS : countOf(flags, 'at-most');
  if (most < 10) throw new UsageError('--at-most: fewer than 10 rows tell nothing');
  const target = flags.target === undefined ? {} : { target: parseTarget(flags.target) };
  const given = await readSchema(flags.schema);
  const input = await openInput(needed(flags, 'train'));
  const types = given ?? widened((await deriveSchema(input, flags, progress)).schema);
  const read = (name: 'train' | 'holdout' | 'synthetic') => readSample(flags, name, types, most, progress);
  const [train, holdout, synthetic] = [await read('train'), await read('holdout'), await read('synthetic')];
  const tables = { train: train.table, holdout: holdout.table, synthetic: synthetic.table };
  const evaluation = evaluateTables({ ...tables, seed: countOf(flags, 'seed'), ...target });
  const model = flags.model === undefined ? null : await readModel(flags.model);
  const sampled = Object.entries({ train, holdout, synthetic }).flatMap(([name, { table, rows }]) =>
    rows > table.rows ? [`${table.rows} of the ${rows} rows of ${name}`] : [],
  );
  const text = {
    title: `Synthetic data: ${needed(flags, 'synthetic')}`,
    privacy: [
      model === null ? '' : promise(model),
      sampled.length === 0 ? '' : `Figures are of rows drawn by lot: ${sampled.join(', ')}.`,
    ].join(' '),
  };
  await writeWhole(out, [evaluationToHtml(evaluation, tables, text)]);
  if (typeof flags.json === 'string')
    await writeWhole(flags.json, [`${JSON.stringify(evaluation, null, 2)}\n`]);
  return `quality ${evaluation.score.synthetic.toFixed(3)} (shuffled ${evaluation.score.shuffled.toFixed(3)}); report in ${out}`;
};

async function readSample(
  flags: Flags,
  name: 'train' | 'holdout' | 'synthetic',
  schema: TableSchema,
  most: number,
  progress: Progress,
): Promise<{ table: Table; rows: number }> {
  const file = needed(flags, name);
  const options = { file, schema, missing: flags.missing ?? [], progress: progress.rows(file) };
  const tables = recordsToTables(await openAll(await openInput(file)), options, ROWS_AT_A_TIME);
  const { table, rows } = await sampleTables(tables, most, countOf(flags, 'seed'));
  if (table === null) throw new SyntheticError('synthetic/data', 'has no rows', { file });
  return { table, rows };
}

const OTHER_WORD = '(another word)';

/** The types of the training data for the other tables, which may know other words and lack values where it does not. */
function widened({ columns }: TableSchema): TableSchema {
  return {
    columns: columns.map((column) => {
      if (column.kind !== 'category') return { ...column, missing: true };
      const other = column.words.includes(OTHER_WORD)
        ? {}
        : { words: [...column.words, OTHER_WORD], other: OTHER_WORD };
      return { ...column, missing: true, ...other };
    }),
  };
}

function parseTarget(text: string): Target {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--target: ${text} is not COLUMN=WORD`);
  return { column: text.slice(0, at), positive: text.slice(at + 1) };
}
