import { SyntheticError } from '@twinkeep/synthetic/synthesize';
import { HELP, readCommand, UsageError, type Run } from './command.ts';
import { createProgress } from './progress.ts';

const tables = () => import('./commands/tables.ts');
const registry = () => import('./commands/registry.ts');

/** Each is read when it is asked for: a command starts as fast as what it needs. */
const COMMANDS: ReadonlyMap<string, () => Promise<Run>> = new Map([
  ['simulate', async () => (await import('./commands/simulate.ts')).simulate],
  ['split', async () => (await tables()).split],
  ['schema', async () => (await tables()).schema],
  ['fit', async () => (await import('./commands/fit.ts')).fit],
  ['fit-task', async () => (await import('./commands/federated.ts')).fitTask],
  ['sample', async () => (await import('./commands/sample.ts')).sample],
  ['evaluate', async () => (await import('./commands/evaluate.ts')).evaluate],
  ['convert', async () => (await tables()).convert],
  ['add', async () => (await registry()).add],
  ['list', async () => (await registry()).list],
  ['show', async () => (await registry()).show],
  ['diff', async () => (await registry()).diff],
  ['export', async () => (await registry()).exportRows],
]);

/** Runs the command and returns the exit status. */
export async function main(args: string[]): Promise<number> {
  const progress = createProgress(process.stderr, args.includes('--quiet'));
  try {
    const command = readCommand(args);
    if (command.flags.help === true) {
      process.stdout.write(HELP);
      return 0;
    }
    const load = COMMANDS.get(command.name);
    if (load === undefined)
      throw new UsageError(command.name === '' ? 'no command' : `no command ${command.name}`);
    const run = await load();
    const said = await run(command, progress);
    progress.clear();
    process.stdout.write(`${said}\n`);
    return 0;
  } catch (error) {
    progress.clear();
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
