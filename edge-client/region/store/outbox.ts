/** Consents on their way to the coordinator: a consent without a receipt is still to be sent, whatever crashed meanwhile. */
import type { SignedConsentEntry } from '@twinkeep/edge-client/fleet';
import type { ConsentReceipt } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { Connection } from '../process/database.ts';
import { bytesToJson, jsonToBytes } from './cipher.ts';
import type { RegionTables } from './schema.ts';
import { rowName, touch, type WriteContext } from './write.ts';

type Conn = Connection<RegionTables>;

/** At most `limit`, each chain from its first consent without a receipt. */
export async function pendingConsents(
  conn: Conn,
  { keys }: WriteContext,
  limit: number,
): Promise<{ subject: string; id: string; jws: string }[]> {
  const rows = await conn
    .selectFrom('consent')
    .select(['subject', 'tag', 'sealed'])
    .where('receipt', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('twin_key')
          .select('twin_key.subject')
          .whereRef('twin_key.subject', '=', 'consent.subject'),
      ),
    )
    .orderBy('subject')
    .orderBy('position')
    .limit(limit)
    .execute();
  const found = await keys.find(conn, [...new Set(rows.map(({ subject }) => subject))]);
  return rows.flatMap(({ subject, tag, sealed }) => {
    const entry = found.get(subject);
    if (entry === undefined) return [];
    return [
      { subject, ...bytesToJson<SignedConsentEntry>(entry.cipher.open('consent', rowName(tag), sealed)) },
    ];
  });
}

/** A receipt that is kept already stays as it is. */
export async function addReceipts(
  trx: Parameters<typeof touch>[0],
  { keys, secret }: WriteContext,
  receipts: readonly ConsentReceipt[],
): Promise<void> {
  const byTag = new Map(receipts.map((receipt) => [rowName(secret.consentTag(receipt.event)), receipt]));
  const rows = await trx
    .selectFrom('consent')
    .select(['tag', 'subject'])
    .where('receipt', 'is', null)
    .where(sql<boolean>`tag = ANY(${receipts.map(({ event }) => secret.consentTag(event))})`)
    .execute();
  const found = await keys.find(trx, [...new Set(rows.map(({ subject }) => subject))], true);
  const sealed = rows.flatMap(({ tag, subject }) => {
    const receipt = byTag.get(rowName(tag));
    const entry = found.get(subject);
    if (receipt === undefined || entry === undefined) return [];
    const { event: _, ...place } = receipt;
    return [{ tag, subject, bytes: entry.cipher.seal('receipt', rowName(tag), jsonToBytes(place)) }];
  });
  if (sealed.length === 0) return;
  await sql`UPDATE consent SET receipt = new.bytes
    FROM unnest(${sealed.map(({ tag }) => tag)}::bytea[], ${sealed.map(({ bytes }) => bytes)}::bytea[]) AS new (tag, bytes)
    WHERE consent.tag = new.tag AND consent.receipt IS NULL`.execute(trx);
  await touch(trx, [...new Set(sealed.map(({ subject }) => subject))]);
}
