/** Witnesses of a log without their HTTP: the real judgement and the real cosignature, asked by the coordinator as it likes. */
import {
  cosign,
  createNoteKey,
  createSigner,
  EMPTY_ROOT,
  mergeCosignatures,
  noteKeyToVkey,
  openCheckpoint,
  readNote,
  type Log,
  type WitnessPolicy,
} from '@twinkeep/audit';
import { randomBytes } from '@twinkeep/protocol';
import { judge, type Head } from '../../../audit/witness/judge.ts';

export interface Witness {
  entry: WitnessPolicy['witnesses'][number];
  /** Its line over this head, or null where the head does not continue the last. */
  sign(head: { size: number; note: string }, log: Log, vkey: string): Promise<string | null>;
}

export function createWitness(name: string): Witness {
  const signer = createSigner(randomBytes(32));
  let last: Head = { size: 0, root: EMPTY_ROOT };
  return {
    entry: {
      name,
      operator: name,
      vkey: noteKeyToVkey(createNoteKey(name, signer.publicKey, 'cosignature')),
    },
    async sign({ note }, log, vkey) {
      const next = openCheckpoint(note, vkey);
      const proof = last.size === 0 ? [] : await proofBetween(log, last.size, next.size);
      if (judge(last, { oldSize: last.size, proof }, next) !== 'cosign') return null;
      last = next;
      return cosign(readNote(note, []).text, { name, signer }, Math.floor(Date.now() / 1000));
    },
  };
}

/** What a coordinator does before it shows a head to anybody: asks all, and takes what it gets. */
export function witnessedBy(
  witnesses: readonly Witness[],
  vkey: string,
): (head: { size: number; note: string }, log: Log) => Promise<string> {
  return async (head, log) => {
    const lines = await Promise.all(witnesses.map((witness) => witness.sign(head, log, vkey)));
    return mergeCosignatures(
      head.note,
      lines.filter((line) => line !== null),
    );
  };
}

async function proofBetween(log: Log, from: number, to: number): Promise<Uint8Array[]> {
  try {
    return (await log.consistencyProof(from, to)).proof;
  } catch {
    return [];
  }
}
