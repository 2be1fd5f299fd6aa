/** `schema`, `split` and `convert`: what comes before and after a fit. */
import { recordsToTables, tablesToBytes } from '@twinkeep/synthetic/formats';
import { createRandomSource, uniform } from '@twinkeep/synthetic/random';
import { selectRows, type Table, type TableSchema } from '@twinkeep/synthetic/synthesize';
import { countOf, needed, numberOf, UsageError, type Flags, type Run } from '../command.ts';
import { writeWhole } from '../files.ts';
import { openAll, openInput, type InputFile } from '../pieces.ts';
import type { Progress } from '../progress.ts';
import { argument, deriveSchema, outputFormat, readSchema } from './read.ts';

const ROWS_AT_A_TIME = 20_000;

/** A draft for a person to correct. It says of itself that it was read off the data, and no epsilon holds until that person says otherwise. */
export const schema: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'schema takes a FILE');
  const out = needed(flags, 'out');
  const { schema: found, rows } = await deriveSchema(await openInput(file as string), flags, progress);
  await writeWhole(out, [`${JSON.stringify(found, null, 2)}\n`]);
  return `${found.columns.length} columns of ${rows} rows in ${out}; where it says what is publicly known, remove "derived"`;
};

/** Each row goes to one of two files by lot. */
export const split: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'split takes a FILE');
  const [train, holdout] = [needed(flags, 'train'), needed(flags, 'holdout')];
  const share = flags.share === undefined ? 0.5 : numberOf(flags, 'share');
  if (!(share > 0 && share < 1)) throw new UsageError(`--share: ${share} is not between 0 and 1`);
  const input = await openInput(file as string);
  const types = (await readSchema(flags.schema)) ?? (await deriveSchema(input, flags, progress)).schema;
  const random = createRandomSource(countOf(flags, 'seed'));
  const counts = [0, 0];
  // One file is whole before the other is begun: the rows are read twice and drawn the same.
  for (const [part, out] of [train, holdout].entries()) {
    async function* picked(): AsyncGenerator<Table, void, void> {
      let row = 0;
      for await (const table of readTables(input, types, flags, progress)) {
        const own = Array.from({ length: table.rows }, (_, i) => i).filter(
          (i) => Number(uniform(random.stream(row + i, 'split')) >= share) === part,
        );
        row += table.rows;
        counts[part]! += own.length;
        yield selectRows(table, own);
      }
    }
    await writeWhole(out, tablesToBytes(picked(), types, outputFormat(out)));
  }
  return `${counts[0]} rows in ${train}, ${counts[1]} in ${holdout}`;
};

/** From one format to another; a schema picks the columns. */
export const convert: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'convert takes a FILE');
  const out = needed(flags, 'out');
  const format = outputFormat(out);
  const input = await openInput(file as string);
  const types = (await readSchema(flags.schema)) ?? (await deriveSchema(input, flags, progress)).schema;
  await writeWhole(out, tablesToBytes(readTables(input, types, flags, progress), types, format));
  return `${file} as ${format} in ${out}`;
};

async function* readTables(
  input: InputFile,
  types: TableSchema,
  { missing = [] }: Flags,
  progress: Progress,
): AsyncGenerator<Table, void, void> {
  const { file } = input;
  const options = { file, schema: types, missing, progress: progress.rows(file) };
  yield* recordsToTables(await openAll(input), options, ROWS_AT_A_TIME);
}
