/**
 * The mask helper as a process: an outbound client without a port of its own. Its operator answers for one thing, that this key
 * lends a sum of masks to one set of a round at most; everything else may fail and be tried again.
 */
import {
  isPassing,
  createTransport,
  fetchConsistency,
  fetchLogEntries,
  fetchTask,
  pollWork,
  submitAck,
  submitClose,
  submitCosignature,
  submitEpoch,
  submitReady,
  submitSums,
} from '@twinkeep/edge-client/fleet';
import { ProblemError, randomBytes, sodiumReady, type SigningKey, type Trust } from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import { readHelperConfig, readJson, readKey, readTrust, type HelperConfig } from '../process/config.ts';
import { openDatabase } from '../process/database.ts';
import { announceReady, pause } from '../process/lifecycle.ts';
import { createLogger, errorFields, type Logger } from '../process/logger.ts';
import type { HelperPolicy } from './check.ts';
import { createDuties, type DutyDeps, type HelperSink } from './duties.ts';
import { currentEpoch } from './epoch.ts';
import type { LogSource } from './follow-log.ts';
import type { HelperTables } from './schema.ts';
import { createHelperSeal, privatePart } from './seal.ts';
import { openHelperStore, type HelperStore } from './store.ts';
import { createMaskThreads, type MaskThreads } from './threads.ts';

export interface HelperParts {
  j: number;
  minReports: number;
  privacy: HelperPolicy['privacy'];
  trust: Trust;
  key: SigningKey;
  store: HelperStore;
  masks: MaskThreads;
  coordinatorUrl: string;
  fetch: typeof globalThis.fetch;
  clock: () => number;
  log: Logger;
}

/** Waits between tries after a failure, in milliseconds. */
const RETRY_MILLIS = 1_000;
const IDLE_MILLIS = 100;

/** `twinkeep-helper run`. @throws RegionError where it cannot start */
export async function runHelper(configFile: string, stop: AbortSignal): Promise<void> {
  const parts = await openHelper(await readHelperConfig(configFile));
  // A sum that is under way is broken off: its flag is durable, and the next start answers.
  stop.addEventListener('abort', () => void parts.masks.close(), { once: true });
  try {
    await helperLoop(parts, stop);
  } finally {
    await parts.masks.close();
    await parts.store.close();
  }
}

async function openHelper(config: HelperConfig): Promise<HelperParts> {
  await sodiumReady;
  const { j, minReports, privacy, coordinatorUrl } = config;
  const trust = await readTrust(config.trustFile);
  const key = await readKey(config.keyFile);
  if (trust.helpers[j - 1]?.key !== key.id)
    throw new RegionError(
      'config/invalid',
      `${config.keyFile}: this is not the key that the trust file pins for helper ${j}`,
    );
  const seal = createHelperSeal(privatePart(await readJson(config.keyFile)));
  const db = openDatabase<HelperTables>(config.databaseUrl, 2);
  const store = await openHelperStore(db, { j, keyId: key.id }, seal);
  const log = createLogger(`helper-${j}`);
  const masks = createMaskThreads({ threads: config.threads });
  return {
    j,
    minReports,
    privacy,
    trust,
    key,
    store,
    masks,
    coordinatorUrl,
    fetch: globalThis.fetch,
    clock: Date.now,
    log,
  };
}

/** Polls, works, and begins again, until asked to stop. */
export async function helperLoop(parts: HelperParts, stop: AbortSignal): Promise<void> {
  const { j, trust, key, store, masks, clock, log } = parts;
  const transport = createTransport({
    baseUrl: parts.coordinatorUrl,
    key,
    fetch: parts.fetch,
    clock,
    random: randomBytes,
  });
  const sink: HelperSink = {
    cosignature: (statement) => submitCosignature(transport, j, statement, stop),
    close: (statement) => submitClose(transport, statement, stop),
    ack: (statement) => submitAck(transport, statement, stop),
    ready: (statement) => submitReady(transport, statement, stop),
    sums: (rcHash, bytes) => submitSums(transport, { j, rcHash }, bytes, stop),
  };
  const source: LogSource = {
    entries: (from, to) => fetchLogEntries(transport, from, to, stop),
    consistency: (from, to) => fetchConsistency(transport, from, to, stop),
  };
  const askTask: DutyDeps['askTask'] = (taskId) => fetchTask(transport, taskId, stop);
  const policy = { j, keyId: key.id, trust, minReports: parts.minReports, privacy: parts.privacy };
  const onTrouble = (rcHash: string, error: unknown): void => {
    // The round needs q helpers only: whoever comes later than that finds it closed.
    const late = error instanceof ProblemError && error.code === 'round/closed';
    const broken = error instanceof RegionError && error.code === 'helper/log';
    const level = late ? 'debug' : broken ? 'error' : 'warn';
    log[level]({ rcHash, ...errorFields(error) }, 'a round goes on without this helper');
  };
  const duties = { policy, key, store, source, masks, clock, sink, askTask, onTrouble };
  const performDuties = createDuties(duties);
  let published = 0;
  let after = 0;
  let announced = false;
  while (!stop.aborted) {
    try {
      const epoch = await currentEpoch(j, key, store, clock());
      if (epoch.body.e !== published) {
        await submitEpoch(transport, epoch, stop);
        published = epoch.body.e;
        log.info({ e: published }, 'the box key of this epoch is published');
      }
      if (!announced) announceReady({ j });
      announced = true;
      const work = await pollWork(transport, j, after, stop);
      if (work === null || work.rev === after) {
        // The server owns the pace: an answer without news that came at once must not become a busy loop.
        await pause(IDLE_MILLIS, stop);
        continue;
      }
      const done = await performDuties(work);
      after = done ? work.rev : 0;
      if (!done) await pause(RETRY_MILLIS, stop);
    } catch (error) {
      if (stop.aborted) return;
      log.warn(
        errorFields(error),
        isPassing(error) ? 'the coordinator cannot be reached' : 'the helper is in trouble',
      );
      after = 0;
      await pause(RETRY_MILLIS, stop);
    }
  }
}
