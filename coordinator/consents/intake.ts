/**
 * Taking consent events in: verified first, then admitted and logged in one transaction, then answered with receipts.
 *
 * Who may speak for a subject: any key with a credential for that one twin, so all of a person's devices; and the collector (a region node, a key
 * with credentials for many twins, for the party it first named) that spoke for the subject before anybody else did. A
 * withdrawal counts from the moment it is logged: a report that holds the twin and was
 * uploaded before is dropped whole when its round's set is fixed later; once the set is fixed, the withdrawal counts from the next round.
 *
 * A batch is taken whole or not at all. Sent again, it gets the same receipts: a lost answer costs nothing.
 */
import { base64UrlToBytes, bytesToBase64Url, bytesToUtf8 } from '@twinkeep/audit';
import {
  admitConsent,
  applyConsent,
  ConsentError,
  importConsentKey,
  verifyConsentEvent,
  type ConsentErrorCode,
  type ConsentKey,
  type KeyHolder,
  type SignedConsent,
} from '@twinkeep/consent';
import {
  ProblemError,
  publicKeyToJwk,
  type ConsentReceipts,
  type Credential,
  type ProblemCode,
} from '@twinkeep/protocol';
import type { Journal, LoggedEntry } from '../log/journal.ts';
import {
  bindCollector,
  insertEvents,
  readCollectorParty,
  readLastSeq,
  readReceipts,
  type EventReceipt,
} from '../store/consents.ts';
import type { Db, Tx } from '../store/schema.ts';
import type { RunTx } from '../store/tx.ts';
import type { Vault } from '../store/vault.ts';
import type { ConsentLedger, SubjectConsent } from './ledger.ts';

export interface ConsentSender {
  credential: Credential;
  /** Base64url of the raw device key, as the request's proof showed it. */
  kid: string;
}

export interface ConsentIntakeDeps {
  db: Db;
  runTx: RunTx;
  journal: Journal;
  ledger: ConsentLedger;
  vault: Vault;
  clock: () => number;
}

export type TakeConsents = (events: readonly string[], sender: ConsentSender) => Promise<ConsentReceipts>;

/** @returns a function that throws ProblemError 'consent/invalid', 'consent/conflict' or 'consent/foreign', naming the event by its place */
export function createConsentIntake(deps: ConsentIntakeDeps): TakeConsents {
  return async (jwsList, sender) => {
    const key = await senderKey(deps.db, sender, jwsList[0]);
    const signed: SignedConsent[] = [];
    for (const [place, jws] of jwsList.entries()) {
      signed.push(
        await namingPlace(place, () => verifyConsentEvent(jws, (kid) => (kid === key.kid ? key : undefined))),
      );
    }
    const receipts = await deps.runTx('consents', (tx) =>
      logEvents(tx, deps, signed, sender.credential.jkt, key.holder),
    );
    return {
      receipts: signed.map(({ id }) => {
        const { event, index, leaf, salt } = receipts.get(id) as EventReceipt;
        return { event, index, leaf: bytesToBase64Url(leaf), salt: bytesToBase64Url(salt) };
      }),
    };
  };
}

/** For whom this key may sign, before anything it signed is believed. */
async function senderKey(
  db: Db,
  { credential, kid }: ConsentSender,
  firstJws: string | undefined,
): Promise<ConsentKey> {
  const holder: KeyHolder =
    credential.maxTwins === 1
      ? { role: 'subject', subject: credential.sub }
      : {
          role: 'collector',
          party: (await readCollectorParty(db, credential.jkt)) ?? claimedParty(firstJws),
        };
  return importConsentKey(publicKeyToJwk(base64UrlToBytes(kid)), holder);
}

/** Not verified yet: the event is checked against it with everything else, and the first one that is taken fixes it. */
function claimedParty(jws: string | undefined): string {
  try {
    const payload: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jws?.split('.')[1] ?? '')));
    const { collectedBy } = payload as { collectedBy?: { party?: unknown } };
    return String(collectedBy?.party ?? '');
  } catch {
    return '';
  }
}

/** Holding the log's lock: bindings, counters and states stand still, so all checks below are true when the events are logged. */
async function logEvents(
  tx: Tx,
  { journal, ledger, vault, clock }: ConsentIntakeDeps,
  signed: readonly SignedConsent[],
  jkt: string,
  holder: KeyHolder,
): Promise<Map<string, EventReceipt>> {
  await journal.lock(tx);
  const receipts = await readReceipts(
    tx,
    vault,
    signed.map(({ id }) => id),
  );
  const fresh = signed
    .map((event, place) => ({ ...event, place }))
    .filter(({ id, place }) => !receipts.has(id) && signed.findIndex((other) => other.id === id) === place);
  if (fresh.length === 0) return receipts;
  if (holder.role === 'collector' && (await bindCollector(tx, jkt, holder.party)) !== holder.party)
    throw new ProblemError('consent/foreign', 'the key acts for another party');
  const now = clock();
  await admitAll(tx, { ledger, vault }, fresh, jkt, holder.role, now);

  const bodies = fresh.map(({ jws }) => ({ type: 'consent', body: jws }));
  const entries = await journal.append(tx, bodies, now);
  const rows = fresh.map(({ id, jws, event }, i) => {
    const { index, leaf, salt } = entries[i] as LoggedEntry;
    receipts.set(id, { event: id, index, leaf, salt });
    const { subject, seq } = event;
    const collector = holder.role === 'collector' ? jkt : null;
    return { id, subject, jkt, collector, seq, index, receivedAt: now, body: jws, salt };
  });
  await insertEvents(tx, vault, rows);
  return receipts;
}

async function admitAll(
  tx: Tx,
  { ledger, vault }: Pick<ConsentIntakeDeps, 'ledger' | 'vault'>,
  fresh: readonly (SignedConsent & { place: number })[],
  jkt: string,
  role: KeyHolder['role'],
  now: number,
): Promise<void> {
  const subjects = [...new Set(fresh.map(({ event }) => event.subject))];
  const consents = await ledger.read(tx, subjects);
  const lastSeq = await readLastSeq(tx, jkt, subjects);
  if ((await vault.erased(tx, subjects)).size > 0) throw new ProblemError('consent/erased');
  for (const { id, event, place } of fresh) {
    const { subject, seq } = event;
    const before = consents.get(subject) as SubjectConsent;
    const isNew = before.state.subject === null;
    if (role === 'collector' && !isNew && before.collector !== jkt)
      throw new ProblemError('consent/foreign', `event ${place}`);
    if (seq <= (lastSeq.get(subject) ?? 0))
      throw new ProblemError('consent/conflict', `event ${place}: its counter was used`);
    await namingPlace(place, () => admitConsent(event, before.state, now));
    // Where exactly it will stand matters to nobody here but the next event of the same subject, which comes after it.
    const index = before.state.lastIndex + 1;
    const collector = isNew && role === 'collector' ? jkt : before.collector;
    consents.set(subject, {
      collector,
      state: applyConsent(before.state, { id, event, index, receivedAt: now }),
    });
    lastSeq.set(subject, seq);
  }
}

const CODES: Partial<Record<ConsentErrorCode, ProblemCode>> = {
  'consent/key-unknown': 'consent/foreign',
  'consent/signer-not-entitled': 'consent/foreign',
  'consent/subject-mismatch': 'consent/conflict',
  'consent/out-of-order': 'consent/conflict',
  'consent/link-unknown': 'consent/conflict',
};

/** Messages of consent errors name fields and rules, never values. */
async function namingPlace<T>(place: number, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    throw new ProblemError(CODES[error.code] ?? 'consent/invalid', `event ${place}: ${error.message}`);
  }
}
