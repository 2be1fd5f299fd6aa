/**
 * `npm run evidence`: what `npm start` left behind, shown to somebody who was not there. Takes an evidence pack about one customer and one model out of
 * the demo's coordinator, as its officer, and has it verified by the command that anybody uses.
 */
import { parseTrust, type Trust } from '@twinkeep/protocol';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createDisplay, type Display } from '../display.ts';
import { DemoError, explain } from '../errors.ts';
import { interruption, type Interruption } from '../interruption.ts';
import { commandScript } from '../programs.ts';
import { withServers } from '../servers.ts';
import { chooseCase } from './choose.ts';
import { answers, startAgain } from './coordinator.ts';

const HELP = `Usage: npm run evidence -- [--subject=PSEUDONYM] [--model=HASH] [--out DIR]

Whether a customer had consented when a model was trained, shown so that anybody can check it. Run it after
npm start -- --exit, in the same folder, or beside a running npm start.

  --subject=PSEUDONYM   whom it is about; a customer who contributed, unless you say
  --model=HASH          which model; the newest, unless you say
  --out DIR             where the pack and its page go; .twinkeep/evidence, unless you say
  --help                print this

Exit status: that of twinkeep-audit evidence. 0: verified; 1: not; 2: it could not be tried.
`;

interface Options {
  subject: string | undefined;
  model: string | undefined;
  out: string;
}

/** @returns the exit status */
export async function main(args: readonly string[]): Promise<number> {
  const interrupted = interruption();
  try {
    const options = readOptions(args);
    if (options === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    return await show(
      options,
      createDisplay(process.stdout, process.env, () => performance.now()),
      interrupted,
    );
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return interrupted.status() ?? 2;
  }
}

function readOptions(args: readonly string[]): Options | 'help' {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        subject: { type: 'string' },
        model: { type: 'string' },
        out: { type: 'string', default: join('.twinkeep', 'evidence') },
        help: { type: 'boolean', default: false },
      },
    });
    const { subject, model, out, help } = values;
    return help ? 'help' : { subject, model, out };
  } catch (error) {
    throw new DemoError('demo/usage', `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}

async function show(options: Options, display: Display, interrupted: Interruption): Promise<number> {
  const home = resolve('.twinkeep');
  const run = join(home, 'run');
  await readTrust(run);
  const running = await answers(run);
  if (running !== null) return take(options, run, running, display);
  return withServers(home, display, interrupted, async ({ adminUrl, processes }) => {
    const address = await display.step('Coordinator started again', () =>
      startAgain(run, adminUrl, processes),
    );
    return take(options, run, address, display);
  });
}

async function take(
  { subject, model, out }: Options,
  run: string,
  { url, databaseUrl }: { url: string; databaseUrl: string },
  display: Display,
): Promise<number> {
  const found = await chooseCase(databaseUrl, { subject, model });
  display.heading(`A pack about one customer, and a model that was made in ${found.rounds} rounds`);
  const officer = join(run, 'officer');
  const status = await runAudit([
    'evidence',
    ...['--subject', found.subject, '--model', found.model],
    ...['--out', out, '--reason', 'npm run evidence'],
    ...['--trust', join(run, 'trust.json'), '--url', url],
    ...['--credential', join(officer, 'credential.jwt'), '--key', join(officer, 'key.json')],
  ]);
  if (status !== 2) {
    const page = relative('.', join(out, 'evidence.html'));
    display.line(`\nOpen ${page} in a browser: it verifies the pack again, without a network. Or:`);
    display.line(
      `npx --no-install twinkeep-audit verify-pack ${out} --trust ${relative('.', join(run, 'trust.json'))}`,
    );
  }
  return status;
}

async function readTrust(run: string): Promise<Trust> {
  try {
    return parseTrust(JSON.parse(await readFile(join(run, 'trust.json'), 'utf8')));
  } catch {
    throw new DemoError(
      'demo/usage',
      'There is no demo here to take evidence of. Run "npm start -- --exit" first, in this folder.',
    );
  }
}

function runAudit(args: readonly string[]): Promise<number> {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [commandScript('twinkeep-audit'), ...args], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
