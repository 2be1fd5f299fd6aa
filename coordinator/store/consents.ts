/** The consent ledger: events in log order, who may speak for whom, and the vault with their bodies. */
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';

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
}

const withBody = (db: Db) =>
  db
    .selectFrom('consent_events as e')
    .innerJoin('vault as v', 'v.leaf_index', 'e.leaf_index')
    .select([
      'e.event_id as id',
      'e.subject',
      'e.leaf_index as index',
      'e.received_at as receivedAt',
      'v.body',
    ])
    .orderBy('e.leaf_index');

export async function readEventsAt(db: Db, indices: readonly number[]): Promise<EventWithBody[]> {
  if (indices.length === 0) return [];
  return withBody(db)
    .where(sql<boolean>`e.leaf_index = any(${indices}::bigint[])`)
    .execute();
}

/** All events of these subjects in log order. An event whose body was erased is not among them, and grants nothing. */
export async function readEventsOf(db: Db, subjects: readonly string[]): Promise<EventWithBody[]> {
  if (subjects.length === 0) return [];
  return withBody(db)
    .where(sql<boolean>`e.subject = any(${subjects}::text[])`)
    .execute();
}

/** Which key speaks for each of these subjects; those nobody spoke for are not there. */
export async function readBindings(db: Db, subjects: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('consent_subjects')
    .selectAll()
    .where(sql<boolean>`subject = any(${subjects}::text[])`)
    .execute();
  return new Map(rows.map(({ subject, jkt }) => [subject, jkt]));
}

/** Counter of the newest event that this key sent for each of these subjects. */
export async function readLastSeq(
  db: Db,
  jkt: string,
  subjects: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ subject: string; seq: number }>`
    select subject, max(seq) as seq from consent_events
    where jkt = ${jkt} and subject = any(${subjects}::text[]) group by subject`.execute(db);
  return new Map(rows.map(({ subject, seq }) => [subject, seq]));
}

export interface EventReceipt {
  event: string;
  index: number;
  leaf: Uint8Array;
  salt: Uint8Array;
}

/** Of these events, the receipts of those that are in the log. */
export async function readReceipts(db: Db, ids: readonly string[]): Promise<Map<string, EventReceipt>> {
  const rows = await db
    .selectFrom('consent_events as e')
    .innerJoin('log_leaves as l', 'l.leaf_index', 'e.leaf_index')
    .innerJoin('vault as v', 'v.leaf_index', 'e.leaf_index')
    .select(['e.event_id as event', 'e.leaf_index as index', 'l.leaf', 'v.salt'])
    .where(sql<boolean>`e.event_id = any(${ids}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.event, row]));
}

export interface NewEvent {
  id: string;
  subject: string;
  jkt: string;
  seq: number;
  index: number;
  receivedAt: number;
  body: string;
  salt: Uint8Array;
}

/** Binds subjects that nobody spoke for to the key of their first event. */
export async function insertEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  const column = <K extends keyof NewEvent>(key: K): NewEvent[K][] => events.map((event) => event[key]);
  await sql`insert into consent_subjects (subject, jkt)
    select * from unnest(${column('subject')}::text[], ${column('jkt')}::text[]) on conflict do nothing`.execute(
    tx,
  );
  await sql`insert into consent_events (event_id, subject, jkt, seq, leaf_index, received_at)
    select * from unnest(${column('id')}::text[], ${column('subject')}::text[], ${column('jkt')}::text[],
      ${column('seq')}::bigint[], ${column('index')}::bigint[], ${column('receivedAt')}::bigint[])`.execute(
    tx,
  );
  await sql`insert into vault (leaf_index, body, salt)
    select * from unnest(${column('index')}::bigint[], ${column('body')}::text[], ${column('salt')}::bytea[])`.execute(
    tx,
  );
}

export async function readCollectorParty(db: Db, jkt: string): Promise<string | null> {
  const row = await db.selectFrom('collectors').select('party').where('jkt', '=', jkt).executeTakeFirst();
  return row?.party ?? null;
}

/** The first party that a key names is the one it acts for. @returns that one */
export async function bindCollector(tx: Tx, jkt: string, party: string): Promise<string> {
  const { party: bound } = await tx
    .insertInto('collectors')
    .values({ jkt, party })
    .onConflict((conflict) =>
      conflict.column('jkt').doUpdateSet(({ ref }) => ({ party: ref('collectors.party') })),
    )
    .returning('party')
    .executeTakeFirstOrThrow();
  return bound;
}
