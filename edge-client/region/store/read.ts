/** Reading twins: opened rows stay in memory until the revision of their twin changes, so that a round decrypts nothing anew. */
import {
  StoreError,
  type ConsentEntry,
  type FeatureBytes,
  type SignedConsentEntry,
  type StoredTwin,
} from '@twinkeep/edge-client/fleet';
import type { ConsentReceipt } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { Connection } from '../process/database.ts';
import { bytesToJson, type TwinCipher } from './cipher.ts';
import type { KeyRing, TwinEntry } from './keys.ts';
import type { RegionTables } from './schema.ts';
import { rowName } from './write.ts';

type Conn = Connection<RegionTables>;

/** @returns a reader; what it gives is shared with later callers and must not be changed */
export function createTwinReader(
  keys: KeyRing,
): (conn: Conn, subjects: readonly string[]) => Promise<StoredTwin[]> {
  const cache = new Map<string, { revision: string; cipher: TwinCipher; twin: StoredTwin }>();
  return async (conn, subjects) => {
    const found = await keys.find(conn, subjects);
    const stale = [...found].filter(([subject, { revision, cipher }]) => {
      const cached = cache.get(subject);
      return cached?.revision !== revision || cached.cipher !== cipher;
    });
    for (const twin of await openTwins(conn, new Map(stale))) {
      const { revision, cipher } = found.get(twin.subject) as TwinEntry;
      cache.set(twin.subject, { revision, cipher, twin });
    }
    return subjects.flatMap((subject) => {
      if (found.has(subject)) return [cache.get(subject)!.twin];
      cache.delete(subject);
      return [];
    });
  };
}

/** The revision was read first, so a row that changes meanwhile is cached under an old revision and read again next time. */
async function openTwins(conn: Conn, entries: ReadonlyMap<string, TwinEntry>): Promise<StoredTwin[]> {
  const subjects = [...entries.keys()];
  if (subjects.length === 0) return [];
  const features = await readFeatures(conn, entries, subjects);
  const chains = await readChains(conn, entries, subjects);
  return subjects.map((subject) => ({
    subject,
    features: features.get(subject) ?? null,
    consents: chains.get(subject) ?? [],
  }));
}

async function readFeatures(
  conn: Conn,
  entries: ReadonlyMap<string, TwinEntry>,
  subjects: readonly string[],
): Promise<Map<string, FeatureBytes>> {
  const rows = await conn
    .selectFrom('feature')
    .selectAll()
    .where(sql<boolean>`subject = ANY(${subjects})`)
    .execute();
  return new Map(
    rows.map(({ subject, sealed }) => [subject, cipherOf(entries, subject).open('feature', '', sealed)]),
  );
}

/** Chains of consents, each in its order. */
export async function readChains(
  conn: Conn,
  entries: ReadonlyMap<string, { cipher: TwinCipher }>,
  subjects: readonly string[],
): Promise<Map<string, ConsentEntry[]>> {
  const rows = await conn
    .selectFrom('consent')
    .selectAll()
    .where(sql<boolean>`subject = ANY(${subjects})`)
    .orderBy('subject')
    .orderBy('position')
    .execute();
  const chains = new Map<string, ConsentEntry[]>();
  for (const { subject, tag, sealed, receipt } of rows) {
    const cipher = cipherOf(entries, subject);
    const entry: ConsentEntry = {
      ...bytesToJson<SignedConsentEntry>(cipher.open('consent', rowName(tag), sealed)),
      receipt:
        receipt === null
          ? null
          : bytesToJson<Omit<ConsentReceipt, 'event'>>(cipher.open('receipt', rowName(tag), receipt)),
    };
    chains.set(subject, [...(chains.get(subject) ?? []), entry]);
  }
  return chains;
}

function cipherOf(entries: ReadonlyMap<string, { cipher: TwinCipher }>, subject: string): TwinCipher {
  const entry = entries.get(subject);
  if (entry === undefined) throw new StoreError('store/unreadable', 'a row belongs to a twin without a key');
  return entry.cipher;
}
