/**
 * The visitor's browser as a witness. It keeps the last head of the log that it saw and, before it accepts another one, checks that
 * the log's own key signed it and that the tree still begins with everything that was seen before. The coordinator controls heads and proofs;
 * the key comes from the demo's trust file, by way of this page's own server.
 */
import {
  AuditError,
  base64UrlToBytes,
  bytesToBase64,
  openCheckpoint,
  verifyConsistency,
  type Checkpoint,
} from '@twinkeep/audit';
import { moment, plural } from '../ui/words.ts';

/** The last head that this browser accepted, and when it first saw a head of this size or smaller on this visit. */
export interface SeenHead {
  note: string;
  /** Milliseconds since 1970. */
  at: number;
}

export interface LogView {
  origin: string;
  size: number;
  /** Base64, as in the checkpoint. */
  root: string;
  verdict: 'first' | 'continues' | 'broken';
  /** One plain sentence. */
  sentence: string;
}

export interface LogReads {
  checkpoint: () => Promise<string>;
  /** Hashes, base64url; null where the coordinator has no proof, although it signed both sizes. */
  consistency: (from: number, to: number) => Promise<string[] | null>;
}

/** What of the browser's `Storage` is needed. */
export interface HeadStore {
  getItem(key: string): string | null;
  /** @throws where nothing more is taken */
  setItem(key: string, value: string): void;
}

export interface LogWitness {
  /** Reads the head and judges it. @throws what the reads throw: nothing is judged then */
  look(): Promise<LogView>;
}

export function createLogWitness(
  vkey: string,
  reads: LogReads,
  store: HeadStore,
  clock: () => number,
): LogWitness {
  const atStart = readSeen(store, vkey);
  let first: SeenHead | null = null;
  return {
    async look() {
      // Read before the head is asked for: another tab may put a newer one there meanwhile.
      const seen = readSeen(store, vkey);
      const note = await reads.checkpoint();
      const next = openSigned(note, vkey);
      if (next === null) return broken(note, 'This head is not signed by the key of the log.');
      const last = seen === null ? null : openSigned(seen.note, vkey);
      const view = { origin: next.origin, size: next.size, root: bytesToBase64(next.root) };
      if (last !== null && !(await continues(last, next, reads)))
        return {
          ...view,
          verdict: 'broken',
          sentence: `Do not trust this log: it no longer contains the ${plural(last.size, 'entry', 'entries')} that this browser saw ${when(seen as SeenHead, clock())}.`,
        };
      first ??= { note, at: clock() };
      saveSeen(store, vkey, { note, at: clock() }, next.size);
      return { ...view, ...describe(atStart, first, vkey, clock()) };
    },
  };
}

async function continues(last: Checkpoint, next: Checkpoint, reads: LogReads): Promise<boolean> {
  if (next.size < last.size) return false;
  const hashes = next.size === last.size ? [] : await reads.consistency(last.size, next.size);
  if (hashes === null) return false;
  return verifyConsistency({
    size1: last.size,
    size2: next.size,
    proof: decodeHashes(hashes),
    root1: last.root,
    root2: next.root,
  });
}

/** What is no hash makes a proof that holds for nothing. */
function decodeHashes(hashes: readonly string[]): Uint8Array[] {
  try {
    return hashes.map(base64UrlToBytes);
  } catch (error) {
    if (error instanceof AuditError) return [];
    throw error;
  }
}

/** Each head was checked against the one before, so what was there at the start of the visit is still there. */
function describe(
  atStart: SeenHead | null,
  first: SeenHead,
  vkey: string,
  now: number,
): Pick<LogView, 'verdict' | 'sentence'> {
  const from = atStart === null ? null : openSigned(atStart.note, vkey);
  if (atStart !== null && from !== null)
    return {
      verdict: 'continues',
      sentence: `This log still contains everything that this browser saw ${when(atStart, now)} (${plural(from.size, 'entry', 'entries')}).`,
    };
  const size = openSigned(first.note, vkey)?.size ?? 0;
  return {
    verdict: 'first',
    sentence: `This browser sees this log for the first time. It noted ${plural(size, 'entry', 'entries')} at ${moment(first.at, now)}, and from now on checks that none of them is changed or goes missing.`,
  };
}

function when({ at }: SeenHead, now: number): string {
  const words = moment(at, now);
  return words.includes(',') ? `on ${words}` : `today at ${words}`;
}

function broken(note: string, sentence: string): LogView {
  const [origin = '?', size = '0', root = '?'] = note.split('\n');
  return { origin, size: Number(size), root, verdict: 'broken', sentence };
}

function openSigned(note: string, vkey: string): Checkpoint | null {
  try {
    return openCheckpoint(note, vkey);
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

const keyOf = (vkey: string): string => `twinkeep/log-head/${vkey}`;

/** Null too where something else was put there: then this log counts as not seen. */
function readSeen(store: HeadStore, vkey: string): SeenHead | null {
  try {
    const kept = JSON.parse(store.getItem(keyOf(vkey)) ?? 'null') as Partial<SeenHead> | null;
    if (typeof kept?.note !== 'string' || typeof kept.at !== 'number') return null;
    return openSigned(kept.note, vkey) === null ? null : { note: kept.note, at: kept.at };
  } catch {
    return null;
  }
}

/** A head is never replaced by a smaller one: another tab may have been faster. */
function saveSeen(store: HeadStore, vkey: string, seen: SeenHead, size: number): void {
  const kept = readSeen(store, vkey);
  if (kept !== null && (openSigned(kept.note, vkey)?.size ?? 0) > size) return;
  try {
    store.setItem(keyOf(vkey), JSON.stringify(seen));
  } catch {
    // Storage is full or switched off: then this browser cannot remember, and says "first time" next time.
  }
}
