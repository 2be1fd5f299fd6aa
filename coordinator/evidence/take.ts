/**
 * An officer takes evidence out. That itself is logged before the pack leaves: who, what kind, how much, and why; about whom only as a
 * hash under the leaf's own salt. So whoever reviews officers sees every pack there is, and the log says of nobody that they were looked at.
 */
import { bytesToBase64Url, canonicalBytes, canonicalJson, concatBytes } from '@twinkeep/audit';
import type { Credential, EvidenceRequest } from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { insertAccess } from '../store/access.ts';
import type { RunTx } from '../store/tx.ts';
import { collectEvidence, type CollectedEvidence, type EvidenceDeps } from './collect.ts';

export interface AccessBody {
  v: 1;
  /** Pseudonym of the officer's credential, and thumbprint of the key that asked. */
  officer: { sub: string; jkt: string };
  what: 'evidence';
  kind: EvidenceRequest['target']['kind'];
  /** SHA-256 over 32 bytes that stand beside this in the table, and the canonical target. */
  target: string;
  rows: number;
  reason: string;
}

const SALT_BYTES = 32;

export async function takeEvidence(
  deps: EvidenceDeps & { runTx: RunTx; random: (n: number) => Uint8Array },
  { target, reason }: EvidenceRequest,
  officer: Credential,
): Promise<CollectedEvidence> {
  const collected = await collectEvidence(deps, target);
  const salt = deps.random(SALT_BYTES);
  const body: AccessBody = {
    v: 1,
    officer: { sub: officer.sub, jkt: officer.jkt },
    what: 'evidence',
    kind: target.kind,
    target: bytesToBase64Url(nativeSha256(concatBytes(salt, canonicalBytes(target)))),
    rows: collected.rows,
    reason,
  };
  await deps.runTx('access', async (tx) => {
    const [entry] = await deps.journal.append(tx, [{ type: 'access', body }], deps.clock());
    if (entry === undefined) throw new RangeError('an append of one entry has one');
    await insertAccess(tx, {
      leaf_index: entry.index,
      body: canonicalJson(body),
      salt: entry.salt,
      target_salt: salt,
    });
  });
  return collected;
}
