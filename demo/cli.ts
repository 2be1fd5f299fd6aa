/** The command line of `npm start`. */
import { parseArgs } from 'node:util';
import type { AskedPrivacy } from './customers/customers.ts';
import { DemoError } from './errors.ts';
import { MIN_CUSTOMERS_PER_NODE } from './partition.ts';

export const HELP = `Usage: npm start -- [options]

Runs everything that Twinkeep has on this machine: a PostgreSQL server, a coordinator, three witnesses of its
log, four mask helpers and ten region nodes; trains one churn model on customers that stay at their nodes, and
compares it.

  --data FILE        train on the rows of this CSV file instead of synthetic customers
  --mapping FILE     what its columns are (see docs/import.md); goes with --data
  --splits N         repeat over N random splits of the customers; mean and spread at the end
  --json FILE        write the final table to this file
  --seed N           another population, split and first weights (keys and masks never follow from it)
  --rounds N         training rounds; default 60, or what the mapping says
  --nodes N          region nodes; default 10
  --customers N      synthetic customers; default 5000
  --epsilon E        differential privacy of each customer over the whole task: default 8; "none": exact sums
  --delta D          goes with it; default 0.00001
  --participations N most rounds that a customer trains in; default: all. Fewer cost less noise, and end the training
  --exit             end after the table; --data, --splits and --json do so too
  --keep             go on with what an earlier run left in ./.twinkeep/ instead of starting afresh
  --help             print this

Two pages are served meanwhile and afterwards, until Ctrl-C: a customer's page with a twin in the browser, and
the status of the rounds.

Ctrl-C ends every process. Exit status: 0 if all went well, 1 if not, 2 if it could not be tried, 130 after Ctrl-C.
`;

export interface DemoOptions {
  /** null: synthetic customers. */
  file: { data: string; mapping: string } | null;
  splits: number;
  json: string | null;
  seed: number;
  /** null: as the task says. */
  rounds: number | null;
  nodes: number;
  customers: number;
  privacy: AskedPrivacy;
  keep: boolean;
  /** End after the table. */
  exit: boolean;
}

/** @throws DemoError 'demo/usage' */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const number = (
    name: 'splits' | 'seed' | 'rounds' | 'nodes' | 'customers' | 'participations',
    min: number,
    max: number,
  ): number | null => (values[name] === undefined ? null : readInteger(`--${name}`, values[name], min, max));
  const real = (name: 'epsilon' | 'delta', min: number, max: number): number | null =>
    values[name] === undefined ? null : readReal(`--${name}`, values[name], min, max);
  const options: DemoOptions = {
    file: readFiles(values.data, values.mapping),
    splits: number('splits', 1, 1_000) ?? 1,
    json: values.json ?? null,
    seed: number('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
    rounds: number('rounds', 1, 100_000),
    // Two reports are the fewest that a sum may open.
    nodes: number('nodes', 2, 100) ?? 10,
    customers: number('customers', 1, 1_000_000) ?? 5_000,
    privacy: {
      epsilon: values.epsilon === 'none' ? 'none' : real('epsilon', 0.01, 100),
      delta: real('delta', 1e-12, 0.01),
      participations: number('participations', 1, 100_000),
    },
    keep: values.keep === true,
    exit: values.exit === true,
  };
  if (options.file !== null && values.customers !== undefined)
    throw usage('--customers is for synthetic customers; with --data the file says how many there are');
  if (options.file === null && options.customers < options.nodes * MIN_CUSTOMERS_PER_NODE)
    throw usage(
      `--customers: ${options.nodes} nodes need at least ${options.nodes * MIN_CUSTOMERS_PER_NODE} customers`,
    );
  const { epsilon, delta, participations } = options.privacy;
  if (epsilon === 'none' && (delta !== null || participations !== null))
    throw usage('--epsilon none adds no noise; leave out --delta and --participations');
  if (options.keep && options.splits > 1) throw usage('--keep goes on with one split; leave out --splits');
  return options;
}

function readFiles(data: string | undefined, mapping: string | undefined): DemoOptions['file'] {
  if (data === undefined && mapping === undefined) return null;
  if (data === undefined) throw usage('--mapping says what the columns of --data FILE are; give both');
  if (mapping === undefined)
    throw usage('--data needs --mapping FILE, which says what its columns are (see docs/import.md)');
  return { data, mapping };
}

function readInteger(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usage(`${name}: ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`);
}

function readReal(name: string, text: string, min: number, max: number): number {
  const value = /^[0-9.e-]{1,16}$/i.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usage(`${name}: ${JSON.stringify(text)} is not a number from ${min} to ${max}`);
}

const OPTIONS = {
  data: { type: 'string' },
  mapping: { type: 'string' },
  splits: { type: 'string' },
  json: { type: 'string' },
  seed: { type: 'string' },
  rounds: { type: 'string' },
  nodes: { type: 'string' },
  customers: { type: 'string' },
  epsilon: { type: 'string' },
  delta: { type: 'string' },
  participations: { type: 'string' },
  keep: { type: 'boolean' },
  exit: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): DemoError {
  return new DemoError('demo/usage', `${message}\nTry: npm start -- --help`);
}
