/** Composition: configuration -> a running witness. All it knows is in its database, so a start after a crash is a start. */
import { createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createApp, describe } from './app.ts';
import { originOf, readSigner, type WitnessConfig } from './config.ts';
import { createCosigner, type Step } from './cosigner.ts';
import { requireBinding } from './store/bind.ts';
import { openDatabase } from './store/database.ts';
import { addOrigins } from './store/heads.ts';

export interface Witness {
  host: string;
  port: number;
  name: string;
  vkey: string;
  /** Answers what is under way and gives back the database, within two seconds. */
  stop(): Promise<void>;
}

/** What a composition may replace; `main.ts` replaces nothing but the log. */
export interface Surroundings {
  log: Logger;
  /** Milliseconds since 1970. */
  clock?: () => number;
  observe?: (step: Step) => void;
}

/** @throws WitnessError 'store/new' or 'store/foreign' where the database is not this witness's, 'config/…' for its key */
export async function startWitness(
  config: WitnessConfig,
  { log, clock = Date.now, observe }: Surroundings,
): Promise<Witness> {
  const { name, listen } = config;
  const signer = await readSigner(config.keyFile);
  const vkey = noteKeyToVkey(createNoteKey(name, signer.publicKey, 'cosignature'));
  const logs = new Map(config.logs.map((each) => [originOf(each), each]));
  const origins = [...logs.keys()];
  const db = openDatabase(config.databaseUrl, (error) =>
    log.warn({ err: describe(error) }, 'database connection lost'),
  );
  try {
    await requireBinding(db, vkey);
    await addOrigins(db, origins);
    const addCheckpoint = createCosigner({ db, name, signer, logs, clock, log, observe });
    const server = createServer(createApp({ db, addCheckpoint, origins, log }));
    const { port } = await listenOn(server, listen);
    const stop = async (): Promise<void> => {
      await close(server);
      await db.destroy();
    };
    return { host: listen.host, port, name, vkey, stop };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

const KEEP_ALIVE_MILLIS = 65_000;
const REQUEST_MILLIS = 10_000;
const CLOSE_MILLIS = 1_000;

function listenOn(server: Server, { host, port }: WitnessConfig['listen']): Promise<AddressInfo> {
  server.keepAliveTimeout = KEEP_ALIVE_MILLIS;
  server.headersTimeout = REQUEST_MILLIS;
  server.requestTimeout = REQUEST_MILLIS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MILLIS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
