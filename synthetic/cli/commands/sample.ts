import type { Conditions } from '@twinkeep/synthetic/synthesize';
import { countOf, needed, UsageError, type Run } from '../command.ts';
import { drawFile } from '../draw.ts';
import { writeWhole } from '../files.ts';
import { argument, outputFormat, promise, readModel } from './read.ts';

/** Any number of rows: memory holds some blocks of them. */
export const sample: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'sample takes a MODEL');
  const out = needed(flags, 'out');
  const model = await readModel(file as string);
  const format = outputFormat(out);
  const rows = countOf(flags, 'rows');
  const options = { rows, seed: countOf(flags, 'seed'), where: parseConditions(flags.where ?? '{}') };
  const bytes = drawFile({ model, options, format }, countOf(flags, 'threads'), progress.share(out));
  await writeWhole(out, bytes);
  return `${rows} rows in ${out}. ${promise(model)}`;
};

function parseConditions(text: string): Conditions {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new UsageError(`--where: ${text} is no JSON`);
  }
  const conditions = typeof given === 'object' && given !== null ? Object.values(given) : [null];
  const right = (condition: unknown): boolean =>
    typeof condition === 'object' &&
    condition !== null &&
    Object.entries(condition).every(([name, value]) =>
      name === 'is'
        ? value === null || typeof value === 'string' || typeof value === 'number'
        : (name === 'min' || name === 'max') && typeof value === 'number',
    );
  if (!conditions.every(right))
    throw new UsageError(`--where: ${text} is not like {"plan":{"is":"basic"},"age":{"min":30}}`);
  return given as Conditions;
}
