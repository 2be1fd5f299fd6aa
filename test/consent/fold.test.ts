import type {
  Category,
  ConsentState,
  Decision,
  LoggedConsent,
  Operation,
  PrivacyFloor,
} from '@twinkeep/consent';
import {
  NO_CONSENT,
  applyConsent,
  createConsentEvent,
  decide,
  foldConsents,
  linkToHeads,
  listCells,
  millisToInstant,
} from '@twinkeep/consent';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DAY, GRANT, OTHER_SUBJECT, START } from './fixtures.ts';
import type { Step } from './devices.ts';
import {
  CATEGORIES_USED,
  COHORTS,
  OPERATIONS_USED,
  ancestors,
  ask,
  eventId,
  history,
  linksOf,
  logConsent,
  moment,
  oracleAllows,
  questions,
  reorder,
} from './devices.ts';

const NO_STEP: Omit<Step, 'device' | 'synchronise'> = {
  type: 'grant',
  categories: ['behavioral'],
  operations: ['contribute'],
  validDays: 30,
  minCohort: 0,
};
const RUNS = { numRuns: 500 };
const contribute = ask({ required: ['behavioral'], optional: [] }, 'contribute', 100);
const allows = (log: LoggedConsent[], at = START + DAY): boolean =>
  decide(contribute, foldConsents(log), at).allow;

/** A decision without what the log's order may change: in which order events that stand side by side are named. */
function summarise({ cells, ...decision }: Decision): object {
  return { ...decision, cells: cells.map(({ events, ...cell }) => ({ ...cell, events: events.toSorted() })) };
}

type Kind = Step['type'];
/** One event on the one cell, whatever it names. */
const event = (n: number, type: Kind, ...named: number[]): LoggedConsent => {
  const [prev, ...merges] = named.map(eventId);
  const links = { prev: prev ?? null, ...(merges.length === 0 ? {} : { merges }) };
  return logConsent(n, n, links, { ...NO_STEP, type });
};

function cellsOf({ event: { grants } }: LoggedConsent): Array<[Category, Operation]> {
  return grants.flatMap(({ category, operations }) =>
    operations.map((operation): [Category, Operation] => [category, operation]),
  );
}

function statusOf(events: LoggedConsent[]): string | undefined {
  return listCells(foldConsents(events))[0]?.cell.status;
}

function floored(n: number, privacyFloor: PrivacyFloor, validDays: number): LoggedConsent {
  const { event: plain, ...logged } = logConsent(n, n, { prev: null }, { ...NO_STEP, validDays });
  return {
    ...logged,
    event: { ...plain, grants: plain.grants.map((grant) => ({ ...grant, privacyFloor })) },
  };
}

describe('two devices', () => {
  test('a withdrawal that the grant has not seen wins, whichever was logged first', () => {
    expect(allows([event(0, 'grant')])).toBe(true);
    expect(allows([event(0, 'withdraw'), event(1, 'grant')])).toBe(false);
    expect(allows([event(0, 'grant'), event(1, 'withdraw')])).toBe(false);
  });

  test('a grant lifts the withdrawal that it has seen, directly or through others', () => {
    expect(allows([event(0, 'withdraw'), event(1, 'grant', 0)])).toBe(true);
    expect(allows([event(0, 'withdraw'), event(1, 'grant', 0), event(2, 'grant', 1)])).toBe(true);
    expect(allows([event(0, 'withdraw'), event(1, 'refuse', 0), event(2, 'grant', 1)])).toBe(true);
  });

  test('two withdrawals side by side are lifted only by a grant that has seen both', () => {
    const both = [event(0, 'grant'), event(1, 'withdraw', 0), event(2, 'withdraw', 0)];
    expect(allows([...both, event(3, 'grant', 1)])).toBe(false);
    expect(allows([...both, event(3, 'grant', 2)])).toBe(false);
    expect(allows([...both, event(3, 'grant', 2, 1)])).toBe(true);
    expect(linkToHeads(foldConsents(both))).toEqual({ prev: eventId(2), merges: [eventId(1)] });
  });

  test('side by side, withdrawal names the state before refusal, and refusal before a grant', () => {
    const log = [event(0, 'grant'), event(1, 'refuse'), event(2, 'withdraw')];
    expect(statusOf(log)).toBe('withdrawn');
    expect(statusOf(log.toReversed().map((logged, index) => ({ ...logged, index })))).toBe('withdrawn');
    expect(statusOf(log.slice(0, 2))).toBe('refused');
  });

  test('grants side by side: the earlier end, the larger cohort, the smaller privacy loss', () => {
    const large = {
      secAgg: { minCohort: 50 },
      dp: { epsMaxMicro: 8_000_000, deltaMaxPico: 1_000, unit: 'user' },
    } as const;
    const strict = {
      secAgg: { minCohort: 20 },
      dp: { epsMaxMicro: 100_000, deltaMaxPico: 1_000_000, unit: 'user' },
    } as const;
    const [named] = listCells(foldConsents([floored(0, large, 9), floored(1, strict, 3)]));
    expect(named!.cell).toMatchObject({
      validUntil: START + 60_000 + 3 * DAY,
      minCohort: 50,
      epsilonMax: 0.1,
      deltaMax: 1e-9,
    });
    expect(named!.cell.entries.map((entry) => entry.event)).toEqual([eventId(0), eventId(1)]);
  });

  test('a link to an event that the log received later counts for nothing', () => {
    const grant = { ...event(1, 'grant', 0), index: 1 };
    const withdraw = { ...event(0, 'withdraw'), index: 2 };
    expect(allows([grant, withdraw])).toBe(false);
    expect(allows([grant, withdraw, event(3, 'grant', 1)])).toBe(false);
    expect(allows([grant, withdraw, event(3, 'grant', 1, 0)])).toBe(true);
  });

  test('lines of one event may end at different times', () => {
    const { event: plain, ...logged } = logConsent(
      0,
      0,
      { prev: null },
      { ...NO_STEP, categories: ['behavioral', 'feedback'] },
    );
    const grants = plain.grants.map((grant, i) => ({
      ...grant,
      validUntil: millisToInstant(START + (i + 1) * DAY),
    }));
    const cells = listCells(foldConsents([{ ...logged, event: { ...plain, grants } }]));
    expect(cells.map(({ category, cell }) => [category, cell.validUntil])).toEqual([
      ['behavioral', START + DAY],
      ['feedback', START + 2 * DAY],
    ]);
  });
});

describe('foldConsents and applyConsent', () => {
  test('an event applied leaves the state before it as it was', () => {
    const before = foldConsents([event(0, 'grant')]);
    const copy = structuredClone(before);
    const after = applyConsent(before, event(1, 'withdraw', 0));
    expect(before).toEqual(copy);
    expect(after.heads).toEqual([eventId(1)]);
    expect(NO_CONSENT).toMatchObject({ subject: null, heads: [], lastIndex: -1 });
    expect(NO_CONSENT.cells.size + NO_CONSENT.links.size).toBe(0);
  });

  test('refuses another subject, another controller, and an index that is not later', () => {
    const state = foldConsents([event(3, 'grant')]);
    const later = event(4, 'grant', 3);
    const foreign = [
      { ...later, event: createConsentEvent({ ...GRANT, subject: OTHER_SUBJECT }) },
      { ...later, event: createConsentEvent({ ...GRANT, controller: 'https://other.example' }) },
    ];
    for (const logged of foreign) {
      expect(() => applyConsent(state, logged)).toThrow(
        expect.objectContaining({ code: 'consent/subject-mismatch' }),
      );
    }
    for (const index of [3, 2]) {
      expect(() => applyConsent(state, { ...later, index })).toThrow(
        expect.objectContaining({ code: 'consent/out-of-order' }),
      );
    }
    expect(applyConsent(state, later).lastIndex).toBe(4);
  });

  test('links that make a circle, which no hash allows, still end', () => {
    const log = [event(0, 'grant', 1), event(1, 'grant', 0), event(2, 'withdraw', 2), event(3, 'grant', 0)];
    expect(allows(log)).toBe(false);
  });
});

describe('any history', () => {
  test('the fold gives what the definition in prose gives, for every cell, cohort and moment', () => {
    let allowed = 0;
    let apart = 0;
    fc.assert(
      fc.property(history, moment, (log, at) => {
        const state = foldConsents(log);
        for (const operation of OPERATIONS_USED) {
          for (const category of CATEGORIES_USED) {
            for (const cohort of COHORTS) {
              const { allow } = decide(
                ask({ required: [category], optional: [] }, operation, cohort),
                state,
                at,
              );
              expect(allow).toBe(oracleAllows(log, category, operation, cohort ?? 0, at));
              if (allow) allowed++;
            }
          }
        }
        if (state.heads.length > 1) apart++;
      }),
      RUNS,
    );
    // The property would hold of a gate that always denies, and of devices that always agree.
    expect(allowed).toBeGreaterThan(RUNS.numRuns / 4);
    expect(apart).toBeGreaterThan(RUNS.numRuns / 10);
  });

  test('one event at a time, all at once and in any order of input: the same state', () => {
    fc.assert(
      fc.property(
        history.chain((log) =>
          fc.tuple(fc.constant(log), fc.shuffledSubarray(log, { minLength: log.length })),
        ),
        ([log, shuffled]) => {
          const state = foldConsents(log);
          expect(log.reduce(applyConsent, NO_CONSENT)).toEqual(state);
          expect(foldConsents(shuffled)).toEqual(state);
        },
      ),
      RUNS,
    );
  });

  test('an event logged again, at once or later, changes nothing', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(11)), (log, picks) => {
        const again = picks
          .filter((pick) => pick < log.length)
          .map((pick, i) => ({ ...log[pick]!, index: log.length + i }));
        const state = foldConsents(log);
        expect(foldConsents([...log, ...again])).toEqual(state);
        for (const logged of again) expect(applyConsent(state, logged)).toBe(state);
      }),
      RUNS,
    );
  });

  test('the order in which the log receives devices that act apart decides nothing', () => {
    let reordered = 0;
    fc.assert(
      fc.property(history, fc.array(fc.nat(11), { minLength: 1 }), moment, (log, picks, at) => {
        const other = reorder(log, picks);
        if (other.some((logged, i) => logged.id !== log[i]!.id)) reordered++;
        const [state, otherState] = [foldConsents(log), foldConsents(other)];
        expect(questions.map((question) => summarise(decide(question, otherState, at)))).toEqual(
          questions.map((question) => summarise(decide(question, state, at))),
        );
      }),
      RUNS,
    );
    expect(reordered).toBeGreaterThan(RUNS.numRuns / 10);
  });

  test('monotone safety: a withdrawal or refusal put anywhere never turns a deny into an allow', () => {
    let turned = 0;
    const restriction = fc.record({
      type: fc.constantFrom('refuse', 'withdraw'),
      categories: fc.subarray([...CATEGORIES_USED], { minLength: 1 }),
      operations: fc.subarray([...OPERATIONS_USED], { minLength: 1 }),
      place: fc.nat(12),
      named: fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    });
    fc.assert(
      fc.property(history, restriction, moment, (log, { place, named, ...rest }, at) => {
        const spread = log.map((logged) => ({ ...logged, index: 2 * logged.index + 1 }));
        const [prev = null, ...merges] = named.map(eventId);
        const links = { prev, ...(merges.length === 0 ? {} : { merges }) };
        const added = logConsent(99, 2 * place, links, { ...NO_STEP, ...(rest as Partial<Step>) });
        const [before, after] = [foldConsents(spread), foldConsents([...spread, added])];
        for (const question of questions) {
          const was = decide(question, before, at);
          const is = decide(question, after, at);
          expect(is.categories.every((category) => was.categories.includes(category))).toBe(true);
          expect(is.allow && !was.allow).toBe(false);
          if (was.allow && !is.allow) turned++;
        }
      }),
      RUNS,
    );
    expect(turned).toBeGreaterThan(RUNS.numRuns / 4);
  });

  test('a withdrawn cell is allowed at no later time, unless by a later grant that has seen the withdrawal', () => {
    let lifted = 0;
    fc.assert(
      fc.property(history, moment, (log, at) => {
        for (const withdrawal of log.filter((logged) => logged.event.event.type === 'withdraw')) {
          for (let size = withdrawal.index + 1; size <= log.length; size++) {
            const prefix = log.slice(0, size);
            const state = foldConsents(prefix);
            for (const [category, operation] of cellsOf(withdrawal)) {
              const { allow } = decide(
                ask({ required: [category], optional: [] }, operation, 100),
                state,
                at,
              );
              const hasLifting = prefix.some(
                (grant) =>
                  grant.event.event.type === 'grant' &&
                  cellsOf(grant).some((cell) => cell.join() === `${category},${operation}`) &&
                  ancestors(grant.id, prefix).has(withdrawal.id),
              );
              expect(allow && !hasLifting).toBe(false);
              if (allow) lifted++;
            }
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(lifted).toBeGreaterThan(10);
  });

  test('a subject is never stuck: a grant that names all heads always counts', () => {
    fc.assert(
      fc.property(history, (log) => {
        const before: ConsentState = foldConsents(log);
        const links = linkToHeads(before);
        const grant = logConsent(50, 50, links, NO_STEP);
        expect(linksOf(grant.event)).toHaveLength(before.heads.length);
        const after = applyConsent(before, grant);
        expect(after.heads).toEqual([grant.id]);
        expect(decide(contribute, after, START + DAY).allow).toBe(true);
      }),
      RUNS,
    );
  });

  test('time alone never allows what it denied, and denies exactly from validUntil on', () => {
    let ended = 0;
    fc.assert(
      fc.property(history, moment, fc.nat(20), (log, at, days) => {
        const state = foldConsents(log);
        for (const question of questions) {
          const now = decide(question, state, at);
          const later = decide(question, state, at + days * DAY);
          expect(later.categories.every((category) => now.categories.includes(category))).toBe(true);
          if (now.validUntil === null) continue;
          expect(decide(question, state, now.validUntil - 1).categories).toEqual(now.categories);
          expect(decide(question, state, now.validUntil).categories.length).toBeLessThan(
            now.categories.length,
          );
          ended++;
        }
      }),
      RUNS,
    );
    expect(ended).toBeGreaterThan(RUNS.numRuns / 4);
  });
});

test('more heads than one event can name are reached by two', () => {
  const apart = Array.from({ length: 25 }, (_, n) => event(n, 'withdraw'));
  const first = logConsent(30, 30, linkToHeads(foldConsents(apart)), NO_STEP);
  const some = foldConsents([...apart, first]);
  expect(decide(contribute, some, START + DAY).allow).toBe(false);
  const second = logConsent(31, 31, linkToHeads(some), NO_STEP);
  expect(decide(contribute, applyConsent(some, second), START + DAY).allow).toBe(true);
});
