/** The command: reads one file, runs until it is told to stop. */
import { TwinkeepError } from '@twinkeep/audit';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { readConfig } from './config.ts';
import { runFsck } from './fsck/command.ts';
import { describe } from './http/problem.ts';
import { initKeys } from './init.ts';
import { startCoordinator } from './start.ts';

const HELP = `twinkeep-coordinator: rounds, masked sums, model registry, consent and audit endpoints

  twinkeep-coordinator init --config FILE --origin NAME   make the key files that are not there yet, print what goes into
                                                          everyone's trust file; NAME is the log's, like bank.example/twinkeep
  twinkeep-coordinator serve --config FILE                run until told to stop
  twinkeep-coordinator fsck --config FILE [--json]        check the log and all that it vouches for, row by row; changes nothing,
                                                          and may run beside the coordinator

The file is described in docs/operate-coordinator.md. Structured logs go to stdout, one JSON object per line.
Exit codes: 0 stopped, or nothing found; 1 could not start, or something found; 2 wrong arguments.
`;

export async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  if (command === null) {
    process.stderr.write(HELP);
    process.exitCode = 2;
  } else if (command.kind === 'help') process.stdout.write(HELP);
  else if (command.kind === 'init') await init(command);
  else if (command.kind === 'fsck') await fsck(command);
  else await serve(command.file);
}

type Command =
  | { kind: 'help' }
  | { kind: 'init'; file: string; origin: string }
  | { kind: 'serve'; file: string }
  | { kind: 'fsck'; file: string; json: boolean };

function parseCommand(args: readonly string[]): Command | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        origin: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) return { kind: 'help' };
    const [name, ...rest] = positionals;
    const { config: file, origin, json = false } = values;
    if (rest.length > 0 || file === undefined) return null;
    if (name === 'fsck' && origin === undefined) return { kind: 'fsck', file, json };
    if (json) return null;
    if (name === 'serve' && origin === undefined) return { kind: 'serve', file };
    return name === 'init' && origin !== undefined ? { kind: 'init', file, origin } : null;
  } catch {
    return null;
  }
}

async function init({ file, origin }: { file: string; origin: string }): Promise<void> {
  try {
    process.stdout.write(`${JSON.stringify(await initKeys(file, origin), null, 2)}\n`);
  } catch (error) {
    fail(error);
  }
}

async function fsck({ file, json }: { file: string; json: boolean }): Promise<void> {
  try {
    if (!(await runFsck(await readConfig(file), json))) process.exitCode = 1;
  } catch (error) {
    fail(error);
  }
}

async function serve(file: string): Promise<void> {
  try {
    const config = await readConfig(file);
    const log = pino({ level: config.logLevel, base: { party: 'coordinator' } });
    const coordinator = await startCoordinator(config, { log });
    log.info({ host: coordinator.host, port: coordinator.port }, 'listening');
    stopOnSignals(async () => {
      await coordinator.stop();
      log.info('stopped');
    });
    process.send?.({ type: 'ready', host: coordinator.host, port: coordinator.port });
  } catch (error) {
    fail(error);
    // A parent that waits for us over IPC would otherwise keep us alive.
    if (process.connected) process.disconnect();
  }
}

function fail(error: unknown): void {
  const why =
    error instanceof TwinkeepError ? `${error.code}: ${error.message}` : JSON.stringify(describe(error));
  process.stderr.write(`twinkeep-coordinator: ${why}\n`);
  process.exitCode = 1;
}

const STOP_MILLIS = 2_000;

/** Also where the parent that started us over IPC has gone: nobody would end us any more. */
function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  const once = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), STOP_MILLIS).unref();
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', once);
  process.on('SIGINT', once);
  if (process.connected) process.on('disconnect', once);
}
