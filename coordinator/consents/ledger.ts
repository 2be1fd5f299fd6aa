/**
 * Consent states, folded from the logged events and stored nowhere: the events are the truth, and a state in a table could only disagree with
 * them. What was folded is kept in memory and carried forward event by event.
 *
 * Why what is kept is never stale: events are appended under the lock of the log's head, so they become visible in log order. `cursor` is
 * the newest index that was looked at; everything kept is complete up to it, and `sync` reads what lies behind it. A transaction
 * that holds the head's lock therefore sees, after `sync`, exactly the consents of that size of the log.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import {
  applyConsent,
  decide,
  NO_CONSENT,
  type ConsentEvent,
  type ConsentQuestion,
  type ConsentState,
} from '@twinkeep/consent';
import {
  readCollectors,
  readEventsAfter,
  readEventsAt,
  readEventsOf,
  readNewestIndex,
  type EventWithBody,
} from '../store/consents.ts';
import { isDenial, type GateDenial } from '@twinkeep/protocol';
import type { Db } from '../store/schema.ts';
import { readNewestErasure, type Vault } from '../store/vault.ts';

export interface SubjectConsent {
  state: ConsentState;
  /** Thumbprint of the collector that speaks for the subject; null where the subject's own devices do, or nobody has yet. */
  collector: string | null;
}

export type BulkQuestion = Omit<ConsentQuestion, 'subject'>;

export interface ConsentLedger {
  /** As of now, or as of the log size whose lock the transaction holds. */
  read(db: Db, subjects: readonly string[]): Promise<Map<string, SubjectConsent>>;
  /**
   * For each report, null where all of its members may contribute through its device, else why the first that may not is denied. Asked twice
   * of each twin in a round, so answers are kept until the state changes or time alone may change them.
   */
  judge(
    db: Db,
    question: BulkQuestion,
    reports: readonly ReportMembers[],
    at: number,
  ): Promise<(GateDenial | null)[]>;
}

export interface ReportMembers {
  members: readonly string[];
  /** Pseudonym of the reporter's credential. */
  sub: string;
  /** Thumbprint of the reporting device. */
  jkt: string;
}

interface Kept extends SubjectConsent {
  /** To the question asked last. `until`: the first moment at which it may be another one. */
  answer: { question: BulkQuestion; denial: GateDenial | null; until: number } | null;
}

/** One for each task. */
const KEPT_QUESTIONS = 256;
/** Some kilobytes each. Beyond that, the oldest are folded again when they are needed. */
const KEPT_SUBJECTS = 50_000;

export function createConsentLedger(vault: Vault, capacity: number = KEPT_SUBJECTS): ConsentLedger {
  const kept = new Map<string, Kept>();
  let cursor = -1;
  let erasures = 0;

  /** An erasure leaves no event behind to read. It is rare: everything kept is folded again when it is needed. */
  const forgetErased = async (db: Db): Promise<void> => {
    const newest = await readNewestErasure(db);
    if (newest <= erasures) return;
    erasures = newest;
    kept.clear();
  };

  /** Carries everything kept forward to the newest event that `db` can see. */
  const sync = async (db: Db): Promise<void> => {
    await forgetErased(db);
    if (kept.size === 0) {
      const newest = await readNewestIndex(db);
      if (kept.size === 0) {
        cursor = Math.max(cursor, newest);
        return;
      }
    }
    const fresh = await readEventsAfter(db, cursor);
    const news = fresh.filter(({ id, subject }) => kept.get(subject)?.state.links.has(id) === false);
    for (const event of await readEventsAt(
      db,
      vault,
      news.map(({ index }) => index),
    )) {
      const entry = kept.get(event.subject);
      if (entry !== undefined)
        kept.set(event.subject, { ...entry, state: apply(entry.state, event), answer: null });
    }
    cursor = Math.max(cursor, fresh.at(-1)?.index ?? -1);
  };

  /** What another request reads meanwhile can move past an event or an erasure that this one has not seen: then it reads again. */
  const load = async (db: Db, reports: readonly Pick<ReportMembers, 'members'>[]): Promise<void> => {
    for (;;) {
      const missing: string[] = [];
      for (const { members } of reports)
        for (const subject of members) if (!kept.has(subject)) missing.push(subject);
      if (missing.length === 0) return;
      const before = [cursor, erasures].join();
      const collectors = await readCollectors(db, missing);
      const events = await readEventsOf(db, vault, missing);
      if ([cursor, erasures].join() !== before) continue;
      for (const [subject, entry] of foldAll(collectors, events))
        if (!kept.has(subject)) kept.set(subject, entry);
      return;
    }
  };

  /** Equal questions as one object, so that five thousand answers are looked up by identity. */
  const asked = new Map<string, BulkQuestion>();
  const sameQuestion = (question: BulkQuestion): BulkQuestion => {
    const key = JSON.stringify(question);
    const known = asked.get(key);
    if (known !== undefined) return known;
    if (asked.size >= KEPT_QUESTIONS) asked.clear();
    asked.set(key, question);
    return question;
  };

  const forgetOldest = (): void => {
    for (const subject of kept.keys()) {
      if (kept.size <= capacity) return;
      kept.delete(subject);
    }
  };

  return {
    read: async (db, subjects) => {
      await sync(db);
      await load(db, [{ members: subjects }]);
      const found = new Map(
        subjects.map((subject) => {
          const entry = kept.get(subject);
          return [subject, { state: entry?.state ?? NO_CONSENT, collector: entry?.collector ?? null }];
        }),
      );
      forgetOldest();
      return found;
    },
    judge: async (db, question, reports, at) => {
      await sync(db);
      await load(db, reports);
      const key = sameQuestion(question);
      const judgeOne = (subject: string, isOwn: boolean, jkt: string): GateDenial | null => {
        const entry = kept.get(subject);
        if (entry === undefined) return 'never-asked';
        const speaks = isOwn ? entry.state.keys.get(jkt) !== 'retired' : entry.collector === jkt;
        if (!speaks) return 'foreign';
        const known = entry.answer;
        if (known?.question === key && at < known.until) return known.denial;
        const { reason, validUntil } = decide({ ...question, subject }, entry.state, at);
        const denial = isDenial(reason) ? reason : null;
        entry.answer = { question: key, denial, until: validUntil ?? Infinity };
        return denial;
      };
      const judged = reports.map(({ members, sub, jkt }) => {
        for (const subject of members) {
          const denial = judgeOne(subject, members.length === 1 && subject === sub, jkt);
          if (denial !== null) return denial;
        }
        return null;
      });
      forgetOldest();
      return judged;
    },
  };
}

function foldAll(
  collectors: Map<string, string | null>,
  events: readonly EventWithBody[],
): Map<string, Kept> {
  const folded = new Map<string, Kept>();
  for (const [subject, collector] of collectors)
    folded.set(subject, { state: NO_CONSENT, collector, answer: null });
  for (const event of events) {
    const entry = folded.get(event.subject);
    if (entry !== undefined) entry.state = apply(entry.state, event);
  }
  return folded;
}

function apply(state: ConsentState, { id, body, index, receivedAt }: EventWithBody): ConsentState {
  return applyConsent(state, { id, event: bodyToEvent(body), index, receivedAt });
}

/** Of a JWS that was verified before it was stored: the signature, and that this is its only spelling. */
export function bodyToEvent(body: string): ConsentEvent {
  const payload = body.split('.')[1] as string;
  return JSON.parse(bytesToUtf8(base64UrlToBytes(payload))) as ConsentEvent;
}
