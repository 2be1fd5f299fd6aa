/** What both command lines do alike: read arguments, print a result as JSON, and an error as one plain line. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { TwinkeepError } from '@twinkeep/audit';
import { RegionError } from '../errors.ts';

export type Options = Record<string, string | undefined>;

/** @returns an exit status: 0, 1 where it failed, 2 where the command line is not one of the documented ones */
export async function runCommand(
  program: string,
  help: string,
  commands: Readonly<Record<string, (options: Options) => Promise<unknown>>>,
  args: readonly string[],
): Promise<number> {
  try {
    if (args.includes('--help') || args.length === 0) {
      process.stdout.write(help);
      return args.length === 0 ? 2 : 0;
    }
    const command = commands[args[0] ?? ''];
    if (command === undefined) throw new RegionError('cli/usage', `there is no command ${args[0]}`);
    const result = await command(readOptions(args.slice(1)));
    if (result !== undefined) process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof TwinkeepError)) {
      process.stderr.write(`${program}: ${plainWords(error)}\n`);
      return 1;
    }
    process.stderr.write(`${program}: ${error.message} (${error.code})\n`);
    if (error.code !== 'cli/usage') return 1;
    process.stderr.write(`Try: ${program} --help\n`);
    return 2;
  }
}

/** @throws RegionError 'cli/usage' */
export function need(options: Options, name: string): string {
  const value = options[name];
  if (value === undefined || value === '') throw new RegionError('cli/usage', `--${name} is missing`);
  return value;
}

const KNOWN = ['config', 'data', 'mapping', 'events', 'consent', 'customer', 'subject', 'evidence', 'task'];

function readOptions(args: string[]): Options {
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    KNOWN.map((name) => [name, { type: 'string' as const }]),
  );
  try {
    return parseArgs({ args, options }).values as Options;
  } catch (error) {
    throw new RegionError('cli/usage', (error as Error).message, { cause: error });
  }
}

/** Of a database that cannot be reached, or a bug: what is known, without a stack of ours. */
function plainWords(error: unknown): string {
  const { message, code, errors } = error as {
    message?: string;
    code?: string;
    errors?: { message: string }[];
  };
  return message || errors?.[0]?.message || code || String(error);
}
