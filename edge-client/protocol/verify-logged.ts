/** Reading a logged statement: signature, commitment, and proof that the log has it. What a device acts on, it first finds here. */
import {
  base64UrlToBytes,
  leafToEnvelope,
  textToProof,
  TwinkeepError,
  verifyCommitment,
  verifyProof,
  verifyWitnessed,
  type Checkpoint,
} from '@twinkeep/audit';
import type * as v from 'valibot';
import type { LoggedStatement } from './logged.ts';
import { ProtocolError } from './problem.ts';
import { verifyDetached } from './sodium.ts';
import type { Statement, StatementType } from './statement.ts';
import type { Pinned } from './trust.ts';
import { verifyStatement } from './verify-statement.ts';

export interface VerifiedStatement<T> {
  statement: Statement<T>;
  /** Index of the leaf. */
  index: number;
  checkpoint: Checkpoint;
  /** The same checkpoint as the log signed it, to be kept and compared with the next. */
  note: string;
}

/**
 * Checks that `pinned.kid` signed the statement, that the leaf commits to it, that the leaf is in the log of `pinned.vkey`, and that as
 * many witnesses as `pinned.witnesses` demands have cosigned the head under which it is.
 * Whether that log is still the one seen before is the caller's to check: it takes a consistency proof.
 * @throws ProtocolError 'protocol/statement' or 'protocol/proof'
 */
export function verifyLogged<T>(
  logged: LoggedStatement<T>,
  type: StatementType,
  body: v.GenericSchema<T>,
  pinned: Pinned,
): VerifiedStatement<T> {
  const statement = verifyStatement(logged.statement, type, body, pinned.kid);
  try {
    const leaf = base64UrlToBytes(logged.leaf);
    if (leafToEnvelope(leaf).type !== type) throw notLogged(type, 'the leaf is of another type');
    if (!verifyCommitment(leaf, statement, base64UrlToBytes(logged.salt))) {
      throw notLogged(type, 'the leaf commits to something else');
    }
    const { index, checkpoint } = verifyProof(logged.proof, leaf, pinned.vkey, { verify: verifyDetached });
    const note = textToProof(logged.proof).checkpoint;
    if (pinned.witnesses !== null) verifyWitnessed(note, pinned.witnesses, { verify: verifyDetached });
    return { statement, index, checkpoint, note };
  } catch (error) {
    if (error instanceof TwinkeepError && !(error instanceof ProtocolError))
      throw notLogged(type, error.message);
    throw error;
  }
}

function notLogged(type: StatementType, why: string): ProtocolError {
  return new ProtocolError('protocol/proof', `the ${type} is not shown to be in the log: ${why}`);
}
