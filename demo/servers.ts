/** What lives as long as the demo: the database server and the parties' processes. However the demo ends, they end with it. */
import { join } from 'node:path';
import type { Display } from './display.ts';
import { DemoError } from './errors.ts';
import type { Interruption } from './interruption.ts';
import { HELPERS } from './parties.ts';
import { startPostgres } from './postgres/index.ts';
import { createProcesses, type Processes } from './processes.ts';

export interface Servers {
  adminUrl: string;
  processes: Processes;
}

/** Helpers that a round needs, and reports. */
const FEWEST_HELPERS = 3;
const FEWEST_NODES = 2;

export async function withServers<T>(
  home: string,
  nodes: number,
  display: Display,
  interrupted: Interruption,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  const starting = startPostgres(join(home, 'postgres'));
  const ruin = ruinWatch(nodes, display);
  const processes = createProcesses(join(home, 'run', 'logs'), ruin.onEnd);
  try {
    return await Promise.race([
      interrupted.asked,
      ruin.ruined,
      (async () => {
        const { adminUrl } = await display.step(
          'PostgreSQL started in .twinkeep/postgres',
          () => starting,
          ({ takenOver }) =>
            takenOver ? 'took over the one that an earlier run left behind' : 'a new server process',
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

/** A node that ends is a dropout, and so is one of the helpers; what the others cannot make up for ends the demo. */
function ruinWatch(
  nodes: number,
  display: Display,
): { onEnd: (name: string, how: string) => void; ruined: Promise<never> } {
  const left = { node: nodes, helper: HELPERS };
  let ruin: (error: Error) => void = () => undefined;
  const ruined = new Promise<never>((_, reject) => (ruin = reject));
  ruined.catch(() => undefined);
  const onEnd = (name: string, how: string): void => {
    if (name.startsWith('node')) left.node--;
    if (name.startsWith('helper')) left.helper--;
    const hopeless = name === 'coordinator' || left.node < FEWEST_NODES || left.helper < FEWEST_HELPERS;
    if (hopeless)
      ruin(
        new DemoError(
          'demo/party',
          `${name} ${how}, and without it no round can end. Its log is in .twinkeep/run/logs.`,
        ),
      );
    else display.line(`  ${name} ${how}. The others go on without it.`);
  };
  return { onEnd, ruined };
}
