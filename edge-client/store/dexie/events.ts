/**
 * Events of a twin and the features folded from them. WebCrypto cannot be awaited inside a transaction, which would end; so each
 * method reads in one transaction, seals and opens outside, and writes in a second one that first checks that the twin is as it
 * was read. Where another tab was faster it throws `StaleError` and is called again: nothing of it was written.
 */
import { concatBytes } from '@twinkeep/audit';
import { CATEGORIES, type Category } from '@twinkeep/consent';
import type { CustomerEvent } from '@twinkeep/protocol';
import { Dexie, type DBCoreTransaction } from 'dexie';
import type { AdmittedEvent } from '../../admit.ts';
import { StoreError } from '../errors.ts';
import type { FeatureBytes, StoredTwin } from '../port.ts';
import { createRowId, type Cipher, type Place } from './cipher.ts';
import { StaleError } from './failure.ts';
import type { EventRow, FeatureRow, StoreDatabase } from './schema.ts';
import { bytesToJson, jsonToBytes, type OpenTwin, type StoreContext } from './twins.ts';

type Fold = (features: FeatureBytes | null, fresh: readonly AdmittedEvent[]) => FeatureBytes;

/**
 * As the port says. An event whose category may not be kept (any more) is not fresh. Features that a withdrawal dropped stay
 * dropped until `refoldEvents`: folding into nothing would lose what the kept events say.
 */
export async function recordEvents(
  { db, crypto, twins, clock }: StoreContext,
  subject: string,
  events: readonly AdmittedEvent[],
  fold: Fold,
): Promise<number> {
  if (events.some((event) => event.subject !== subject))
    throw new StoreError('store/foreign-event', 'an event was admitted for another subject');
  const twin = await twins.get(subject);
  const { cipher, row } = twin;
  const allowed = twin.allowed(clock());
  const tagged = await tagEvents(
    cipher,
    events.filter(({ event }) => allowed.has(event.category)),
  );
  const before = await db.transaction('r', db.twin, db.event, db.feature, async () => ({
    state: (await db.twin.get(row.id))?.state,
    kept: await db.event.bulkGet([...tagged.keys()].map((id): [string, string] => [row.id, id])),
    feature: await db.feature.get(row.id),
  }));
  const kept = new Set(before.kept.map((event) => event?.id));
  const fresh = [...tagged].filter(([id]) => !kept.has(id));
  if (fresh.length === 0) return 0;

  const state = await openFeatures(twin, before.feature);
  const folded = state.dropped
    ? null
    : fold(
        state.features,
        fresh.map(([, event]) => event),
      );
  const rows = await Promise.all(fresh.map(([id, event]) => sealEvent(twin, id, event)));
  const feature = folded === null ? null : await sealFeatures(twin, folded);
  await db.transaction('rw', db.twin, db.event, db.feature, async () => {
    await touchUnchanged(db, { ...row, state: before.state }, createRowId(crypto));
    await db.event.bulkPut(rows);
    if (feature !== null) await db.feature.put(feature);
  });
  return rows.length;
}

/** As the port says. Events that the gate hides are deleted too, and features that were dropped are back. */
export async function refoldEvents(
  { db, crypto, twins, gate, clock }: StoreContext,
  subject: string,
  forget: readonly Category[],
  fold: (kept: readonly CustomerEvent[]) => FeatureBytes,
): Promise<void> {
  const twin = await twins.get(subject);
  const { row } = twin;
  const allowed = twin.allowed(clock());
  const keep = new Set(CATEGORIES.filter((category) => allowed.has(category) && !forget.includes(category)));
  const before = await db.transaction('r', db.twin, db.event, async () => ({
    state: (await db.twin.get(row.id))?.state,
    events: await db.event.where('twin').equals(row.id).toArray(),
  }));
  const events = await Promise.all(before.events.map((event) => openEvent(twin, event)));
  const feature = await sealFeatures(twin, fold(events.filter(({ category }) => keep.has(category))));
  await db.transaction('rw', db.twin, db.event, db.feature, async () => {
    await touchUnchanged(db, { ...row, state: before.state }, createRowId(crypto));
    await gate.purge(currentTransaction(), row.id, keep);
    await db.feature.put(feature);
  });
}

/** In the order asked; a twin that is deleted meanwhile is left out. */
export async function readTwins(
  { db, twins }: StoreContext,
  subjects: readonly string[],
): Promise<StoredTwin[]> {
  const found = await Promise.all(subjects.map((subject) => twins.find(subject)));
  const known = found.filter((twin) => twin !== null);
  const features = await db.feature.bulkGet(known.map(({ row }) => row.id));
  return Promise.all(
    known.map(async (twin, i) => ({
      subject: twin.subject,
      features: (await openFeatures(twin, features[i])).features,
      consents: twin.chain as StoredTwin['consents'],
    })),
  );
}

/** For the person's own copy: what is kept and may be kept, oldest first. @throws StoreError 'store/unreadable' */
export async function readEvents({ db, twins }: StoreContext, subject: string): Promise<CustomerEvent[]> {
  const twin = await twins.get(subject);
  const rows = await db.event.where('twin').equals(twin.row.id).toArray();
  const events = await Promise.all(rows.map((row) => openEvent(twin, row)));
  return events.sort((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1));
}

/** What a withdrawal leaves of features: a mark that they are to be folded anew from the events that are kept. */
export function dropFeatures(twin: OpenTwin): Promise<FeatureRow> {
  return sealFeatures(twin, null);
}

/** The transaction that runs, for the gate. */
export function currentTransaction(): DBCoreTransaction {
  return Dexie.currentTransaction.idbtrans;
}

/** In a transaction. @throws StaleError where the twin is gone or not as it was read: the next attempt tells which */
async function touchUnchanged(
  db: StoreDatabase,
  read: { id: string; consents: string; state: string | undefined },
  state: string,
): Promise<void> {
  const now = await db.twin.get(read.id);
  if (now === undefined || now.state !== read.state || now.consents !== read.consents)
    throw new StaleError('the twin has changed');
  await db.twin.put({ ...now, state });
}

/** By tag; of several events with one id the first counts. */
async function tagEvents(
  cipher: Cipher,
  events: readonly AdmittedEvent[],
): Promise<Map<string, AdmittedEvent>> {
  const tags = await Promise.all(events.map(({ event }) => cipher.tag('event', event.id)));
  const tagged = new Map<string, AdmittedEvent>();
  events.forEach((event, i) => {
    const tag = tags[i] as string;
    if (!tagged.has(tag)) tagged.set(tag, event);
  });
  return tagged;
}

async function sealEvent(
  { row, cipher }: OpenTwin,
  id: string,
  { event, lastDay }: AdmittedEvent,
): Promise<EventRow> {
  const clear = { twin: row.id, id, day: lastDay, category: cipher.categories.create(id, event.category) };
  return { ...clear, sealed: await cipher.seal(placeOfEvent(clear), jsonToBytes(event)) };
}

async function openEvent({ cipher }: OpenTwin, row: EventRow): Promise<CustomerEvent> {
  return bytesToJson(await cipher.open(placeOfEvent(row), row.sealed));
}

/** The gate goes by the clear fields, so they are authenticated with what they speak of. */
function placeOfEvent({ twin, id, day, category }: Omit<EventRow, 'sealed'>): Place {
  return { table: 'event', twin, row: id, clear: `${day} ${category.join()}` };
}

/** @param features null: dropped */
async function sealFeatures({ row, cipher }: OpenTwin, features: FeatureBytes | null): Promise<FeatureRow> {
  const plaintext = concatBytes(Uint8Array.of(features === null ? 1 : 0), features ?? new Uint8Array());
  return { twin: row.id, sealed: await cipher.seal(placeOfFeatures(row.id), plaintext) };
}

async function openFeatures(
  { cipher }: OpenTwin,
  row: FeatureRow | undefined,
): Promise<{ features: FeatureBytes | null; dropped: boolean }> {
  if (row === undefined) return { features: null, dropped: false };
  const plaintext = await cipher.open(placeOfFeatures(row.twin), row.sealed);
  const dropped = plaintext[0] === 1;
  return { features: dropped ? null : plaintext.slice(1), dropped };
}

function placeOfFeatures(twin: string): Place {
  return { table: 'feature', twin, row: twin };
}
