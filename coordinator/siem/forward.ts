/**
 * Carries the log's entries to a receiver, in order, from where the cursor in the database stands. The cursor moves after the receiver took
 * them: a crash in between sends them again, under the same indices. What witnesses have not cosigned yet is not sent.
 *
 * A receiver that fails is left alone for a while, longer each time up to a minute. Several processes on one database take turns by locking
 * the cursor's row while they send.
 */
import { startLoop, type Loop } from '../loop.ts';
import type { Tx } from '../store/schema.ts';
import type { RunTx } from '../store/tx.ts';
import { lockCursor, moveCursor } from '../store/siem.ts';
import type { SecurityEvent } from './event.ts';
import type { ReadSecurityEvents } from './read.ts';

export interface Sink {
  /** Resolves once the receiver has them. */
  send(events: readonly SecurityEvent[]): Promise<void>;
  /** What is under way fails. */
  close(): void;
}

export interface ForwardDeps {
  /** Of the receiver in the configuration; names its cursor. */
  name: string;
  sink: Sink;
  runTx: RunTx;
  read: ReadSecurityEvents;
  onError: (what: string, error: unknown) => void;
}

const BATCH = 200;
const TICK_MILLIS = 1_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

export function startForwarding({ name, sink, runTx, read, onError }: ForwardDeps): Loop {
  let stopped = false;
  let failures = 0;

  /** One batch. @returns how many events the receiver took */
  const forward = (): Promise<number> =>
    runTx('siem', async (tx: Tx) => {
      const from = await lockCursor(tx, name);
      // Another process is sending.
      if (from === null) return 0;
      const events = await read(tx, from, BATCH);
      if (events.length === 0) return 0;
      await sink.send(events);
      await moveCursor(tx, name, (events.at(-1) as SecurityEvent).index + 1);
      return events.length;
    });

  const loop = startLoop(async () => {
    try {
      const sent = await forward();
      failures = 0;
      return sent === BATCH ? 0 : TICK_MILLIS;
    } catch (error) {
      if (!stopped) onError(`siem ${name}`, error);
      return Math.min(FIRST_PAUSE * 2 ** failures++, LONGEST_PAUSE);
    }
  });
  return {
    wake: () => {
      // A receiver that fails is not asked more often because the log grows.
      if (failures === 0) loop.wake();
    },
    async stop() {
      stopped = true;
      const ended = loop.stop();
      sink.close();
      await ended;
    },
  };
}
