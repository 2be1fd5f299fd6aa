import { availableParallelism } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';

export const HELP: string = `Usage: twinkeep-synthetic COMMAND [options]

  simulate --industry NAME --customers N --months N --start TIME --out FOLDER
      Customers who never existed: FOLDER/events.ndjson, customers.ndjson, truth.ndjson and,
      for cpg, market.ndjson. NAME is retail, banking, cpg, health or telecom; TIME is like
      2025-01-01T00:00:00Z.
      --sites N            sites that the customers are spread over (default 1)
      --prices endogenous  prices that follow hidden demand
      --threads N          default: as many as the machine has cores; the bytes are the same

  fit FILE.csv --out MODEL.json
      --schema FILE        public schema; without it one is read off the data and no epsilon holds
      --target COLUMN      a category, by whose words rows are modelled apart
      --epsilon N --delta N   differential privacy; without them none
      --method NAME        mst (default) or copula (never private)

  sample MODEL.json --rows N --out FILE.csv
      --where JSON         conditions: '{"plan":{"is":"basic"},"age":{"min":30}}'

  evaluate --train FILE.csv --holdout FILE.csv --synthetic FILE.csv --out REPORT.html
      --schema FILE        types of the columns; default: as the training data show
      --target COLUMN=WORD what models are to predict, and the word that counts as 1
      --model FILE         the model that made it: the report says what it promises
      --json FILE          all figures

Everywhere: --seed N (default 1), --missing WORD (a cell that means missing; may be repeated),
--quiet (no progress), --help. Files are written whole or not at all.

Exit status: 0 done, 1 the data or the schema are wrong, 2 it could not be tried.
`;

/** What was asked for cannot be tried. */
export class UsageError extends Error {}

export interface Flags {
  industry?: string;
  customers?: string;
  months?: string;
  start?: string;
  out?: string;
  sites?: string;
  prices?: string;
  threads?: string;
  schema?: string;
  target?: string;
  epsilon?: string;
  delta?: string;
  method?: string;
  rows?: string;
  where?: string;
  train?: string;
  holdout?: string;
  synthetic?: string;
  model?: string;
  json?: string;
  seed?: string;
  missing?: string[];
  quiet?: boolean;
  help?: boolean;
}

const text = { type: 'string' } as const;

const OPTIONS: NonNullable<ParseArgsConfig['options']> = {
  industry: text,
  customers: text,
  months: text,
  start: text,
  out: text,
  sites: { ...text, default: '1' },
  prices: { ...text, default: 'randomised' },
  threads: { ...text, default: String(availableParallelism()) },
  schema: text,
  target: text,
  epsilon: text,
  delta: text,
  method: { ...text, default: 'mst' },
  rows: text,
  where: { ...text, default: '{}' },
  train: text,
  holdout: text,
  synthetic: text,
  model: text,
  json: text,
  seed: { ...text, default: '1' },
  missing: { ...text, multiple: true, default: [] },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

export interface Command {
  name: string;
  file: string | undefined;
  flags: Flags;
}

export function readCommand(args: string[]): Command {
  const { values, positionals } = parse(args);
  const [name = '', file, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`too many arguments: ${rest.join(' ')}`);
  return { name, file, flags: values as Flags };
}

function parse(args: string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS, args });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function needed(
  flags: Flags,
  name: 'industry' | 'start' | 'out' | 'train' | 'holdout' | 'synthetic',
): string {
  const value = flags[name];
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
}

export function numberOf(
  flags: Flags,
  name: 'customers' | 'months' | 'rows' | 'seed' | 'sites' | 'threads' | 'epsilon' | 'delta',
): number {
  const value = flags[name];
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  if (value.trim() === '' || !Number.isFinite(Number(value)))
    throw new UsageError(`--${name}: ${value} is no number`);
  return Number(value);
}

/** A whole number, 0 or more. */
export function countOf(flags: Flags, name: Parameters<typeof numberOf>[1]): number {
  const value = numberOf(flags, name);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`--${name}: ${value} is no whole number`);
  return value;
}
