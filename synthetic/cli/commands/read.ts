/** What several commands read: files of rows, schemas, models. */
import { formatOf, type Format } from '@twinkeep/synthetic/formats';
import {
  parseModel,
  parseSchema,
  schemaFromRecords,
  type TableModel,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { UsageError, type Flags } from '../command.ts';
import { readJson } from '../files.ts';
import { openAll, type InputFile } from '../pieces.ts';
import type { Progress } from '../progress.ts';

export async function readSchema(file: string | undefined): Promise<TableSchema | undefined> {
  return file === undefined ? undefined : parseSchema(await readJson(file));
}

/** The schema that the data show, read once from the beginning to the end. @throws SyntheticError with file, row and column */
export async function deriveSchema(
  input: InputFile,
  flags: Flags,
  progress: Progress,
): Promise<{ schema: TableSchema; rows: number }> {
  return schemaFromRecords(await openAll(input), {
    file: input.file,
    missing: flags.missing ?? [],
    progress: progress.rows(`${input.file}, its types`),
  });
}

export async function readModel(file: string): Promise<TableModel> {
  return parseModel(await readJson(file));
}

/** What a model's rows may be promised to be. */
export function promise({ privacy }: TableModel): string {
  if (privacy === null) return 'Not private: treat it as the data themselves.';
  return `Differentially private: epsilon ${privacy.epsilon}, delta ${privacy.delta}, ${privacy.unit}.`;
}

/** Of the file that a command writes. @throws UsageError */
export function outputFormat(file: string): Format {
  const format = formatOf(file);
  if (format === null) throw new UsageError(`${file}: ends in none of .csv, .ndjson, .jsonl, .parquet`);
  return format;
}

/** What a command is about. @throws UsageError */
export function argument(values: readonly string[], count: number, usage: string): readonly string[] {
  if (values.length !== count) throw new UsageError(usage);
  return values;
}
