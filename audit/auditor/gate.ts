/**
 * The gate, run again: what `decide()` says of a twin at the size of the log that the set commit names. The leaf of the set says the minute at
 * which the coordinator asked, and leaves of events say the minutes in which they came; where an answer changes within such a
 * minute, either answer is right.
 */
import { decide, foldConsents, NO_CONSENT, type ConsentState, type Decision } from '@twinkeep/consent';
import {
  consentQuestion,
  isDenial,
  type GateDenial,
  type RoundConfig,
  type SetCommit,
} from '@twinkeep/protocol';
import type { Histories, History } from './consents.ts';
import type { Said } from './statements.ts';

const MINUTE = 60_000;

export interface Replayed {
  decision: Decision;
  /** Null where the twin may contribute through the device that reported it. */
  denial: GateDenial | null;
  /** False where another moment of the same minute would have given the other answer. */
  isFirm: boolean;
}

export interface Gate {
  /** @param reporter the credential of the report that the twin is in; @param isAlone whether it is the only twin in it */
  ask(subject: string, reporter: { sub: string; jkt: string }, isAlone: boolean): Replayed;
}

export function createGate(
  config: RoundConfig,
  set: Said<SetCommit>,
  histories: Histories,
  states: StateCache,
): Gate {
  const question = consentQuestion(config);
  const at = Date.parse(set.at);
  const { size } = set.statement.body.consent;
  return {
    ask: (subject, { sub, jkt }, isAlone) => {
      const history = histories.get(subject);
      const stateOf = (late: number): ConsentState =>
        history === undefined ? NO_CONSENT : states.before(subject, history, size, late);
      const answer = (late: number, moment: number): Pick<Replayed, 'decision' | 'denial'> => {
        const state = stateOf(late);
        const isOwn = isAlone && sub === subject;
        const speaks = isOwn ? state.keys.get(jkt) !== 'retired' : history?.collector === jkt;
        const decision = decide({ ...question, subject }, state, moment);
        const { reason } = decision;
        return { decision, denial: isDenial(reason) ? reason : speaks ? null : 'foreign' };
      };
      const first = answer(0, at);
      const isFirm = [0, MINUTE - 1].every((late) =>
        [at, at + MINUTE - 1].every((moment) => answer(late, moment).denial === first.denial),
      );
      return { ...first, isFirm };
    },
  };
}

export interface StateCache {
  /** The fold of a subject's events below a size of the log, each received so much later than its minute. */
  before(subject: string, history: History, size: number, late: number): ConsentState;
}

/** Rounds of one pack ask for the same states again and again. */
export function createStateCache(): StateCache {
  const states = new Map<string, ConsentState>();
  return {
    before: (subject, { events }, size, late) => {
      const below = events.filter(({ index }) => index < size);
      const name = `${subject} ${below.length} ${late}`;
      const known = states.get(name);
      if (known !== undefined) return known;
      const state = foldConsents(below.map((event) => ({ ...event, receivedAt: event.receivedAt + late })));
      states.set(name, state);
      return state;
    },
  };
}
