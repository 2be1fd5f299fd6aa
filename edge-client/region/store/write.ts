/**
 * Changes of twins, many at a time, each function within a transaction of the caller's: what is done to one twin is done in the
 * same way to five hundred. Rows are locked in ascending order of subject, so that two writers never wait for each other.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import type { Category } from '@twinkeep/consent';
import {
  StoreError,
  type AdmittedEvent,
  type FeatureBytes,
  type SignedConsentEntry,
} from '@twinkeep/edge-client/fleet';
import type { CustomerEvent } from '@twinkeep/protocol';
import { sql, type Transaction } from 'kysely';
import { bytesToJson, jsonToBytes, type NodeSecret, type TwinCipher } from './cipher.ts';
import type { KeyRing } from './keys.ts';
import { CHANGE_CHANNEL, type RegionTables } from './schema.ts';

export interface WriteContext {
  keys: KeyRing;
  secret: NodeSecret;
}

type Trx = Transaction<RegionTables>;

/** How features follow from events; null: they are dropped, to be folded anew when a task asks for them. */
export type Fold = (features: FeatureBytes | null, fresh: readonly AdmittedEvent[]) => FeatureBytes;

/** @throws StoreError 'store/twin-exists', 'store/binding-taken' */
export async function addTwins(
  trx: Trx,
  { keys, secret }: WriteContext,
  twins: readonly { subject: string; bindings: readonly string[] }[],
): Promise<void> {
  if (twins.length === 0) return;
  const subjects = twins.map(({ subject }) => subject);
  // What is left of a twin whose key was destroyed would otherwise block its name.
  await sql`DELETE FROM twin WHERE subject = ANY(${subjects})
    AND NOT EXISTS (SELECT FROM twin_key WHERE twin_key.subject = twin.subject)`.execute(trx);
  const added = await trx
    .insertInto('twin')
    .columns(['subject'])
    .expression(sql`SELECT unnest(${subjects}::text[])`)
    .onConflict((conflict) => conflict.doNothing())
    .returning('subject')
    .execute();
  if (added.length < twins.length)
    throw new StoreError('store/twin-exists', 'this twin is kept here already');

  const created = twins.map(({ subject, bindings }) => ({ subject, bindings, ...keys.create(subject) }));
  await trx
    .insertInto('twin_key')
    .values(created.map(({ subject, wrapped }) => ({ subject, wrapped })))
    .execute();
  const bindings = created.flatMap(({ subject, cipher, bindings }) =>
    [...new Set(bindings)].map((binding) => {
      const tag = secret.bindingTag(binding);
      return { tag, subject, sealed: cipher.seal('binding', rowName(tag), jsonToBytes(binding)) };
    }),
  );
  if (bindings.length === 0) return;
  const bound = await trx
    .insertInto('binding')
    .values(bindings)
    .onConflict((conflict) => conflict.doNothing())
    .returning('tag')
    .execute();
  if (bound.length < bindings.length)
    throw new StoreError('store/binding-taken', 'a binding leads to another twin');
}

/** @returns how many events were fresh. @throws StoreError 'store/unknown-twin', 'store/foreign-event' */
export async function recordEvents(
  trx: Trx,
  { keys }: WriteContext,
  twins: readonly { subject: string; events: readonly AdmittedEvent[] }[],
  fold: Fold | null,
): Promise<number> {
  if (twins.some(({ subject, events }) => events.some((event) => event.subject !== subject)))
    throw new StoreError('store/foreign-event', 'an event was admitted for another subject');
  const ciphers = await keys.lockAll(
    trx,
    twins.map(({ subject }) => subject),
  );
  const fresh = await freshEvents(trx, ciphers, twins);
  const changed = fresh.filter(({ rows }) => rows.length > 0);
  if (changed.length === 0) return 0;
  const subjects = changed.map(({ subject }) => subject);
  if (fold === null) await trx.deleteFrom('feature').where('subject', 'in', subjects).execute();
  else await foldFresh(trx, ciphers, changed, fold);
  const rows = changed.flatMap(({ rows }) => rows);
  await insertEvents(trx, rows);
  await touch(trx, subjects);
  return rows.length;
}

/** As arrays: a year of a customer's events is thousands of rows, and a parameter for each cell would cost more than the rows. */
async function insertEvents(trx: Trx, rows: FreshEvents['rows']): Promise<void> {
  await sql`INSERT INTO event (subject, tag, last_day, sealed)
    SELECT * FROM unnest(${rows.map(({ subject }) => subject)}::text[], ${rows.map(({ tag }) => tag)}::bytea[],
      ${rows.map(({ last_day }) => last_day)}::int[], ${rows.map(({ sealed }) => sealed)}::bytea[])`.execute(
    trx,
  );
}

interface FreshEvents {
  subject: string;
  rows: { subject: string; tag: Buffer; last_day: number; sealed: Buffer; event: AdmittedEvent }[];
}

/** Of several events with one id the first counts, whether it stands in the database or earlier in the list. */
async function freshEvents(
  trx: Trx,
  ciphers: ReadonlyMap<string, TwinCipher>,
  twins: readonly { subject: string; events: readonly AdmittedEvent[] }[],
): Promise<FreshEvents[]> {
  const tagged = twins.map(({ subject, events }) => {
    const cipher = ciphers.get(subject) as TwinCipher;
    return {
      subject,
      cipher,
      events: events.map((event) => ({ event, tag: cipher.eventTag(event.event.id) })),
    };
  });
  const kept = await trx
    .selectFrom('event')
    .select(['subject', 'tag'])
    .where(sql<boolean>`subject = ANY(${twins.map(({ subject }) => subject)})`)
    .where(sql<boolean>`tag = ANY(${tagged.flatMap(({ events }) => events.map(({ tag }) => tag))})`)
    .execute();
  const seen = new Set(kept.map(({ subject, tag }) => `${subject} ${rowName(tag)}`));
  return tagged.map(({ subject, cipher, events }) => ({
    subject,
    rows: events.flatMap(({ event, tag }) => {
      const row = rowName(tag);
      if (seen.has(`${subject} ${row}`)) return [];
      seen.add(`${subject} ${row}`);
      const sealed = cipher.seal('event', row, jsonToBytes(event.event));
      return [{ subject, tag, last_day: event.lastDay, sealed, event }];
    }),
  }));
}

async function foldFresh(
  trx: Trx,
  ciphers: ReadonlyMap<string, TwinCipher>,
  changed: readonly FreshEvents[],
  fold: Fold,
): Promise<void> {
  const subjects = changed.map(({ subject }) => subject);
  const before = await trx.selectFrom('feature').selectAll().where('subject', 'in', subjects).execute();
  const states = new Map(before.map(({ subject, sealed }) => [subject, sealed]));
  const features = changed.map(({ subject, rows }) => {
    const sealed = states.get(subject);
    const state = sealed === undefined ? null : ciphers.get(subject)!.open('feature', '', sealed);
    return {
      subject,
      state: fold(
        state,
        rows.map(({ event }) => event),
      ),
    };
  });
  await writeFeatures(trx, ciphers, features);
}

export interface Refold {
  subject: string;
  /** Categories whose events are deleted. */
  forget: readonly Category[];
  fold: (kept: readonly CustomerEvent[]) => FeatureBytes;
}

/** @throws StoreError 'store/unknown-twin', 'store/unreadable' */
export async function refoldEvents(
  trx: Trx,
  { keys }: WriteContext,
  twins: readonly Refold[],
): Promise<void> {
  const subjects = twins.map(({ subject }) => subject);
  const ciphers = await keys.lockAll(trx, subjects);
  const rows = await trx
    .selectFrom('event')
    .select(['subject', 'tag', 'sealed'])
    .where(sql<boolean>`subject = ANY(${subjects})`)
    .execute();
  const work = new Map(twins.map((twin) => [twin.subject, { ...twin, kept: [] as CustomerEvent[] }]));
  const forgotten: Buffer[] = [];
  for (const { subject, tag, sealed } of rows) {
    const event = bytesToJson<CustomerEvent>(ciphers.get(subject)!.open('event', rowName(tag), sealed));
    const { forget, kept } = work.get(subject)!;
    if (forget.includes(event.category)) forgotten.push(tag);
    else kept.push(event);
  }
  const features = [...work.values()].map(({ subject, kept, fold }) => ({ subject, state: fold(kept) }));
  if (forgotten.length > 0)
    await sql`DELETE FROM event WHERE subject = ANY(${subjects}) AND tag = ANY(${forgotten})`.execute(trx);
  await writeFeatures(trx, ciphers, features);
  await touch(trx, subjects);
}

/** Events and the features made of them; a subject without a twin is passed over. */
export async function forgetEvents(trx: Trx, subjects: readonly string[]): Promise<void> {
  await sql`DELETE FROM event WHERE subject = ANY(${subjects})`.execute(trx);
  await sql`DELETE FROM feature WHERE subject = ANY(${subjects})`.execute(trx);
  await touch(trx, subjects);
}

/** @throws StoreError 'store/unknown-twin', 'store/conflict' */
export async function appendConsents(
  trx: Trx,
  { keys, secret }: WriteContext,
  twins: readonly { subject: string; after: number; consents: readonly SignedConsentEntry[] }[],
): Promise<void> {
  const subjects = twins.map(({ subject }) => subject);
  const ciphers = await keys.lockAll(trx, subjects);
  const lengths = await chainLengths(trx, subjects);
  if (twins.some(({ subject, after }) => (lengths.get(subject) ?? 0) !== after))
    throw new StoreError('store/conflict', 'the chain has another length');
  const rows = twins.flatMap(({ subject, after, consents }) =>
    consents.map((consent, i) => {
      const tag = secret.consentTag(consent.id);
      const sealed = ciphers.get(subject)!.seal('consent', rowName(tag), jsonToBytes(consent));
      return { tag, subject, position: after + i, sealed };
    }),
  );
  for (const some of chunks(rows)) await trx.insertInto('consent').values(some).execute();
  if (rows.length > 0) await touch(trx, subjects);
}

async function chainLengths(trx: Trx, subjects: readonly string[]): Promise<Map<string, number>> {
  const rows = await trx
    .selectFrom('consent')
    .select(['subject', (eb) => eb.fn.countAll<string>().as('length')])
    .where(sql<boolean>`subject = ANY(${subjects})`)
    .groupBy('subject')
    .execute();
  return new Map(rows.map(({ subject, length }) => [subject, Number(length)]));
}

async function writeFeatures(
  trx: Trx,
  ciphers: ReadonlyMap<string, TwinCipher>,
  features: readonly { subject: string; state: FeatureBytes }[],
): Promise<void> {
  if (features.length === 0) return;
  await trx
    .insertInto('feature')
    .values(
      features.map(({ subject, state }) => ({
        subject,
        sealed: ciphers.get(subject)!.seal('feature', '', state),
      })),
    )
    .onConflict((conflict) => conflict.column('subject').doUpdateSet({ sealed: sql`excluded.sealed` }))
    .execute();
}

/** Makes every cached copy of these twins stale, and wakes those who wait for a change. */
export async function touch(trx: Trx, subjects: readonly string[]): Promise<void> {
  await sql`UPDATE twin SET revision = nextval('twin_revision') WHERE subject = ANY(${subjects})`.execute(
    trx,
  );
  await sql`SELECT pg_notify(${CHANGE_CHANNEL}, '')`.execute(trx);
}

export function rowName(tag: Uint8Array): string {
  return bytesToBase64Url(tag);
}

/** PostgreSQL takes at most 65,535 parameters in a statement. */
function chunks<T>(rows: readonly T[]): T[][] {
  const size = 2_000;
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
}
