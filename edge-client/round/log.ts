/** Every twin is a witness: it acts only on a log that provably continues the one it saw before. */
import {
  equalBytes,
  openCheckpoint,
  verifyConsistency,
  type Checkpoint,
  type ConsistencyProof,
} from '@twinkeep/audit';
import { ProblemError, verifyDetached } from '@twinkeep/protocol';
import { StayHomeError } from './reasons.ts';

/** A consistency proof between two sizes, from the coordinator. @throws ProblemError where it has none */
export type AskConsistency = (from: number, to: number) => Promise<ConsistencyProof>;

/**
 * @param seen the note of the last checkpoint that this device accepted, or null
 * @param next the checkpoint of the round's configuration: it must not be older
 * @throws StayHomeError 'log-inconsistent'
 */
export async function requireContinuation(
  seen: string | null,
  next: Checkpoint,
  vkey: string,
  ask: AskConsistency,
): Promise<void> {
  if (seen === null) return;
  const last = openCheckpoint(seen, vkey, { verify: verifyDetached });
  if (next.size < last.size) throw new StayHomeError('log-inconsistent', 'it is shorter than before');
  await requireOneLog(last, next, ask);
}

/** @throws StayHomeError 'log-inconsistent' unless one of the two is the other's beginning */
export async function requireOneLog(a: Checkpoint, b: Checkpoint, ask: AskConsistency): Promise<void> {
  const [older, newer] = a.size <= b.size ? [a, b] : [b, a];
  if (older.size === newer.size) {
    if (!equalBytes(older.root, newer.root))
      throw new StayHomeError('log-inconsistent', 'two logs of one length');
    return;
  }
  const { proof } = await askProof(ask, older.size, newer.size);
  const claim = { size1: older.size, size2: newer.size, proof, root1: older.root, root2: newer.root };
  if (!verifyConsistency(claim)) throw new StayHomeError('log-inconsistent', 'the proof does not hold');
}

async function askProof(ask: AskConsistency, from: number, to: number): Promise<ConsistencyProof> {
  try {
    return await ask(from, to);
  } catch (error) {
    // The coordinator signed both sizes, so it cannot lack either.
    if (error instanceof ProblemError) throw new StayHomeError('log-inconsistent', error.code);
    throw error;
  }
}
