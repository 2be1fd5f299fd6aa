import type { ConsentState } from '@twinkeep/consent';
import { NO_CONSENT, applyConsent, decide, foldConsents, parseConsentEvent } from '@twinkeep/consent';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { History } from './histories.ts';
import {
  NARROWING,
  history,
  moment,
  narrowing,
  questionsOf,
  reorder,
  seenBy,
  touches,
  withEvent,
} from './histories.ts';
import { SCENARIOS } from './history-events.ts';

/** A browser shows that its engine agrees; once is enough for the numbers. */
const RUNS = { numRuns: 'document' in globalThis ? 500 : 10_000 };
/** Deep comparisons of whole states. */
const FEWER_RUNS = { numRuns: RUNS.numRuns / 10 };

/** That something happened often enough to be tried at all. A browser's sample is too small to promise that. */
function expectMoreThan(least: number, count: number): void {
  if (!('document' in globalThis)) expect(count).toBeGreaterThan(least);
}

/** The answers to all questions, one character each. */
function answers({ scenario }: History, state: ConsentState, at: number): string {
  return questionsOf(scenario)
    .map((question) => (decide(question, state, at).allow ? 'y' : 'n'))
    .join('');
}

const picks = fc.array(fc.nat(9), { minLength: 1, maxLength: 10 });

describe('any history of anyone who may speak, under any regime', () => {
  test('is made of complete events', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(history, ({ log }) => {
        for (const { event } of log) {
          expect(parseConsentEvent(event)).toEqual(event);
          seen.add(`${event.regime} ${event.event.type}`);
        }
      }),
      FEWER_RUNS,
    );
    // Twenty-one types under five regimes, rare ones not in every sample.
    expectMoreThan(80, seen.size);
  });

  test('an event that narrows, put anywhere and seen by anyone, allows nothing that was denied', () => {
    const turned = new Map(SCENARIOS.map((scenario) => [scenario, 0]));
    fc.assert(
      fc.property(history, narrowing, moment, (before, extra, at) => {
        const { history: after } = withEvent(before, extra);
        const was = answers(before, foldConsents(before.log), at);
        const is = answers(after, foldConsents(after.log), at);
        const opened = is.split('').filter((answer, i) => answer === 'y' && was[i] === 'n');
        expect(opened).toEqual([]);
        if (is !== was) turned.set(before.scenario, turned.get(before.scenario)! + 1);
      }),
      RUNS,
    );
    for (const count of turned.values()) expectMoreThan(RUNS.numRuns / 100, count);
  });

  test('the order in which the log hears those who act apart decides nothing, now or after one more event', () => {
    let reordered = 0;
    let allowed = 0;
    fc.assert(
      fc.property(history, narrowing, picks, moment, (before, extra, order, at) => {
        const { log } = withEvent(before, extra).history;
        const other = reorder(log, order);
        if (other.some(({ id }, i) => id !== log[i]!.id)) reordered++;
        const is = answers(before, foldConsents(log), at);
        expect(answers(before, foldConsents(other), at)).toBe(is);
        if (is.includes('y')) allowed++;
      }),
      RUNS,
    );
    expectMoreThan(RUNS.numRuns / 10, reordered);
    expectMoreThan(RUNS.numRuns / 20, allowed);
  });

  test('one at a time, all at once, in any order of input and repeated: the same state', () => {
    fc.assert(
      fc.property(
        history.chain((each) =>
          fc.tuple(fc.constant(each), fc.shuffledSubarray(each.log, { minLength: each.log.length })),
        ),
        picks,
        ([{ log }, shuffled], again) => {
          const state = foldConsents(log);
          expect(log.reduce(applyConsent, NO_CONSENT)).toEqual(state);
          expect(foldConsents(shuffled)).toEqual(state);
          for (const pick of again) {
            const logged = log[pick];
            if (logged !== undefined)
              expect(applyConsent(state, { ...logged, index: log.length + pick })).toBe(state);
          }
        },
      ),
      FEWER_RUNS,
    );
  });

  test('what a no has closed is used at no gate, unless by a later yes that has seen the no', () => {
    let lifted = 0;
    fc.assert(
      fc.property(history, moment, ({ scenario, log }, at) => {
        const states: ConsentState[] = [NO_CONSENT];
        for (const logged of log) states.push(applyConsent(states.at(-1)!, logged));
        for (const no of log) {
          const { type } = no.event.event;
          if (!NARROWING.some((narrow) => narrow === type)) continue;
          const lifts = type === 'restrict' ? ['unrestrict'] : ['grant', 'renew'];
          for (const question of questionsOf(scenario)) {
            if (!touches(no, question)) continue;
            const lifting = log.findIndex(
              (later) =>
                lifts.includes(later.event.event.type) &&
                touches(later, question) &&
                seenBy(later, log).has(no.id),
            );
            for (let size = no.index + 1; size <= log.length; size++) {
              const { allow } = decide(question, states[size]!, at);
              if (allow) expect(lifting).toBeGreaterThanOrEqual(0);
              if (allow) expect(size).toBeGreaterThan(lifting);
              if (allow) lifted++;
            }
          }
        }
      }),
      RUNS,
    );
    expectMoreThan(RUNS.numRuns / 100, lifted);
  });

  test('until `validUntil` time changes nothing, whatever the regime', () => {
    let changed = 0;
    fc.assert(
      fc.property(history, moment, fc.nat(700), ({ scenario, log }, at, days) => {
        const state = foldConsents(log);
        for (const question of questionsOf(scenario)) {
          const now = decide(question, state, at);
          const until = now.validUntil ?? Infinity;
          const later = Math.min(at + days * 86_400_000, until - 1);
          if (decide(question, state, later).allow !== now.allow) expect(later).toBe(until);
          if (Number.isFinite(until) && decide(question, state, until).allow !== now.allow) changed++;
        }
      }),
      FEWER_RUNS,
    );
    expectMoreThan(FEWER_RUNS.numRuns / 10, changed);
  });
});
