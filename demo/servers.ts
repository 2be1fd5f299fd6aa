/** What lives as long as the demo: the database server and the parties' processes. However the demo ends, they end with it. */
import { join } from 'node:path';
import type { Display } from './display.ts';
import { DemoError } from './errors.ts';
import type { Interruption } from './interruption.ts';
import { startPostgres } from './postgres/index.ts';
import { createProcesses, type Processes, type Program } from './processes.ts';

export interface Servers {
  adminUrl: string;
  processes: Processes;
}

/** Longer than a round waits for reports, so that a node that ends is seen to be missing once. */
const NODE_RESTART_MS = 16_000;
/** Nodes, helpers and the demo itself try for several seconds to reach a coordinator. */
const RESTART_MS = 1_000;
const MAX_RESTARTS = 3;

export async function withServers<T>(
  home: string,
  display: Display,
  interrupted: Interruption,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  const starting = startPostgres(join(home, 'postgres'));
  const watch = createWatch(display, async (program) => {
    // It may have been told to stop meanwhile, or to do something else.
    if (!processes.lacks(program.name)) return false;
    await processes.start(program);
    return true;
  });
  const processes = createProcesses(join(home, 'run', 'logs'), watch.onEnd);
  try {
    return await Promise.race([
      interrupted.asked,
      watch.ruined,
      (async () => {
        const { adminUrl } = await display.step(
          'PostgreSQL started',
          () => starting,
          ({ folder, takenOver }) =>
            takenOver ? `took over the one that an earlier run left behind in ${folder}` : `in ${folder}`,
        );
        return work({ adminUrl, processes });
      })(),
    ]);
  } finally {
    await processes.close();
    await starting.then(
      (server) => server.stop(),
      () => undefined,
    );
  }
}

/** Starts a party again that ended, as a service manager would. Rounds go on meanwhile: its report is missing from a sum. */
function createWatch(
  display: Display,
  restart: (program: Program) => Promise<boolean>,
): { onEnd: (program: Program, how: string) => void; ruined: Promise<never> } {
  const restarts = new Map<string, number>();
  let ruin: (error: unknown) => void = () => undefined;
  const ruined = new Promise<never>((_, reject) => (ruin = reject));
  ruined.catch(() => undefined);

  async function bringBack(program: Program): Promise<void> {
    try {
      if (await restart(program)) display.line(`  ${program.name} is back.`);
    } catch (error) {
      // What it needs may itself be on its way back.
      if (error instanceof DemoError && error.code === 'demo/party') onEnd(program, 'ended again');
      else ruin(error);
    }
  }

  function onEnd(program: Program, how: string): void {
    const { name } = program;
    const before = restarts.get(name) ?? 0;
    restarts.set(name, before + 1);
    if (before === MAX_RESTARTS) {
      ruin(
        new DemoError(
          'demo/party',
          `${name} ${how} for the ${before + 1}th time. See its log in .twinkeep/run/logs.`,
        ),
      );
      return;
    }
    const wait = name.startsWith('node') ? NODE_RESTART_MS : RESTART_MS;
    display.line(`  ${name} ${how}. It is started again in ${wait / 1_000} s; the others go on.`);
    setTimeout(() => void bringBack(program), wait).unref();
  }
  return { onEnd, ruined };
}
