import { availableParallelism } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Progress } from './progress.ts';

export const HELP: string = `Usage: twinkeep-synthetic COMMAND [options]

A FILE of rows ends in .csv, .ndjson (or .jsonl) or .parquet, and may be larger than memory.

  simulate --industry NAME --customers N --months N --start TIME --out FOLDER|FILE
      Customers who never existed: FOLDER/events.ndjson, customers.ndjson, truth.ndjson,
      simulation.json and, for cpg, market.ndjson; or a FILE with one row per customer. NAME is
      retail, banking, cpg, health or telecom; TIME is like 2025-01-01T00:00:00Z.
      --sites N            sites that the customers are spread over (default 1)
      --size-skew, --label-skew, --covariate-skew, --elasticity-shift, --schema-drift,
      --duplicates N       how the sites differ
      --prices endogenous  prices that follow hidden demand
      --fhir ndjson|bundle health: FHIR R4 resources too, in FOLDER/fhir

  split FILE --train FILE --holdout FILE
      Each row goes to one of two files by lot. --share N  of the first (default 0.5)

  schema FILE --out SCHEMA.json
      Draft of a schema, for a person to correct.

  fit FILE --out MODEL.json
      --schema FILE        public schema; without it one is read off the data and no epsilon holds
      --target COLUMN      a category, by whose words rows are modelled apart
      --epsilon N --delta N   differential privacy; without them none
      --method NAME        mst (default) or copula (never private; all rows in memory)

  fit-task TASK --coordinator URL --trust FILE --out MODEL.json
      From the sums that the secure rounds of a counting task published: nobody saw a row. What
      comes from the URL is checked against the trust file. --schema FILE: bounds and steps

  sample MODEL.json --rows N --out FILE
      --where JSON         conditions: '{"plan":{"is":"basic"},"age":{"min":30}}'

  evaluate --train FILE --holdout FILE --synthetic FILE --out REPORT.html
      --schema FILE        types of the columns; default: as the training data show
      --target COLUMN=WORD what models are to predict, and the word that counts as 1
      --model FILE         the model that made it: the report says what it promises
      --json FILE          all figures
      --at-most N          rows of each file that figures come from, by lot (default 100000)

  convert FILE --out FILE [--schema FILE]
      From one format to another.

  add FILE --name NAME     A version of a data set, with what belongs to it:
      --model FILE, --simulation FILE (simulation.json) or --source TEXT   where it comes from
      --schema FILE --report FILE --figures FILE (evaluate --json)
      --licence TEXT --title TEXT
  list                     Data sets and their versions.
  show NAME[@N]            One version; --dcat: its DCAT 3 description as JSON-LD
  diff NAME@N NAME@N       What changed: schema, shapes of columns with effect sizes, rows, figures
  export NAME[@N] --out FILE  Its rows, in the format of FILE; what lies there is checked first

Everywhere: --seed N (default 1), --missing WORD (a cell that means missing; may be repeated),
--threads N (default: as many as the machine has cores; the bytes are the same),
--registry FOLDER (default .twinkeep-data), --json (of list, show and diff), --quiet (no
progress), --help. Files are written whole or not at all.

Exit status: 0 done, 1 the data or the schema are wrong, 2 it could not be tried.
`;

/** What was asked for cannot be tried. */
export class UsageError extends Error {}

const TEXTS = [
  'industry',
  'customers',
  'months',
  'start',
  'out',
  'sites',
  'size-skew',
  'label-skew',
  'covariate-skew',
  'elasticity-shift',
  'schema-drift',
  'duplicates',
  'prices',
  'fhir',
  'threads',
  'schema',
  'target',
  'epsilon',
  'delta',
  'method',
  'coordinator',
  'trust',
  'rows',
  'where',
  'train',
  'holdout',
  'share',
  'synthetic',
  'model',
  'at-most',
  'name',
  'simulation',
  'source',
  'report',
  'figures',
  'licence',
  'title',
  'registry',
  'seed',
] as const;
const BOOLEANS = ['dcat', 'quiet', 'help'] as const;

const DEFAULTS: { [name in TextName]?: string } = {
  sites: '1',
  prices: 'randomised',
  threads: String(availableParallelism()),
  method: 'mst',
  where: '{}',
  registry: '.twinkeep-data',
  seed: '1',
};

type TextName = (typeof TEXTS)[number];

export type Flags = { [name in TextName]?: string } & { [name in (typeof BOOLEANS)[number]]?: boolean } & {
  missing?: string[];
  /** A file for `evaluate`, else only that it is there. */
  json?: string | boolean;
};

export interface Command {
  name: string;
  /** What is no option, in order. */
  values: readonly string[];
  flags: Flags;
}

/** Returns what to say when it is done. */
export type Run = (command: Command, progress: Progress) => Promise<string>;

export function readCommand(args: string[]): Command {
  const { values, positionals } = parse(args);
  const [name = '', ...rest] = positionals;
  return { name, values: rest, flags: { ...DEFAULTS, ...values } as Flags };
}

function parse(args: string[]): ReturnType<typeof parseArgs> {
  const options: NonNullable<ParseArgsConfig['options']> = {
    ...Object.fromEntries(TEXTS.map((name) => [name, { type: 'string' }])),
    ...Object.fromEntries(BOOLEANS.map((name) => [name, { type: 'boolean' }])),
    missing: { type: 'string', multiple: true },
    json: { type: args[0] === 'evaluate' ? 'string' : 'boolean' },
  };
  try {
    return parseArgs({ allowPositionals: true, options, args });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function needed(flags: Flags, name: TextName): string {
  const value = flags[name];
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
}

export function numberOf(flags: Flags, name: TextName): number {
  const value = needed(flags, name);
  if (value.trim() === '' || !Number.isFinite(Number(value)))
    throw new UsageError(`--${name}: ${value} is no number`);
  return Number(value);
}

/** A whole number, 0 or more. */
export function countOf(flags: Flags, name: TextName): number {
  const value = numberOf(flags, name);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`--${name}: ${value} is no whole number`);
  return value;
}
