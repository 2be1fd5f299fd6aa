/**
 * Composition: configuration -> a running coordinator. It keeps nothing in memory that it could not read again, so starting is the same after
 * a clean stop and after a crash: migrate, check the log against its signed head, go on with the rounds where their rows stand.
 */
import { base64UrlToBytes, createNoteKey, noteKeyToVkey, openLog, vkeyToNoteKey } from '@twinkeep/audit';
import { importSigningKey, randomBytes, sodiumReady, verifyDetached } from '@twinkeep/protocol';
import { hkdfSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { CoordinatorConfig } from './config.ts';
import { createConsentLedger } from './consents/ledger.ts';
import { createConsents } from './consents/services.ts';
import { CoordinatorError } from './errors.ts';
import { createAuth } from './http/auth.ts';
import { createNonces } from './http/nonce.ts';
import { describe } from './http/problem.ts';
import { createWaitingRoom } from './http/wait.ts';
import { createJournal, nativeSha256, type Journal } from './log/journal.ts';
import { createStatements } from './log/statements.ts';
import { startWitnessing } from './log/witnesses.ts';
import { createRegistry } from './models/registry.ts';
import type { RoundDeps } from './rounds/deps.ts';
import { startTicker } from './rounds/ticker.ts';
import { startForwarding } from './siem/forward.ts';
import { createSecurityEventReader } from './siem/read.ts';
import { createSink } from './siem/receiver.ts';
import { openDatabase } from './store/database.ts';
import { listenForWakes } from './store/listen.ts';
import { createLogStore } from './store/log-store.ts';
import { migrate } from './store/migrate.ts';
import { createRunTx, type TxObserver } from './store/tx.ts';
import { openVault } from './store/vault.ts';

export interface Coordinator {
  host: string;
  port: number;
  /** Answers what is under way, gives back the database, within two seconds. */
  stop(): Promise<void>;
}

/** What a composition may replace; `main.ts` replaces nothing. */
export interface Surroundings {
  log: Logger;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** Stands around the log. A benchmark measures what is left without one. */
  journal?: (journal: Journal) => Journal;
  /** Sees every transaction just before and just after it commits; a throw is to the rest what a crash there is. */
  observe?: TxObserver;
}

/**
 * @throws CoordinatorError 'config/key-mismatch' where a key is not the one that the trust file names, or that sealed the database
 * @throws AuditError 'log/disagrees' where the stored log is not the one that was signed: a person has to look
 */
export async function startCoordinator(
  config: CoordinatorConfig,
  surroundings: Surroundings,
): Promise<Coordinator> {
  const { log, clock = Date.now } = surroundings;
  await sodiumReady;
  const { key, logKey, origin } = await importKeys(config);
  requireWitnessAddresses(config);
  const onError = (what: string, error: unknown): void =>
    log.error({ what, err: describe(error) }, 'background work failed');

  const parts = createParts();
  try {
    const db = openDatabase(config.databaseUrl, (error) =>
      log.warn({ err: describe(error) }, 'database connection lost'),
    );
    parts.add(() => db.destroy());
    await migrate(db);
    const store = createLogStore(db);
    const { head } = await openLog({
      store,
      signer: logKey,
      origin,
      hash: nativeSha256,
      verify: verifyDetached,
    });
    log.info({ logSize: (await head())?.size ?? 0 }, 'the log agrees with its signed head');

    const { witnesses } = config.trust;
    const { journal: around = (log) => log } = surroundings;
    const journal = around(createJournal({ signer: logKey, origin, random: randomBytes, witnesses }));
    const onRetry = (name: string, code: string): void => log.info({ name, code }, 'transaction tried again');
    const vault = await openVault(db, config.vaultKey, randomBytes);
    const runTx = createRunTx({ db, onRetry, observe: surroundings.observe });
    const ledger = createConsentLedger(vault);
    const statements = createStatements(journal);
    const registry = createRegistry();
    const { trust, publicUrl, allowedOrigins } = config;
    const rounds: RoundDeps = {
      db,
      runTx,
      journal,
      statements,
      registry,
      ledger,
      vault,
      trust,
      key,
      clock,
      random: randomBytes,
    };

    const room = createWaitingRoom(db, (error) => onError('long poll', error), config);
    parts.add(room.stop);
    const onLost = (error: unknown): void =>
      log.warn({ err: describe(error) }, 'wake-ups lost, polling goes on');
    const witnessing =
      config.trust.witnesses === null
        ? null
        : startWitnessing({
            db,
            runTx,
            journal,
            policy: config.trust.witnesses,
            addresses: config.witnesses ?? [],
            clock,
            log,
            onError,
          });
    if (witnessing !== null) parts.add(witnessing.stop);
    const readEvents = createSecurityEventReader(journal, vault);
    const forwarders = (config.siem ?? []).map((receiver) =>
      startForwarding({
        name: receiver.name,
        sink: createSink(receiver, origin, clock),
        runTx,
        read: readEvents,
        onError,
      }),
    );
    for (const { stop } of forwarders) parts.add(stop);
    const onWake = (): void => {
      room.wake();
      witnessing?.wake();
      for (const forwarder of forwarders) forwarder.wake();
    };
    const listener = await listenForWakes(config.databaseUrl, onWake, onLost);
    parts.add(listener.stop);
    const ticker = startTicker(rounds, onError);
    parts.add(ticker.stop);

    const auth = createAuth({
      db,
      trust,
      nonces: createNonces(nonceSecret(config.key.d), clock),
      publicUrl,
      clock,
    });
    const { gpcStopsTraining = false } = config;
    const consents = await createConsents({ ...rounds, gpcStopsTraining });
    const bumping = consents.start(onError);
    parts.add(bumping.stop);
    const server = createServer(
      createApp({ rounds, consents, readEvents, auth, room, publicUrl, allowedOrigins, log }),
    );
    const address = await listen(server, config.listen);
    parts.add(() => close(server));
    // Those who wait get their answer, and the server can close.
    parts.add(room.stop);
    return { host: config.listen.host, port: address.port, stop: parts.stop };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** What was started is stopped in the opposite order, also where a later part could not be started. */
function createParts(): { add(stop: () => unknown): void; stop(): Promise<void> } {
  const stops: (() => unknown)[] = [];
  return {
    add: (stop) => {
      stops.push(stop);
    },
    stop: async () => {
      for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
    },
  };
}

/** A coordinator that signs with other keys than its users pinned would work, and be refused by everyone. */
async function importKeys({ key, logKey, trust }: CoordinatorConfig) {
  const signing = await importSigningKey(key);
  if (signing.id !== trust.coordinator.key)
    throw new CoordinatorError(
      'config/key-mismatch',
      'keyFile is not the key that the trust file names as coordinator.key',
    );
  const log = await importSigningKey(logKey);
  const { name: origin } = vkeyToNoteKey(trust.log.vkey);
  if (noteKeyToVkey(createNoteKey(origin, log.publicKey)) !== trust.log.vkey)
    throw new CoordinatorError(
      'config/key-mismatch',
      'logKeyFile is not the key that the trust file names as log.vkey',
    );
  return { key: signing, logKey: log, origin };
}

/** A witness without an address, or an address without a pinned key, would be found out only when it is missed. */
function requireWitnessAddresses({ trust, witnesses = [] }: CoordinatorConfig): void {
  const known = trust.witnesses?.witnesses.map(({ name }) => name) ?? [];
  const addressed = witnesses.map(({ name }) => name);
  if (addressed.toSorted().join('\n') !== known.toSorted().join('\n'))
    throw new CoordinatorError(
      'config/invalid',
      'witnesses: an address for each witness that the trust file names, and for no other',
    );
}

/** From the private key, so that all processes of a coordinator share it and no file more has to be kept secret. */
function nonceSecret(d: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', base64UrlToBytes(d), '', 'twinkeep/1/dpop-nonce', 32));
}

/** Longer than any long poll, so that proxies and clients, not we, decide when an idle connection ends. */
const KEEP_ALIVE_MILLIS = 65_000;
const REQUEST_MILLIS = 60_000;

function listen(server: Server, { host, port }: CoordinatorConfig['listen']): Promise<AddressInfo> {
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

const CLOSE_MILLIS = 1_000;

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
