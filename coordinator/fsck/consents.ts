/**
 * Consents: what lies in the vault opens under its subject's key, is what the leaf commits to, and is the event that the ledger has at that
 * place. What else the ledger says (who speaks for whom, for which party) follows from the events and is compared with them at the end.
 */
import { base64UrlToBytes, bytesToUtf8, verifyCommitment, type LeafEnvelope } from '@twinkeep/audit';
import { consentEventId } from '@twinkeep/consent';
import { nativeSha256 } from '../log/journal.ts';
import type { Row } from '../store/schema.ts';
import { contextOf } from '../store/consents.ts';
import { bodyToEvent } from '../consents/ledger.ts';
import type { ToOpen, Vault } from '../store/vault.ts';
import { reasonOf, type Checkup } from './checkup.ts';

export interface StoredConsent {
  leaf: Uint8Array;
  envelope: LeafEnvelope;
  event: Row<'consent_events'>;
  /** Null where the vault has nothing for this leaf. */
  sealed: Row<'vault'> | null;
}

/** What the events say of those tables that repeat it. */
export interface ConsentSummary {
  /** Of each subject's first event: the collector's key, null where the subject's own device spoke. */
  collectors: Map<string, { index: number; collector: string | null }>;
  /** The party that a key named as a collector. */
  parties: Map<string, string>;
  /** Keys that signed. */
  signers: Set<string>;
  /** Events that were erased: a collector may have had no other. */
  erased: number;
  /** Events that did not open, of which this knows nothing. */
  unopened: number;
}

export function createConsentSummary(): ConsentSummary {
  return { collectors: new Map(), parties: new Map(), signers: new Set(), erased: 0, unopened: 0 };
}

const MINUTE = 60_000;

export async function checkConsents(
  checkup: Checkup,
  vault: Vault | null,
  consents: readonly StoredConsent[],
  summary: ConsentSummary,
): Promise<void> {
  const { found } = checkup;
  const filled = consents.flatMap((consent) => {
    const { event, sealed, envelope } = consent;
    const where = `consent_events, leaf ${event.leaf_index}`;
    if (envelope.type !== 'consent') found(where, 'its leaf is of another type');
    if (Math.floor(event.received_at / MINUTE) * MINUTE !== Date.parse(envelope.at))
      found(where, 'was not taken in the minute that the leaf says');
    if (sealed !== null) return [{ ...consent, sealed }];
    found(where, 'the vault has nothing for it, and its subject was not erased');
    return [];
  });
  if (vault === null) return;
  const opened = await openAll(checkup, vault, filled);
  for (const [i, consent] of filled.entries()) {
    const bytes = opened[i] ?? null;
    if (bytes === null) summary.unopened++;
    else checkOpened(checkup, consent, bytes, summary);
  }
}

type Filled = StoredConsent & { sealed: Row<'vault'> };

/** All at once, and one by one where one of them does not open. */
async function openAll(
  { db, found }: Checkup,
  vault: Vault,
  consents: readonly Filled[],
): Promise<(Uint8Array | null)[]> {
  const toOpen = ({ event, sealed }: Filled): ToOpen => ({
    subject: event.subject,
    context: contextOf(event.leaf_index),
    sealed: sealed.sealed,
  });
  try {
    const opened = await vault.openFor(db, consents.map(toOpen));
    if (!opened.includes(null)) return opened;
  } catch {
    // Which one it is, is found below.
  }
  const opened: (Uint8Array | null)[] = [];
  for (const consent of consents) {
    const where = `vault, leaf ${consent.event.leaf_index}`;
    let bytes: Uint8Array | null = null;
    try {
      bytes = (await vault.openFor(db, [toOpen(consent)]))[0] ?? null;
      if (bytes === null) found(where, 'its subject has no key, and was not erased');
    } catch {
      found(where, "does not open under its subject's key: the row, the key or the subject was altered");
    }
    opened.push(bytes);
  }
  return opened;
}

const SALT_BYTES = 32;

function checkOpened(
  { found }: Checkup,
  { leaf, event: row }: Filled,
  bytes: Uint8Array,
  summary: ConsentSummary,
): void {
  const where = `consent_events, leaf ${row.leaf_index}`;
  try {
    const body = bytesToUtf8(bytes.subarray(SALT_BYTES));
    if (!verifyCommitment(leaf, body, bytes.subarray(0, SALT_BYTES), nativeSha256))
      return found(`vault, leaf ${row.leaf_index}`, 'is not what the leaf commits to');
    const event = bodyToEvent(body);
    const { kid } = JSON.parse(bytesToUtf8(base64UrlToBytes(body.split('.')[0] ?? ''))) as { kid: string };
    if (consentEventId(body) !== row.event_id) found(where, 'is stored under the id of another event');
    if (event.subject !== row.subject) found(where, 'is stored as about another subject');
    if (event.seq !== row.seq) found(where, 'is stored under another counter');
    if (kid !== row.jkt) found(where, 'is stored as signed by another key');
    const { subject, jkt, leaf_index: index } = row;
    const party = event.collectedBy?.party ?? null;
    const before = summary.collectors.get(subject);
    if (before === undefined || index < before.index)
      summary.collectors.set(subject, { index, collector: party === null ? null : jkt });
    if (party !== null) summary.parties.set(jkt, party);
    // The controller's own key is the coordinator's, which nobody vouches for but the trust file.
    if (event.event.by !== 'controller') summary.signers.add(jkt);
  } catch (error) {
    found(where, `cannot be read as it was written: ${reasonOf(error)}`);
  }
}

/** Tables that repeat what the events say. To be called after all events were seen. */
export async function checkLedger(checkup: Checkup, summary: ConsentSummary): Promise<void> {
  const { db, found } = checkup;
  const subjects = new Map(
    (await db.selectFrom('consent_subjects').selectAll().execute()).map((row) => [
      row.subject,
      row.collector,
    ]),
  );
  for (const [subject, { index, collector }] of summary.collectors) {
    const where = `consent_subjects, subject of leaf ${index}`;
    if (!subjects.has(subject)) found(where, 'is missing');
    else if (subjects.get(subject) !== collector)
      found(where, 'names another collector than the first event about the subject');
  }
  const without = [...subjects.keys()].filter((subject) => !summary.collectors.has(subject)).length;
  if (without > 0 && summary.unopened === 0)
    found('consent_subjects', `${without} subjects without an event`);

  const parties = new Map(
    (await db.selectFrom('collectors').selectAll().execute()).map(({ jkt, party }) => [jkt, party]),
  );
  for (const [jkt, party] of summary.parties)
    if (parties.get(jkt) !== party) found(`collectors, key ${jkt}`, 'names another party than its events');
  for (const jkt of parties.keys())
    if (!summary.parties.has(jkt) && summary.erased + summary.unopened === 0)
      found(`collectors, key ${jkt}`, 'no event is by this key');
}
