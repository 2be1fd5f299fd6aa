/** Log entries as security events: public statements from their table, consents from the vault; what was erased is an entry without words. */
import { leafToEnvelope } from '@twinkeep/audit';
import type { ConsentEvent } from '@twinkeep/consent';
import type { Statement } from '@twinkeep/protocol';
import type { Journal } from '../log/journal.ts';
import { bodyToEvent } from '../consents/ledger.ts';
import type { AccessBody } from '../evidence/take.ts';
import { readAccesses } from '../store/access.ts';
import { readEventsAt } from '../store/consents.ts';
import type { Db } from '../store/schema.ts';
import { readExportRows } from '../store/statements.ts';
import type { Vault } from '../store/vault.ts';
import { entryToEvent, type OpenedEntry, type SecurityEvent } from './event.ts';

export type ReadSecurityEvents = (db: Db, from: number, limit: number) => Promise<SecurityEvent[]>;

/** @returns a function that reads leaves `from` onwards under the published head, at most `limit` */
export function createSecurityEventReader(journal: Journal, vault: Vault): ReadSecurityEvents {
  return async (db, from, limit) => {
    const published = (await journal.published(db))?.size ?? 0;
    const rows = await readExportRows(db, from, Math.min(published, from + limit));
    const entries = rows.map(({ leaf, statement }, i): OpenedEntry => {
      const opened = statement === null ? {} : { statement: JSON.parse(statement) as Statement<unknown> };
      return { index: from + i, leaf, ...opened };
    });
    const consents = await readConsents(db, vault, entries);
    const accesses = await readAccesses(db, indicesOf(entries, 'access'));
    return entries.map((entry) => {
      const consent = consents.get(entry.index);
      const access = accesses.get(entry.index);
      return entryToEvent({
        ...entry,
        ...(consent === undefined ? {} : { consent }),
        ...(access === undefined ? {} : { access: JSON.parse(access) as AccessBody }),
      });
    });
  };
}

async function readConsents(
  db: Db,
  vault: Vault,
  entries: readonly OpenedEntry[],
): Promise<Map<number, ConsentEvent>> {
  const rows = await readEventsAt(db, vault, indicesOf(entries, 'consent'));
  return new Map(rows.map(({ index, body }) => [index, bodyToEvent(body)]));
}

function indicesOf(entries: readonly OpenedEntry[], type: string): number[] {
  return entries.filter(({ leaf }) => leafToEnvelope(leaf).type === type).map(({ index }) => index);
}
