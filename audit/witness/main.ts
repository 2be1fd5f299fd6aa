/** The command: reads one file, runs until it is told to stop. */
import { TwinkeepError } from '@twinkeep/audit';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describe } from './app.ts';
import { readConfig } from './config.ts';
import { generateKey, initWitness } from './init.ts';
import { startWitness } from './start.ts';

const HELP = `twinkeep-witness: cosigns the checkpoints of transparency logs, each only if it continues the last

  twinkeep-witness init --config FILE      make the key and bind the database to it, print what goes into trust files
                    [--unused-key]         the key that is there has never cosigned anything
  twinkeep-witness keygen --config FILE    make the key only
  twinkeep-witness serve --config FILE     run until told to stop

The file is described in docs/run-a-witness.md. Structured logs go to stdout, one JSON object per line.
Exit codes: 0 stopped, 1 could not start, 2 wrong arguments.
`;

export async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  if (command === null) {
    process.stderr.write(HELP);
    process.exitCode = 2;
  } else if (command.kind === 'help') process.stdout.write(HELP);
  else await run(command);
}

type Command =
  | { kind: 'help' }
  | { kind: 'keygen' | 'serve'; file: string }
  | { kind: 'init'; file: string; unusedKey: boolean };

function parseCommand(args: readonly string[]): Command | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        'unused-key': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) return { kind: 'help' };
    const [kind, ...rest] = positionals;
    const { config: file, 'unused-key': unusedKey } = values;
    if (rest.length > 0 || file === undefined) return null;
    if (kind === 'init') return { kind, file, unusedKey: unusedKey === true };
    return (kind === 'keygen' || kind === 'serve') && unusedKey === undefined ? { kind, file } : null;
  } catch {
    return null;
  }
}

async function run(command: Exclude<Command, { kind: 'help' }>): Promise<void> {
  const { file } = command;
  try {
    if (command.kind === 'serve') await serve(file);
    else print(command.kind === 'init' ? await initWitness(file, command) : await generateKey(file));
  } catch (error) {
    const why =
      error instanceof TwinkeepError ? `${error.code}: ${error.message}` : JSON.stringify(describe(error));
    process.stderr.write(`twinkeep-witness: ${why}\n`);
    process.exitCode = 1;
    // A parent that waits for us over IPC would otherwise keep us alive.
    if (process.connected) process.disconnect();
  }
}

async function serve(file: string): Promise<void> {
  const config = await readConfig(file);
  const log = pino({ level: config.logLevel, base: { party: 'witness', name: config.name } });
  const { host, port, name, vkey, stop } = await startWitness(config, { log });
  log.info({ host, port, vkey }, 'listening');
  stopOnSignals(async () => {
    await stop();
    log.info('stopped');
  });
  process.send?.({ type: 'ready', host, port, name, vkey });
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
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
