/**
 * A helper reads the audit log leaf by leaf, up to the head that it is shown a set under, and keeps every set commit that it meets: so that
 * it knows not only that a set is in the log but that it is the only one of its round. The coordinator controls the leaves; the
 * head it signed, with the witnesses' cosignatures where there are any, says which leaves they must be.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  createCompactRange,
  equalBytes,
  hashLeaf,
  leafToEnvelope,
  verifyCommitment,
  verifyConsistency,
  type Checkpoint,
  type ConsistencyProof,
} from '@twinkeep/audit';
import { ProblemError, statementHash, type LogEntry } from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import type { LoggedSet, LogPosition } from './log-position.ts';
import type { HelperStore } from './store.ts';

export interface LogSource {
  /** Consecutive leaves from `from` on, at least one, none from `to` on. */
  entries(from: number, to: number): Promise<LogEntry[]>;
  /** @throws ProblemError where it has no proof */
  consistency(from: number, to: number): Promise<ConsistencyProof>;
}

/** A head of the log that was verified, as `verifyLogged` gives it. */
export interface LogHeadShown {
  checkpoint: Checkpoint;
  note: string;
}

/**
 * Moves the position on to this head; one that is behind it says nothing new.
 * @throws RegionError 'helper/log' where this log does not continue the one read so far, now and ever after, or where it hides a set commit
 */
export async function followLog(
  shown: LogHeadShown,
  { store, source }: { store: HelperStore; source: LogSource },
): Promise<void> {
  for (;;) {
    const position = await store.logPosition();
    if (position.refused !== null) throw refusal(position.refused);
    if (shown.checkpoint.size < position.size) return;
    const { next, sets } = await readOn(position, shown, source);
    if (!equalBytes(rootOf(next), shown.checkpoint.root)) {
      await requireOneLog(position, shown, { store, source });
      throw refusal('its leaves are not those under its head');
    }
    if (await store.advanceLog(position.size, next, sets)) return;
  }
}

async function readOn(
  position: LogPosition,
  { checkpoint, note }: LogHeadShown,
  source: LogSource,
): Promise<{ next: LogPosition; sets: LoggedSet[] }> {
  const range = createCompactRange(position.size, position.peaks);
  const peaks = [...position.peaks];
  const sets: LoggedSet[] = [];
  while (range.size() < checkpoint.size) {
    const entries = await source.entries(range.size(), checkpoint.size);
    if (entries.length === 0) throw refusal('its leaves end before its head');
    for (const entry of entries) {
      const leaf = base64UrlToBytes(entry.leaf);
      if (leafToEnvelope(leaf).type === 'set-commit') sets.push(openSet(leaf, entry, range.size()));
      const closed = range.append(hashLeaf(leaf));
      peaks.splice(peaks.length - (closed.length - 1), closed.length - 1, closed.at(-1)!.hash);
    }
  }
  return { next: { ...position, size: range.size(), peaks, note }, sets };
}

/** The leaf says of itself that it is a set commit; which round it fixes, only its opening says. */
function openSet(leaf: Uint8Array, { opened }: LogEntry, index: number): LoggedSet {
  if (opened === undefined || !verifyCommitment(leaf, opened.statement, base64UrlToBytes(opened.salt)))
    throw refusal(`what set leaf ${index} commits to is not shown`);
  const { statement } = opened;
  return {
    leaf: index,
    rcHash: statement.body.rcHash,
    scHash: bytesToBase64Url(statementHash(statement)),
  };
}

/**
 * Leaves that do not make the root may be an answer gone wrong, and are asked for again. A head that cannot be shown to continue the
 * one before is another log of the same signer: that is kept, with both heads.
 */
async function requireOneLog(
  { size, peaks }: LogPosition,
  { checkpoint, note }: LogHeadShown,
  { store, source }: { store: HelperStore; source: LogSource },
): Promise<void> {
  const root = createCompactRange(size, peaks).root();
  if (size === 0) return;
  if (size < checkpoint.size) {
    const proof = await askProof(source, size, checkpoint.size);
    const claim = { size1: size, root1: root, size2: checkpoint.size, root2: checkpoint.root, proof };
    if (proof !== null && verifyConsistency({ ...claim, proof })) return;
  }
  const why = `the log of ${checkpoint.size} leaves does not continue that of ${size} that this helper has read`;
  await store.refuseLog(why, note);
  throw refusal(why);
}

async function askProof(source: LogSource, from: number, to: number): Promise<Uint8Array[] | null> {
  try {
    return (await source.consistency(from, to)).proof;
  } catch (error) {
    // The coordinator signed both sizes, so it cannot lack either.
    if (error instanceof ProblemError) return null;
    throw error;
  }
}

function rootOf({ size, peaks }: LogPosition): Uint8Array {
  return createCompactRange(size, peaks).root();
}

function refusal(why: string): RegionError {
  return new RegionError('helper/log', `the audit log is refused: ${why}`);
}
