import { recordsToTable } from '@twinkeep/synthetic/formats';
import {
  fitCopula,
  SyntheticError,
  type MstOptions,
  type TableModel,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { countOf, needed, numberOf, UsageError, type Flags, type Run } from '../command.ts';
import { fitFile } from '../count.ts';
import { writeWhole } from '../files.ts';
import { openAll, openInput, type InputFile } from '../pieces.ts';
import type { Progress } from '../progress.ts';
import { argument, deriveSchema, promise, readSchema } from './read.ts';

/** Of a file of any size: `mst` counts it piece by piece. A copula needs all rows in memory. */
export const fit: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'fit takes a FILE');
  const out = needed(flags, 'out');
  const input = await openInput(file as string);
  const schema = (await readSchema(flags.schema)) ?? (await deriveSchema(input, flags, progress)).schema;
  const privacy =
    flags.epsilon === undefined && flags.delta === undefined
      ? {}
      : { epsilon: numberOf(flags, 'epsilon'), delta: numberOf(flags, 'delta') };
  const { model, rows } = await fitModel(input, schema, privacy, flags, progress);
  await writeWhole(out, [JSON.stringify(model)]);
  return `${flags.method ?? 'mst'} of ${rows} rows in ${out}. ${promise(model)}`;
};

async function fitModel(
  input: InputFile,
  schema: TableSchema,
  privacy: { epsilon?: number; delta?: number },
  flags: Flags,
  progress: Progress,
): Promise<{ model: TableModel; rows: number }> {
  const { method = 'mst', target, missing = [] } = flags;
  if (method === 'mst') {
    const options: MstOptions = { ...privacy, ...(target === undefined ? {} : { target }) };
    const setup = { input, schema, target, missing };
    return fitFile(setup, options, countOf(flags, 'threads'), progress.step(input.file));
  }
  if (method !== 'copula') throw new UsageError(`--method: ${method} is neither mst nor copula`);
  if (privacy.epsilon !== undefined)
    throw new SyntheticError('synthetic/privacy', 'a copula is never private: no epsilon holds for it');
  const { file } = input;
  const table = await recordsToTable(await openAll(input), {
    file,
    schema,
    missing,
    progress: progress.rows(file),
  });
  return { model: fitCopula(table, schema), rows: table.rows };
}
