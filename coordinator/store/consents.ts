/** The consent ledger: events in log order, who may speak for whom, and the vault with their bodies. */
import { bytesToUtf8, concatBytes, utf8ToBytes } from '@twinkeep/audit';
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';
import type { Vault } from './vault.ts';

export interface StoredEvent {
  id: string;
  subject: string;
  index: number;
  receivedAt: number;
}

/** Events that came into the log after index `after`, in log order. Bodies are read apart, for the few that matter. */
export async function readEventsAfter(db: Db, after: number): Promise<StoredEvent[]> {
  return db
    .selectFrom('consent_events')
    .select(['event_id as id', 'subject', 'leaf_index as index', 'received_at as receivedAt'])
    .where('leaf_index', '>', after)
    .orderBy('leaf_index')
    .execute();
}

/** Log index of the newest event; -1 where there is none. */
export async function readNewestIndex(db: Db): Promise<number> {
  const { newest } = await db
    .selectFrom('consent_events')
    .select(({ fn }) => fn.max('leaf_index').as('newest'))
    .executeTakeFirstOrThrow();
  return newest ?? -1;
}

export interface EventWithBody extends StoredEvent {
  /** Compact JWS. */
  body: string;
  /** Opens the commitment in the leaf. */
  salt: Uint8Array;
}

const SALT_BYTES = 32;
/** What an event is bound to in the vault, besides its subject. */
export const contextOf = (index: number): string => `consent:${index}`;

const withSealed = (db: Db) =>
  db
    .selectFrom('consent_events as e')
    .innerJoin('vault as v', 'v.leaf_index', 'e.leaf_index')
    .select([
      'e.event_id as id',
      'e.subject',
      'e.leaf_index as index',
      'e.received_at as receivedAt',
      'v.sealed',
    ])
    .orderBy('e.leaf_index');

export async function readEventsAt(
  db: Db,
  vault: Vault,
  indices: readonly number[],
): Promise<EventWithBody[]> {
  if (indices.length === 0) return [];
  const rows = await withSealed(db)
    .where(sql<boolean>`e.leaf_index = any(${indices}::bigint[])`)
    .execute();
  return openBodies(db, vault, rows);
}

/** All events of these subjects in log order. Of an erased subject there are none, and nothing is granted. */
export async function readEventsOf(
  db: Db,
  vault: Vault,
  subjects: readonly string[],
): Promise<EventWithBody[]> {
  if (subjects.length === 0) return [];
  const rows = await withSealed(db)
    .where(sql<boolean>`e.subject = any(${subjects}::text[])`)
    .execute();
  return openBodies(db, vault, rows);
}

export interface HistoryPage {
  /** Events behind this index, */
  after: number;
  /** by other keys than this one, */
  notBy: string | null;
  /** at most so many. */
  limit: number;
}

const withPage = (db: Db, { after, notBy, limit }: HistoryPage) => {
  const page = withSealed(db).where('e.leaf_index', '>', after).limit(limit);
  return notBy === null ? page : page.where('e.jkt', '<>', notBy);
};

/** Events about these subjects in log order. */
export async function readHistory(
  db: Db,
  vault: Vault,
  subjects: readonly string[],
  page: HistoryPage,
): Promise<EventWithBody[]> {
  const rows = await withPage(db, page)
    .where(sql<boolean>`e.subject = any(${subjects}::text[])`)
    .execute();
  return openBodies(db, vault, rows);
}

/** Events about all subjects that this collector speaks for, in log order. */
export async function readHistoryOfCollector(
  db: Db,
  vault: Vault,
  jkt: string,
  page: HistoryPage,
): Promise<EventWithBody[]> {
  const rows = await withPage(db, page)
    .innerJoin('consent_subjects as s', 's.subject', 'e.subject')
    .where('s.collector', '=', jkt)
    .execute();
  return openBodies(db, vault, rows);
}

export async function readLeaves(db: Db, indices: readonly number[]): Promise<Map<number, Uint8Array>> {
  const rows = await db
    .selectFrom('log_leaves')
    .selectAll()
    .where(sql<boolean>`leaf_index = any(${indices}::bigint[])`)
    .execute();
  return new Map(rows.map(({ leaf_index, leaf }) => [leaf_index, leaf]));
}

/** Null where there is none. */
export async function readNewestEvent(db: Db, vault: Vault, subject: string): Promise<EventWithBody | null> {
  const newest = db
    .selectFrom('consent_events')
    .select(({ fn }) => fn.max('leaf_index').as('newest'))
    .where('subject', '=', subject);
  const rows = await withSealed(db).where('e.leaf_index', '=', newest).execute();
  return (await openBodies(db, vault, rows))[0] ?? null;
}

async function openBodies(
  db: Db,
  vault: Vault,
  rows: readonly (StoredEvent & { sealed: Uint8Array })[],
): Promise<EventWithBody[]> {
  const opened = await vault.openFor(
    db,
    rows.map(({ subject, index, sealed }) => ({ subject, context: contextOf(index), sealed })),
  );
  return rows.flatMap(({ sealed: _, ...row }, i) => {
    const bytes = opened[i] ?? null;
    if (bytes === null) return [];
    return [{ ...row, salt: bytes.slice(0, SALT_BYTES), body: bytesToUtf8(bytes.subarray(SALT_BYTES)) }];
  });
}

/** The collector that speaks for each of these subjects, null where their own devices do; those nobody spoke for are not there. */
export async function readCollectors(
  db: Db,
  subjects: readonly string[],
): Promise<Map<string, string | null>> {
  const rows = await db
    .selectFrom('consent_subjects')
    .selectAll()
    .where(sql<boolean>`subject = any(${subjects}::text[])`)
    .execute();
  return new Map(rows.map(({ subject, collector }) => [subject, collector]));
}

/** Counter of the newest event that each of these keys sent about that subject; where there is none, no row. */
export async function readLastSeqs(
  db: Db,
  pairs: readonly { jkt: string; subject: string }[],
): Promise<{ jkt: string; subject: string; seq: number }[]> {
  const { rows } = await sql<{ jkt: string; subject: string; seq: number }>`
    select jkt, subject, max(seq) as seq from consent_events
    where (jkt, subject) in (select * from unnest(${pairs.map(({ jkt }) => jkt)}::text[],
      ${pairs.map(({ subject }) => subject)}::text[])) group by jkt, subject`.execute(db);
  return rows;
}

export interface EventReceipt {
  event: string;
  index: number;
  leaf: Uint8Array;
  salt: Uint8Array;
}

/** Of these events, the receipts of those that are in the log. */
export async function readReceipts(
  db: Db,
  vault: Vault,
  ids: readonly string[],
): Promise<Map<string, EventReceipt>> {
  const rows = await withSealed(db)
    .innerJoin('log_leaves as l', 'l.leaf_index', 'e.leaf_index')
    .select('l.leaf')
    .where(sql<boolean>`e.event_id = any(${ids}::text[])`)
    .execute();
  const leaves = new Map(rows.map(({ id, leaf }) => [id, leaf]));
  return new Map(
    (await openBodies(db, vault, rows)).map(({ id, index, salt }) => {
      const leaf = leaves.get(id) as Uint8Array;
      return [id, { event: id, index, leaf, salt }];
    }),
  );
}

/** The next subjects in the order of their pseudonyms. */
export async function readSubjectsAfter(db: Db, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('consent_subjects')
    .select('subject')
    .where('subject', '>', after)
    .orderBy('subject')
    .limit(limit)
    .execute();
  return rows.map(({ subject }) => subject);
}

export interface NewEvent {
  id: string;
  subject: string;
  /** Thumbprint of the key that signed. */
  jkt: string;
  /** For a subject whom nobody has spoken for: the collector that does from now on, or null for the subject's own devices. */
  collector: string | null;
  seq: number;
  index: number;
  receivedAt: number;
  body: string;
  salt: Uint8Array;
}

/** @throws RangeError where one of the subjects was erased, which the caller has ruled out under the same lock */
export async function insertEvents(tx: Tx, vault: Vault, events: readonly NewEvent[]): Promise<void> {
  const column = <K extends keyof NewEvent>(key: K): NewEvent[K][] => events.map((event) => event[key]);
  const sealed = await vault.sealFor(
    tx,
    events.map(({ subject, index, body, salt }) => ({
      subject,
      context: contextOf(index),
      bytes: concatBytes(salt, utf8ToBytes(body)),
    })),
  );
  if (sealed.includes(null)) throw new RangeError('an event of an erased subject');
  await sql`insert into consent_subjects (subject, collector)
    select * from unnest(${column('subject')}::text[], ${column('collector')}::text[]) on conflict do nothing`.execute(
    tx,
  );
  await sql`insert into consent_events (event_id, subject, jkt, seq, leaf_index, received_at)
    select * from unnest(${column('id')}::text[], ${column('subject')}::text[], ${column('jkt')}::text[],
      ${column('seq')}::bigint[], ${column('index')}::bigint[], ${column('receivedAt')}::bigint[])`.execute(
    tx,
  );
  await sql`insert into vault (leaf_index, sealed)
    select * from unnest(${column('index')}::bigint[], ${sealed}::bytea[])`.execute(tx);
}

export async function readCollectorParty(db: Db, jkt: string): Promise<string | null> {
  const row = await db.selectFrom('collectors').select('party').where('jkt', '=', jkt).executeTakeFirst();
  return row?.party ?? null;
}

/** Which party each of these keys acts for; those that never spoke are not there. */
export async function readParties(db: Db, jkts: readonly string[]): Promise<Map<string, string>> {
  if (jkts.length === 0) return new Map();
  const rows = await db
    .selectFrom('collectors')
    .selectAll()
    .where(sql<boolean>`jkt = any(${jkts}::text[])`)
    .execute();
  return new Map(rows.map(({ jkt, party }) => [jkt, party]));
}

/** The first party that a key names is the one it acts for. */
export async function bindCollectors(tx: Tx, parties: ReadonlyMap<string, string>): Promise<void> {
  if (parties.size === 0) return;
  await sql`insert into collectors (jkt, party)
    select * from unnest(${[...parties.keys()]}::text[], ${[...parties.values()]}::text[])`.execute(tx);
}
