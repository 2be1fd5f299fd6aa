/** What one officer asked for and a second one has to agree to. Sealed like everything that is said about a subject. */
import { canonicalBytes, bytesToUtf8 } from '@twinkeep/audit';
import type { ConsentProposal, OfficerRequest } from '@twinkeep/protocol';
import type { Db, Row, Tx } from './schema.ts';
import type { Vault } from './vault.ts';

export interface StoredProposal extends ConsentProposal {
  /** Thumbprint of the first officer's key. */
  jkt: string;
}

const contextOf = (id: string): string => `proposal:${id}`;

/** @throws RangeError where the subject was erased, which the caller has ruled out */
export async function insertProposal(
  tx: Tx,
  vault: Vault,
  { id, subject, request, proposedBy, proposedAt, jkt }: StoredProposal,
): Promise<void> {
  const [sealed] = await vault.sealFor(tx, [
    { subject, context: contextOf(id), bytes: canonicalBytes(request) },
  ]);
  if (sealed === undefined || sealed === null) throw new RangeError('a proposal about an erased subject');
  await tx
    .insertInto('consent_proposals')
    .values({
      id,
      subject,
      request: sealed,
      proposed_by: proposedBy,
      proposed_jkt: jkt,
      proposed_at: proposedAt,
    })
    .execute();
}

/** Those that have not lapsed, oldest first. */
export async function readProposals(db: Db, vault: Vault, madeAfter: number): Promise<StoredProposal[]> {
  const rows = await db
    .selectFrom('consent_proposals')
    .selectAll()
    .where('proposed_at', '>', madeAfter)
    .orderBy('proposed_at')
    .orderBy('id')
    .execute();
  return openAll(db, vault, rows);
}

/** Locked until the transaction ends: of two approvals, one finds it gone. */
export async function lockProposal(
  tx: Tx,
  vault: Vault,
  id: string,
  madeAfter: number,
): Promise<StoredProposal | null> {
  const rows = await tx
    .selectFrom('consent_proposals')
    .selectAll()
    .where('id', '=', id)
    .where('proposed_at', '>', madeAfter)
    .forUpdate()
    .execute();
  return (await openAll(tx, vault, rows))[0] ?? null;
}

/** @returns whether there was one */
export async function deleteProposal(tx: Tx, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('consent_proposals')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

export async function deleteLapsedProposals(tx: Tx, madeUntil: number): Promise<void> {
  await tx.deleteFrom('consent_proposals').where('proposed_at', '<=', madeUntil).execute();
}

async function openAll(
  db: Db,
  vault: Vault,
  rows: readonly Row<'consent_proposals'>[],
): Promise<StoredProposal[]> {
  const opened = await vault.openFor(
    db,
    rows.map(({ id, subject, request }) => ({ subject, context: contextOf(id), sealed: request })),
  );
  return rows.flatMap(({ id, subject, proposed_by, proposed_jkt, proposed_at }, i) => {
    const bytes = opened[i] ?? null;
    if (bytes === null) return [];
    const request = JSON.parse(bytesToUtf8(bytes)) as OfficerRequest;
    return [{ id, subject, request, proposedBy: proposed_by, proposedAt: proposed_at, jkt: proposed_jkt }];
  });
}
