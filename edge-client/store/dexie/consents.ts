/**
 * Twins come and go, and consents are added to their chains. A withdrawal takes its events with it in the transaction that stores it:
 * there is no moment, and no crash, after which the consent is gone and what was kept on its strength is still there.
 *
 * In the files of the browser deleted rows may stay for a while, sealed under a key that still exists, where only one twin or one
 * category is deleted: to be rid of the bytes takes the erasure of the whole store, see erase.ts.
 */
import type { Category } from '@twinkeep/consent';
import { utf8ToBytes } from '@twinkeep/audit';
import type { ConsentReceipt } from '@twinkeep/protocol';
import { StoreError } from '../errors.ts';
import type { ConsentEntry, SignedConsentEntry } from '../port.ts';
import { createRowId, createSecret, openSecret } from './cipher.ts';
import { currentTransaction, dropFeatures } from './events.ts';
import { StaleError } from './failure.ts';
import { TABLES_OF_TWIN, type ConsentRow, type TwinRow } from './schema.ts';
import {
  jsonToBytes,
  placeOfConsent,
  placeOfReceipt,
  placeOfSubject,
  tagChain,
  type OpenTwin,
  type StoreContext,
} from './twins.ts';

export async function addTwin(
  { db, crypto, keys }: StoreContext,
  subject: string,
  bindings: readonly string[],
): Promise<void> {
  const { cipher, root } = keys;
  const id = createRowId(crypto);
  const wrapped = await createSecret(crypto, root, id);
  const own = await openSecret(crypto, root, wrapped, id);
  const tags = await Promise.all([...new Set(bindings)].map((binding) => cipher.tag('binding', binding)));
  const row: TwinRow = {
    id,
    tag: await cipher.tag('subject', subject),
    wrapped,
    sealed: await cipher.seal(placeOfSubject(id), utf8ToBytes(subject)),
    consents: await tagChain(own, []),
    state: createRowId(crypto),
  };
  await db.transaction('rw', db.twin, db.binding, async () => {
    if ((await db.twin.where('tag').equals(row.tag).count()) > 0)
      throw new StoreError('store/twin-exists', 'this twin is kept here already');
    if ((await db.binding.bulkGet(tags)).some((taken) => taken !== undefined))
      throw new StoreError('store/binding-taken', 'a binding leads to another twin');
    await db.twin.add(row);
    await db.binding.bulkAdd(tags.map((tag) => ({ id: tag, twin: id })));
  });
}

export async function findTwin({ db, keys, twins }: StoreContext, binding: string): Promise<string | null> {
  const tag = await keys.cipher.tag('binding', binding);
  const row = await db.transaction('r', db.twin, db.binding, async () => {
    const found = await db.binding.get(tag);
    return found === undefined ? undefined : db.twin.get(found.twin);
  });
  return row === undefined ? null : twins.subjectOf(row);
}

export async function listTwins(
  { db, twins }: StoreContext,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const subjects = await Promise.all((await db.twin.toArray()).map((row) => twins.subjectOf(row)));
  return subjects
    .filter((subject) => after === null || subject > after)
    .sort()
    .slice(0, limit);
}

/** Key and rows are gone for whoever asks the database; Chromium's files hold both until they are compacted. */
export async function deleteTwin({ db, keys, gate, twins }: StoreContext, subject: string): Promise<void> {
  const tag = await keys.cipher.tag('subject', subject);
  const deleted = await db.transaction(
    'rw',
    [db.twin, db.event, ...TABLES_OF_TWIN.map((name) => db[name])],
    async () => {
      const row = await db.twin.where('tag').equals(tag).first();
      if (row === undefined) return null;
      await gate.purge(currentTransaction(), row.id, new Set());
      for (const name of TABLES_OF_TWIN) await db.table(name).where('twin').equals(row.id).delete();
      await db.twin.delete(row.id);
      return row.id;
    },
  );
  if (deleted !== null) twins.forget(deleted);
}

/**
 * As the port says. Where the longer chain no longer lets a category be kept, its events are deleted, and the features, which may
 * speak of them, are dropped until `refoldEvents` makes them anew.
 */
export async function appendConsents(
  context: StoreContext,
  subject: string,
  after: number,
  consents: readonly SignedConsentEntry[],
): Promise<void> {
  const { db, twins, gate } = context;
  const twin = await twins.get(subject);
  if (twin.chain.length !== after) throw new StoreError('store/conflict', 'the chain has another length');
  if (consents.length === 0) return;
  const longer = [
    ...twin.chain,
    ...consents.map(({ id, jws }): ConsentEntry => ({ id, jws, receipt: null })),
  ];
  const { keep, lost } = compareAllowed(context, twin, longer);
  const tag = await tagChain(twin.cipher, longer);
  const rows = await sealConsents(context, twin, after, consents);
  const dropped = lost ? await dropFeatures(twin) : null;
  await db.transaction('rw', db.twin, db.consent, db.event, db.feature, async () => {
    const now = await db.twin.get(twin.row.id);
    if (now?.consents !== twin.row.consents) throw new StaleError('the chain has changed');
    if ((await db.consent.bulkGet(rows.map(({ id }) => id))).some((known) => known !== undefined))
      throw new StoreError('store/conflict', 'a consent is in a chain already');
    await db.consent.bulkAdd(rows);
    await gate.purge(currentTransaction(), now.id, keep);
    if (dropped !== null) await db.feature.put(dropped);
    await db.twin.put({ ...now, consents: tag });
  });
}

export async function pendingConsents(
  { twins }: StoreContext,
  limit: number,
): Promise<{ subject: string; id: string; jws: string }[]> {
  return (await twins.all())
    .flatMap(({ subject, chain }) =>
      chain.filter(({ receipt }) => receipt === null).map(({ id, jws }) => ({ subject, id, jws })),
    )
    .slice(0, limit);
}

/** As the port says. A receipt that makes a chain unreadable is refused, with all others: whoever sends them is not the subject. */
export async function addReceipts(
  { db, keys, twins, rule }: StoreContext,
  receipts: readonly ConsentReceipt[],
): Promise<void> {
  const first = new Map(receipts.toReversed().map(({ event, ...place }) => [event, place]));
  const changes: { row: TwinRow; tag: string; sealed: { id: string; receipt: Uint8Array }[] }[] = [];
  for (const { subject, row, cipher, chain } of await twins.all()) {
    const sealed: { id: string; receipt: Uint8Array }[] = [];
    const logged: ConsentEntry[] = [];
    for (const entry of chain) {
      const receipt = entry.receipt ?? first.get(entry.id) ?? null;
      logged.push({ ...entry, receipt });
      if (receipt === null || entry.receipt !== null) continue;
      const id = await keys.cipher.tag('consent', entry.id);
      sealed.push({ id, receipt: await cipher.seal(placeOfReceipt(row.id, id), jsonToBytes(receipt)) });
    }
    if (sealed.length === 0) continue;
    rule(subject, logged);
    changes.push({ row, tag: await tagChain(cipher, logged), sealed });
  }
  if (changes.length === 0) return;
  await db.transaction('rw', db.twin, db.consent, async () => {
    for (const { row, tag, sealed } of changes) {
      const now = await db.twin.get(row.id);
      if (now?.consents !== row.consents) throw new StaleError('the chain has changed');
      for (const { id, receipt } of sealed) await db.consent.update(id, { receipt });
      await db.twin.put({ ...now, consents: tag });
    }
  });
}

/** What may be kept under the longer chain, and whether that is less than before. */
function compareAllowed(
  { rule, clock }: StoreContext,
  twin: OpenTwin,
  longer: readonly ConsentEntry[],
): { keep: ReadonlySet<Category>; lost: boolean } {
  const now = clock();
  const keep = rule(twin.subject, longer)(now);
  return { keep, lost: [...twin.allowed(now)].some((category) => !keep.has(category)) };
}

async function sealConsents(
  { keys }: StoreContext,
  { row, cipher }: OpenTwin,
  after: number,
  consents: readonly SignedConsentEntry[],
): Promise<ConsentRow[]> {
  return Promise.all(
    consents.map(async ({ id: event, jws }, i) => {
      const id = await keys.cipher.tag('consent', event);
      const plaintext = jsonToBytes({ position: after + i, id: event, jws });
      return { id, twin: row.id, sealed: await cipher.seal(placeOfConsent(row.id, id), plaintext) };
    }),
  );
}
