/** The pack's log entries under its checkpoint: what the log's key, the witnesses and the tree say of each. */
import {
  AuditError,
  base64UrlToBytes,
  hashLeaf,
  leafToEnvelope,
  openCheckpoint,
  verifyCommitment,
  verifyInclusion,
  verifyWitnessed,
  type Checkpoint,
  type LeafEnvelope,
  type Sha256,
} from '@twinkeep/audit';
import { verifyDetached, type EvidenceEntry, type EvidenceRecords, type Trust } from '@twinkeep/protocol';
import type { Checklist } from './verdict.ts';

export interface LoggedEntry {
  index: number;
  envelope: LeafEnvelope;
  body: EvidenceEntry['body'];
}

export interface VerifiedLog {
  checkpoint: Checkpoint;
  witnesses: string[];
  /** By index: in the log of the reader's key, with the body that the leaf commits to. */
  entries: Map<number, LoggedEntry>;
}

/** @returns null where the checkpoint is not one of the reader's log: nothing can rest on it */
export function verifyLog(
  { checkpoint: { note }, entries }: EvidenceRecords,
  trust: Trust,
  hash: Sha256,
  checks: Checklist,
): VerifiedLog | null {
  const checkpoint = attempt(
    () => openCheckpoint(note, trust.log.vkey, { verify: verifyDetached }),
    (why) => checks.fail('checkpoint', 'checkpoint', why),
  );
  if (checkpoint === null) return null;
  checks.pass('checkpoint');
  const verified: VerifiedLog = { checkpoint, witnesses: [], entries: new Map() };
  const { witnesses } = trust;
  if (witnesses === null)
    checks.leaveOpen(
      'witnesses',
      'checkpoint',
      'your trust file names no witnesses: another reader may be shown another log',
    );
  else {
    const seen = attempt(
      () => verifyWitnessed(note, witnesses, { verify: verifyDetached }),
      (why) => checks.fail('witnesses', 'checkpoint', why),
    );
    if (seen !== null) {
      verified.witnesses = seen;
      checks.pass('witnesses', seen.length);
    }
  }
  let last = -1;
  for (const [line, entry] of entries.entries()) {
    const where = `entries, line ${line + 1} (log entry ${entry.index})`;
    if (entry.index <= last) checks.fail('inclusion', where, 'entries are not in ascending order');
    last = entry.index;
    const logged = attempt(
      () => verifyEntry(entry, checkpoint, hash, where, checks),
      (why) => checks.fail('inclusion', where, why),
    );
    if (logged !== null) verified.entries.set(entry.index, logged);
  }
  return verified;
}

function verifyEntry(
  entry: EvidenceEntry,
  { size, root }: Checkpoint,
  hash: Sha256,
  where: string,
  checks: Checklist,
): LoggedEntry | null {
  const leaf = base64UrlToBytes(entry.leaf);
  const proof = entry.proof.map((each) => base64UrlToBytes(each));
  if (!verifyInclusion({ index: entry.index, size, root, proof, leafHash: hashLeaf(leaf, hash) }, hash)) {
    checks.fail('inclusion', where, `the log of ${size} entries does not have it there`);
    return null;
  }
  checks.pass('inclusion');
  const envelope = leafToEnvelope(leaf);
  if (!verifyCommitment(leaf, entry.body, base64UrlToBytes(entry.salt), hash)) {
    checks.fail('commitments', where, 'its body is not the one that the log commits to');
    return null;
  }
  checks.pass('commitments');
  return { index: entry.index, envelope, body: entry.body };
}

/** What the reader's libraries refuse is a finding; what they do not expect is a fault of ours. */
function attempt<T>(run: () => T, refuse: (why: string) => void): T | null {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    refuse(error.message);
    return null;
  }
}
