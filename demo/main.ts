/** `npm start`: the whole house on one machine, told from its start to what it is worth and what it protects. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { HELP, readOptions, type DemoOptions } from './cli.ts';
import { fileCustomers } from './customers/file.ts';
import type { Customers } from './customers/customers.ts';
import { telecomCustomers } from './customers/telecom.ts';
import { createDisplay, type Display } from './display.ts';
import { DemoError, explain } from './errors.ts';
import { summarize } from './figures.ts';
import { interruption, type Interruption } from './interruption.ts';
import { goOn, isForVisitors, openLive, pageLines } from './live.ts';
import { partition } from './partition.ts';
import { HELPERS, WITNESSES } from './parties.ts';
import { runSplit, type Stage, type ToldSplit } from './split.ts';
import { readKeptState, type RunState } from './state.ts';
import { statementText } from './statement.ts';
import { figuresTable } from './table.ts';
import { withServers } from './servers.ts';

const HOME = '.twinkeep';

/** @returns the exit status */
export async function main(args: readonly string[]): Promise<number> {
  const interrupted = interruption();
  let told = false;
  try {
    const options = readOptions(args);
    if (options === 'help') process.stdout.write(HELP);
    else {
      const display = createDisplay(process.stdout, process.env, () => performance.now());
      await show(options, display, interrupted, () => (told = true));
    }
    return 0;
  } catch (error) {
    // Once everything is told, Ctrl-C is how the demo ends.
    if (told && interrupted.status() === 128 + constants.signals.SIGINT) return 0;
    process.stderr.write(`${explain(error)}\n`);
    return interrupted.status() ?? (error instanceof DemoError && error.code === 'demo/usage' ? 2 : 1);
  }
}

/** @param onTold called after the table */
async function show(
  options: DemoOptions,
  display: Display,
  interrupted: Interruption,
  onTold: () => void,
): Promise<void> {
  const home = resolve(HOME);
  const folder = join(home, 'run');
  const kept = options.keep ? await readKeptState(folder, options) : null;
  const customers = await openCustomers(options, kept?.madeAt ?? Date.now());
  // What cannot work is refused before anything is started.
  partition(customers.size, options.nodes, '');
  if (options.json !== null) await requireFolderOf(options.json);

  display.heading(
    `Twinkeep: ${customers.title}, ${options.nodes} region nodes, ${HELPERS} mask helpers, one coordinator, ${WITNESSES} witnesses of its log`,
  );
  display.line('One operator, you, runs all of them on this machine. Logs are in .twinkeep/run/logs.');
  await mkdir(home, { recursive: true });
  const live = isForVisitors(options) ? await openLive(options.nodes) : null;
  if (live !== null) for (const line of pageLines(live)) display.line(line);
  try {
    await withServers(home, display, interrupted, async (servers) => {
      const splits = await runSplits({ options, customers, folder, display, live, ...servers }, kept);
      await tell(options, display, splits);
      onTold();
      const last = splits.at(-1);
      if (live !== null && last !== undefined) await goOn(live, last, servers.processes, display);
    });
  } finally {
    await live?.close();
  }
}

async function runSplits(stage: Stage, kept: RunState | null): Promise<ToldSplit[]> {
  const { options, display } = stage;
  const told: ToldSplit[] = [];
  for (let split = 1; split <= options.splits; split++) {
    if (options.splits > 1) display.heading(`\nSplit ${split} of ${options.splits}`);
    told.push(await runSplit(stage, split, kept));
  }
  return told;
}

async function tell(options: DemoOptions, display: Display, splits: ToldSplit[]): Promise<void> {
  const figures = summarize(splits.map((split) => split.figures));
  display.line(`\n${figuresTable(figures, options.nodes)}\n`);
  const last = splits.at(-1);
  if (last !== undefined) display.line(`${statementText(last.task, last.world.parties.trust)}\n`);
  if (options.json === null) return;
  await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  display.line(`The table is in ${options.json}.`);
}

async function openCustomers(options: DemoOptions, madeAt: number): Promise<Customers> {
  return options.file === null
    ? telecomCustomers(options.customers, options.seed, madeAt)
    : fileCustomers(options.file, madeAt);
}

async function requireFolderOf(file: string): Promise<void> {
  try {
    await access(dirname(resolve(file)));
  } catch {
    throw new DemoError('demo/usage', `--json: there is no folder ${dirname(resolve(file))}.`);
  }
}
