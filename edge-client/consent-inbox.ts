/**
 * Consents that others signed about a twin kept here: another device of the same person, a guardian or an agent, the controller for a session,
 * the help desk or a browser's signal. They are read from the coordinator, and join the chain that this device's gates read and that
 * its next event links to. So a withdrawal on the phone ends what the tablet does.
 *
 * Who is trusted for what. Each event must be in the log of the pinned key, as its receipt shows. What only takes away is taken in whoever
 * signed it: a coordinator that invents a no could as well not answer, and a no that waits for a key that somebody has lost is the greater harm.
 * What may give is taken in only from a key that the pinned issuer vouches for as a device of this subject (or of a guardian or
 * agent, whose delegation must itself be in the chain), or from the pinned key of the controller for what a controller may sign. A
 * coordinator can keep a withdrawal back. It then deceives a device about another one's no, and is found out by whoever holds its receipt.
 */
import { TwinkeepError, vkeyToNoteKey } from '@twinkeep/audit';
import {
  consentEventId,
  verifyConsentEvent,
  type ConsentEvent,
  type ConsentEventType,
} from '@twinkeep/consent';
import {
  consentHistorySchema,
  createKeyring,
  createRepeatedVerify,
  MEDIA,
  PATHS,
  verifyConsentReceipt,
  verifySpeaker,
  type ConsentHistory,
  type ConsentReceipt,
  type Keyring,
  type Speaker,
  type StatedSpeaker,
  type Trust,
} from '@twinkeep/protocol';
import { jwsToEvent } from './consent-chain.ts';
import { StoreError } from './store/errors.ts';
import type { SignedConsentEntry, TwinStore } from './store/port.ts';
import { parseJson } from './transport/answer.ts';
import type { Transport } from './transport/transport.ts';

export interface InboxDeps {
  store: Pick<TwinStore, 'readTwins' | 'appendConsents' | 'addReceipts'>;
  transport: Transport;
  trust: Trust;
}

export interface Merged {
  /** Events that are new here, in the order of the log. */
  added: { subject: string; id: string; event: ConsentEvent; receipt: ConsentReceipt }[];
  /** Events that could give and that nothing vouches for, or that are not what the log has. */
  leftOut: number;
}

export interface Inbox {
  /** Takes in what was logged since the last time. @throws ProblemError, TransportError, StoreError */
  read(signal?: AbortSignal): Promise<Merged>;
}

/** Events after which nothing is allowed that was not before, whatever else they say: a property test of the fold. */
const NARROWING: ReadonlySet<ConsentEventType> = new Set<ConsentEventType>([
  'refuse',
  'withdraw',
  'object',
  'signal',
  'restrict',
  'revoke',
  'invalidate',
  'notice_bump',
  'minor_detected',
]);

const ATTEMPTS = 5;
/** More pages at once than any honest history of a device's subjects needs; the rest comes next time. */
const MAX_PAGES = 256;

/**
 * The cursor is in memory: a start reads again, and what is in a chain already changes nothing. So a crash between the two writes below
 * leaves an event without its receipt, which counts as signed, and gets it next time.
 */
export function createInbox({ store, transport, trust }: InboxDeps): Inbox {
  const key = vkeyToNoteKey(trust.log.vkey);
  let after = -1;

  const readPage = async (page: ConsentHistory): Promise<Merged> => {
    const keyring = createKeyring(await verifySpeakers(page.speakers, trust), trust);
    const verify = createRepeatedVerify();
    const merged: Merged = { added: [], leftOut: 0 };
    for (const { jws, receipt } of page.events) {
      try {
        verifyConsentReceipt(receipt, jws, key, verify);
        const event = await believe(jws, keyring);
        if (await append(store, event.subject, { id: consentEventId(jws), jws }, receipt))
          merged.added.push({ subject: event.subject, id: receipt.event, event, receipt });
      } catch (error) {
        // What is wrong with one event must not hold up the withdrawal behind it.
        if (!(error instanceof TwinkeepError) || error instanceof StoreError) throw error;
        merged.leftOut++;
      }
    }
    return merged;
  };

  return {
    async read(signal) {
      const all: Merged = { added: [], leftOut: 0 };
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const page = await fetchHistory(transport, after, signal);
        const merged = await readPage(page);
        all.added.push(...merged.added);
        all.leftOut += merged.leftOut;
        after = Math.max(after, ...page.events.map(({ receipt }) => receipt.index));
        if (page.next === null) break;
      }
      return all;
    },
  };
}

async function fetchHistory(
  transport: Transport,
  after: number,
  signal?: AbortSignal,
): Promise<ConsentHistory> {
  const answer = await transport.request({
    method: 'GET',
    path: PATHS.consents,
    query: { others: 'true', ...(after < 0 ? {} : { after }) },
    auth: 'device',
    wanted: MEDIA.json,
    signal,
  });
  return parseJson(answer, consentHistorySchema);
}

async function verifySpeakers(
  stated: readonly StatedSpeaker[],
  trust: Trust,
): Promise<ReadonlyMap<string, Speaker>> {
  const verified = new Map<string, Speaker>();
  for (const each of stated) {
    // A key that nobody vouches for gives nothing; what it takes away is taken in all the same.
    const speaker = await verifySpeaker(each, trust).catch(() => null);
    if (speaker !== null) verified.set(speaker.credential.jkt, speaker);
  }
  return verified;
}

/** @throws ConsentError where it could give, and is not signed by who may */
async function believe(jws: string, keyring: Keyring): Promise<ConsentEvent> {
  const event = jwsToEvent(jws);
  if (NARROWING.has(event.event.type)) return event;
  const key = await keyring(jws);
  return (await verifyConsentEvent(jws, (kid) => (key?.kid === kid ? key : undefined))).event;
}

/** @returns whether it is new here; false for somebody whose twin is not kept here */
async function append(
  store: InboxDeps['store'],
  subject: string,
  entry: SignedConsentEntry,
  receipt: ConsentReceipt,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const [twin] = await store.readTwins([subject]);
    if (twin === undefined) return false;
    const known = twin.consents.find(({ id }) => id === entry.id);
    try {
      if (known === undefined) await store.appendConsents(subject, twin.consents.length, [entry]);
      if (known?.receipt === null || known === undefined) await store.addReceipts([receipt]);
      return known === undefined;
    } catch (error) {
      // Another tab added to the chain meanwhile.
      const conflict = error instanceof StoreError && error.code === 'store/conflict';
      if (!conflict || attempt === ATTEMPTS) throw error;
    }
  }
}
