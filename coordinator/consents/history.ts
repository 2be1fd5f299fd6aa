/**
 * Reading consents back: all events about a subject in the order of the log, whoever signed them, with what opens and proves their leaves. A second
 * device merges them with its own, a region node learns of what the controller logged without it.
 */
import { instantToMillis, type ConsentState } from '@twinkeep/consent';
import { MAX_HISTORY_EVENTS, ProblemError, type ConsentHistory } from '@twinkeep/protocol';
import type { Journal } from '../log/journal.ts';
import { readHistory, readHistoryOfCollector, readLeaves, type EventWithBody } from '../store/consents.ts';
import type { Db } from '../store/schema.ts';
import { readSpeakersOf } from '../store/speakers.ts';
import type { Vault } from '../store/vault.ts';
import { createProver } from './append.ts';
import { toWire } from './intake.ts';
import type { ConsentLedger, SubjectConsent } from './ledger.ts';
import type { ConsentSender } from './speaker.ts';

export interface HistoryQuestion {
  /** Null: everybody for whom the asker speaks by itself. */
  subjects: readonly string[] | null;
  /** Events behind this place of the log. */
  after: number;
  /** Leaves out what the asker's own key signed. */
  onlyOthers: boolean;
}

export type ReadConsentHistory = (asker: ConsentSender, question: HistoryQuestion) => Promise<ConsentHistory>;

interface HistoryDeps {
  db: Db;
  journal: Journal;
  ledger: ConsentLedger;
  vault: Vault;
  clock: () => number;
}

/** @returns a function that throws ProblemError 'consent/foreign' where the asker does not speak for one of the subjects, known or not */
export function createConsentHistory(deps: HistoryDeps): ReadConsentHistory {
  const { db, vault } = deps;
  return async (asker, { subjects, after, onlyOthers }) => {
    const { jkt, sub, maxTwins } = asker.credential;
    const page = { after, notBy: onlyOthers ? jkt : null, limit: MAX_HISTORY_EVENTS + 1 };
    const named = subjects ?? (maxTwins === 1 ? [sub] : null);
    if (named !== null) await requireSpeaker(deps, asker, named);
    const events =
      named === null
        ? await readHistoryOfCollector(db, vault, jkt, page)
        : await readHistory(db, vault, named, page);
    return answer(deps, events);
  };
}

/** A stranger does not learn whether somebody is known here. */
async function requireSpeaker(
  { db, ledger, clock }: HistoryDeps,
  { credential: { jkt, sub, maxTwins } }: ConsentSender,
  subjects: readonly string[],
): Promise<void> {
  const consents = await ledger.read(db, subjects);
  for (const subject of subjects) {
    const { state, collector } = consents.get(subject) as SubjectConsent;
    const isOwn = maxTwins === 1 && subject === sub && state.keys.get(jkt) !== 'retired';
    if (!isOwn && collector !== jkt && !isDelegate(state, jkt, clock()))
      throw new ProblemError('consent/foreign');
  }
}

/** A guardian or agent, while the delegation stands. */
function isDelegate({ delegations, ended }: ConsentState, jkt: string, now: number): boolean {
  return [...delegations].some(
    ([id, records]) =>
      !ended.has(id) &&
      records.some(({ record }) => record.kid === jkt && now < instantToMillis(record.notAfter)),
  );
}

async function answer(
  { db, journal }: HistoryDeps,
  events: readonly EventWithBody[],
): Promise<ConsentHistory> {
  const shown = events.slice(0, MAX_HISTORY_EVENTS);
  const last = shown.at(-1);
  if (last === undefined) return { events: [], speakers: [], next: null };
  const leaves = await readLeaves(
    db,
    shown.map(({ index }) => index),
  );
  const prove = await createProver(db, journal);
  return {
    events: await Promise.all(
      shown.map(async ({ id, index, salt, body, receivedAt }) => {
        const leaf = leaves.get(index) as Uint8Array;
        const receipt = await toWire({ event: id, index, leaf, salt, prove: () => prove(index) });
        return { jws: body, receivedAt, receipt };
      }),
    ),
    speakers: await readSpeakersOf(
      db,
      shown.map(({ index }) => index),
    ),
    next: events.length > shown.length ? last.index : null,
  };
}
