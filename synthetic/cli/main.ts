import { join } from 'node:path';
import { tableToCsv } from '@twinkeep/synthetic/csv';
import { evaluate, type Target } from '@twinkeep/synthetic/evaluate';
import { evaluationToHtml } from '@twinkeep/synthetic/report';
import { createSimulation, type Industry, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import {
  fitCopula,
  fitMst,
  parseModel,
  sample,
  schemaFromTable,
  SyntheticError,
  type Conditions,
  type TableModel,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import {
  countOf,
  HELP,
  needed,
  numberOf,
  readCommand,
  UsageError,
  type Command,
  type Flags,
} from './command.ts';
import { readJson, readSchema, readTable, writeWhole } from './files.ts';
import { createProgress, type Progress } from './progress.ts';
import { simulateLines } from './threads.ts';

/** Runs the command and returns the exit status. */
export async function main(args: string[]): Promise<number> {
  try {
    const command = readCommand(args);
    if (command.flags.help === true) {
      process.stdout.write(HELP);
      return 0;
    }
    const run = COMMANDS[command.name as keyof typeof COMMANDS] as Run | undefined;
    if (run === undefined)
      throw new UsageError(command.name === '' ? 'no command' : `no command ${command.name}`);
    const progress = createProgress(process.stderr, command.flags.quiet === true);
    process.stdout.write(`${await run(command, progress)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof SyntheticError) {
      process.stderr.write(`twinkeep-synthetic: ${error.message}\n`);
      return 1;
    }
    // Files that cannot be read or written, and numbers out of range, are told without a stack.
    if (!(error instanceof UsageError || error instanceof RangeError || 'code' in error)) throw error;
    process.stderr.write(`twinkeep-synthetic: ${error.message}\nTry: twinkeep-synthetic --help\n`);
    return 2;
  }
}

/** Returns what to say when it is done. */
type Run = (command: Command, progress: Progress) => Promise<string>;

const COMMANDS: Readonly<Record<'simulate' | 'fit' | 'sample' | 'evaluate', Run>> = {
  async simulate({ flags }, progress) {
    const folder = needed(flags, 'out');
    const options: SimulationOptions = {
      industry: needed(flags, 'industry') as Industry,
      seed: countOf(flags, 'seed'),
      customers: countOf(flags, 'customers'),
      months: countOf(flags, 'months'),
      startTime: needed(flags, 'start'),
      prices: flags.prices as 'randomised' | 'endogenous',
      federation: { sites: countOf(flags, 'sites') },
    };
    const simulation = createSimulation(options);
    for (const part of ['events', 'customers', 'truth'] as const) {
      const lines = simulateLines(options, part, countOf(flags, 'threads'));
      await writeWhole(join(folder, `${part}.ndjson`), progress.bytes(part, lines));
    }
    const first = simulation.market().next();
    if (first.done !== true)
      await writeWhole(join(folder, 'market.ndjson'), marketLines(simulation.market()));
    return `${options.customers} customers of ${options.industry} over ${options.months} months in ${folder}`;
  },

  async fit({ file, flags }, progress) {
    if (file === undefined) throw new UsageError('fit takes a FILE');
    const out = needed(flags, 'out');
    const given = await readSchema(flags.schema);
    const table = await readTable(file, given, flags.missing ?? [], progress.rows(file));
    const schema = given ?? schemaFromTable(table);
    const privacy =
      flags.epsilon === undefined && flags.delta === undefined
        ? {}
        : { epsilon: numberOf(flags, 'epsilon'), delta: numberOf(flags, 'delta') };
    const model = await fitModel(flags, table, schema, privacy);
    await writeWhole(out, [JSON.stringify(model)]);
    return `${flags.method ?? 'mst'} of ${table.rows} rows in ${out}. ${promise(model)}`;
  },

  async sample({ file, flags }) {
    if (file === undefined) throw new UsageError('sample takes a MODEL');
    const out = needed(flags, 'out');
    const model = parseModel(await readJson(file));
    const where = parseConditions(flags.where ?? '{}');
    const table = sample(model, { rows: countOf(flags, 'rows'), seed: countOf(flags, 'seed'), where });
    await writeWhole(out, tableToCsv(table));
    return `${table.rows} rows in ${out}. ${promise(model)}`;
  },

  async evaluate({ flags }, progress) {
    const out = needed(flags, 'out');
    const given = await readSchema(flags.schema);
    const read = (name: 'train' | 'holdout' | 'synthetic', schema: TableSchema | undefined) =>
      readTable(needed(flags, name), schema, flags.missing ?? [], progress.rows(needed(flags, name)));
    const train = await read('train', given);
    const types = given ?? widened(schemaFromTable(train));
    const [holdout, synthetic] = [await read('holdout', types), await read('synthetic', types)];
    const target = flags.target === undefined ? {} : { target: parseTarget(flags.target) };
    const evaluation = evaluate({ train, holdout, synthetic, seed: countOf(flags, 'seed'), ...target });
    const privacy = flags.model === undefined ? '' : promise(parseModel(await readJson(flags.model)));
    const text = { title: `Synthetic data: ${needed(flags, 'synthetic')}`, privacy };
    await writeWhole(out, [evaluationToHtml(evaluation, { train, synthetic }, text)]);
    if (flags.json !== undefined) await writeWhole(flags.json, [`${JSON.stringify(evaluation, null, 2)}\n`]);
    return `quality ${evaluation.score.synthetic.toFixed(3)} (shuffled ${evaluation.score.shuffled.toFixed(3)}); report in ${out}`;
  },
};

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

const OTHER_WORD = '(another word)';

async function fitModel(
  { method = 'mst', target }: Flags,
  table: Parameters<typeof fitMst>[0],
  schema: Parameters<typeof fitMst>[1],
  privacy: { epsilon?: number; delta?: number },
): Promise<TableModel> {
  if (method === 'mst')
    return fitMst(table, schema, { ...privacy, ...(target === undefined ? {} : { target }) });
  if (method !== 'copula') throw new UsageError(`--method: ${method} is neither mst nor copula`);
  if (privacy.epsilon !== undefined)
    throw new SyntheticError('synthetic/privacy', 'a copula is never private: no epsilon holds for it');
  return fitCopula(table, schema);
}

function promise({ privacy }: TableModel): string {
  if (privacy === null) return 'Not private: treat it as the data themselves.';
  return `Differentially private: epsilon ${privacy.epsilon}, delta ${privacy.delta}, ${privacy.unit}.`;
}

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

function parseTarget(text: string): Target {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--target: ${text} is not COLUMN=WORD`);
  return { column: text.slice(0, at), positive: text.slice(at + 1) };
}

function* marketLines(rows: Iterable<object>): Generator<string, void, void> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}
