/** Wake-ups between processes: a connection of its own that LISTENs. It may break and miss some; whoever waits polls as well. */
import pg from 'pg';
import { WAKE_CHANNEL } from './revisions.ts';

const RECONNECT_MILLIS = 500;

export interface Listener {
  stop(): Promise<void>;
}

/** Resolves once it listens for the first time. @throws where the database cannot be reached at all */
export async function listenForWakes(
  url: string,
  onWake: () => void,
  onLost: (error: unknown) => void,
): Promise<Listener> {
  let stopped = false;
  let client: pg.Client | null = null;

  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, application_name: 'twinkeep-coordinator-listen' });
    next.on('notification', onWake);
    next.on('error', onLost);
    next.once('end', () => {
      if (!stopped) setTimeout(reconnect, RECONNECT_MILLIS);
    });
    await next.connect();
    await next.query(`listen ${WAKE_CHANNEL}`);
    client = next;
  };
  const reconnect = (): void => {
    if (stopped) return;
    // Whatever was missed meanwhile is found by looking once.
    connect().then(onWake, (error: unknown) => {
      onLost(error);
      setTimeout(reconnect, RECONNECT_MILLIS);
    });
  };

  await connect();
  return {
    stop: async () => {
      stopped = true;
      await client?.end();
    },
  };
}
