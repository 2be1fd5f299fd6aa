import type {
  ConsentEvent,
  ConsentInput,
  ConsentQuestion,
  GrantTerms,
  LoggedConsent,
  Operation,
} from '@twinkeep/consent';
import {
  NO_CONSENT,
  OPERATIONS,
  PURPOSES,
  admitConsent,
  applyConsent,
  createConsentEvent,
  decide,
  foldConsents,
  mayAsk,
} from '@twinkeep/consent';
import { describe, expect, test } from 'vitest';

import { BASE, DAY, GRANT, OTHER_SUBJECT, PURPOSE, START, SUBJECT, TERMS } from './fixtures.ts';
import { eventId } from './devices.ts';

const NOON = START + DAY;

/** Logs the inputs one after the other, each having seen the one before. */
function log(...inputs: ConsentInput[]): LoggedConsent[] {
  return inputs.map((input, n) => {
    const event = createConsentEvent({
      ...input,
      seq: n + 1,
      links: { prev: n === 0 ? null : eventId(n - 1) },
    });
    return { id: eventId(n), event, index: 10 * n, receivedAt: input.at };
  });
}

function grantWith(terms: Partial<GrantTerms>): ConsentInput {
  return { ...BASE, type: 'grant', terms: { ...TERMS, ...terms } };
}

const question: ConsentQuestion = {
  subject: SUBJECT,
  categories: { required: ['behavioral'], optional: ['feedback', 'contextual'] },
  purpose: PURPOSE,
  sector: 'general',
  operation: 'contribute',
};
const only: ConsentQuestion = { ...question, categories: { required: ['behavioral'], optional: [] } };

describe('decide', () => {
  test('an allowed question: what may be used, why, on which events, until when', () => {
    const state = foldConsents(log(GRANT));
    const validUntil = START + 365 * DAY;
    const granted = {
      allow: true,
      reason: 'consented',
      status: 'given',
      regime: 'gdpr-optin@1',
      events: [eventId(0)],
      validUntil,
    };
    expect(decide(question, state, NOON)).toEqual({
      allow: true,
      categories: ['behavioral', 'feedback'],
      reason: 'consented',
      cells: [
        { ...granted, category: 'behavioral', necessity: 'required' },
        { ...granted, category: 'feedback', necessity: 'optional' },
        {
          category: 'contextual',
          necessity: 'optional',
          allow: false,
          reason: 'never-asked',
          status: 'unknown',
          regime: 'gdpr-optin@1',
          events: [],
          validUntil: null,
        },
      ],
      validUntil,
    });
  });

  test('the state of nobody denies everyone', () => {
    expect(decide(question, NO_CONSENT, NOON)).toMatchObject({
      allow: false,
      categories: [],
      reason: 'never-asked',
    });
    expect(foldConsents([])).toEqual(NO_CONSENT);
  });

  test('nothing is implied: neither by another subject, purpose, operation or category', () => {
    const state = foldConsents(log(GRANT));
    const reasons = [
      { ...question, subject: OTHER_SUBJECT },
      { ...question, purpose: PURPOSES.personalisedAdvertising },
      { ...question, purpose: PURPOSE.toLowerCase() },
      { ...question, operation: 'sell' as const },
      { ...question, categories: { required: ['behavioral', 'contextual'] as const, optional: [] } },
      { ...question, categories: { required: [], optional: ['contextual'] as const } },
      { ...question, categories: { required: [], optional: [] } },
    ].map((asked) => decide(asked, state, NOON));
    expect(reasons.map(({ allow, reason }) => [allow, reason])).toEqual([
      [false, 'subject-mismatch'],
      [false, 'never-asked'],
      [false, 'never-asked'],
      [false, 'never-asked'],
      [false, 'never-asked'],
      [false, 'no-category-consented'],
      [false, 'no-category-consented'],
    ]);
    expect(
      reasons.every(({ categories, validUntil }) => categories.length === 0 && validUntil === null),
    ).toBe(true);
    for (const operation of ['train', 'Contribute', '', 'constructor'] as string[]) {
      expect(decide({ ...only, operation: operation as Operation }, state, NOON).reason).toBe('never-asked');
    }
    const granted = OPERATIONS.filter((operation) => decide({ ...only, operation }, state, NOON).allow);
    expect(granted).toEqual(BASE.operations);
  });

  test('refused, withdrawn, and granted again after it', () => {
    const refuse: ConsentInput = { ...BASE, type: 'refuse' };
    const withdraw: ConsentInput = {
      ...BASE,
      type: 'withdraw',
      categories: { required: ['behavioral'], optional: [] },
    };
    const reasonAfter = (...inputs: ConsentInput[]): string =>
      decide(question, foldConsents(log(...inputs)), NOON).reason;
    expect(reasonAfter(refuse)).toBe('refused');
    expect(reasonAfter(GRANT, withdraw)).toBe('withdrawn');
    expect(reasonAfter(GRANT, refuse)).toBe('refused');
    expect(reasonAfter(GRANT, withdraw, GRANT)).toBe('consented');
    const state = foldConsents(log(GRANT, withdraw));
    const optional = {
      ...question,
      categories: { required: ['feedback'] as const, optional: ['behavioral'] as const },
    };
    expect(decide(optional, state, NOON)).toMatchObject({ allow: true, categories: ['feedback'] });
  });

  test('the reason is that of the first required category that is denied', () => {
    const withdraw: ConsentInput = {
      ...BASE,
      type: 'withdraw',
      categories: { required: ['feedback'], optional: [] },
    };
    const state = foldConsents(log(GRANT, withdraw));
    const reason = (required: ConsentQuestion['categories']['required']): string =>
      decide({ ...question, categories: { required, optional: [] } }, state, NOON).reason;
    expect(reason(['behavioral', 'feedback', 'contextual'])).toBe('withdrawn');
    expect(reason(['contextual', 'feedback'])).toBe('never-asked');
  });

  test('a category that is required and optional is required, once', () => {
    const categories = { required: ['behavioral'], optional: ['behavioral', 'feedback'] } as const;
    expect(decide({ ...question, categories }, foldConsents(log(GRANT)), NOON).categories).toEqual([
      'behavioral',
      'feedback',
    ]);
  });

  test('a grant counts up to its last millisecond, whoever runs a timer', () => {
    const state = foldConsents(log(grantWith({ validUntil: START + 7 * DAY })));
    expect(decide(only, state, START + 7 * DAY - 1)).toMatchObject({
      allow: true,
      validUntil: START + 7 * DAY,
    });
    const over = decide(only, state, START + 7 * DAY);
    expect(over).toMatchObject({
      allow: false,
      reason: 'expired',
      cells: [{ status: 'expired', validUntil: null }],
    });
    expect(decide(only, state, Number.NaN).allow).toBe(false);
  });

  test('the smallest cohort is held, also where the question names none', () => {
    const state = foldConsents(log(grantWith({ privacyFloor: { secAgg: { minCohort: 50 } } })));
    for (const cohort of [49, 0, Number.NaN]) {
      expect(decide({ ...only, cohort }, state, NOON)).toMatchObject({
        allow: false,
        reason: 'cohort-below-floor',
      });
    }
    expect(decide(only, state, NOON).reason).toBe('cohort-below-floor');
    expect(decide({ ...only, cohort: 50 }, state, NOON).allow).toBe(true);
  });

  test('the largest privacy loss is held, also where the question names none', () => {
    const floor = { dp: { epsMaxMicro: 1_100_000, deltaMaxPico: 3_000_000, unit: 'user' } } as const;
    const state = foldConsents(log(grantWith({ privacyFloor: floor })));
    const reason = (dp?: { epsilon: number; delta: number }): string =>
      decide(dp === undefined ? only : { ...only, dp }, state, NOON).reason;
    expect(reason({ epsilon: 1.1, delta: 3e-6 })).toBe('consented');
    expect(reason({ epsilon: 1.1000001, delta: 3e-6 })).toBe('privacy-loss-above-floor');
    expect(reason({ epsilon: 1.1, delta: 3.000001e-6 })).toBe('privacy-loss-above-floor');
    expect(reason({ epsilon: Number.NaN, delta: 0 })).toBe('privacy-loss-above-floor');
    expect(reason()).toBe('privacy-loss-above-floor');
  });

  test('a floor concerns what leaves the twin, not what happens inside it', () => {
    const state = foldConsents(log(grantWith({ privacyFloor: { secAgg: { minCohort: 50 } } })));
    expect(decide({ ...only, operation: 'train_local' }, state, NOON).allow).toBe(true);
  });
});

describe('mayAsk', () => {
  const cell = { category: 'behavioral', purpose: PURPOSE, operation: 'contribute' } as const;

  test('not for half a year after a refusal or a withdrawal was received', () => {
    for (const type of ['refuse', 'withdraw'] as const) {
      const state = foldConsents(log({ ...BASE, type }));
      expect([179, 180].map((days) => mayAsk(cell, state, START + days * DAY))).toEqual([false, true]);
      expect(mayAsk({ ...cell, operation: 'sell' }, state, START)).toBe(true);
    }
  });

  test('the cool-down counts from receipt, and a grant ends it', () => {
    const [refusal] = log({ ...BASE, type: 'refuse' });
    const late = foldConsents([{ ...refusal!, receivedAt: START + 10 * DAY }]);
    expect(mayAsk(cell, late, START + 189 * DAY)).toBe(false);
    expect(mayAsk(cell, foldConsents(log({ ...BASE, type: 'refuse' }, GRANT)), START)).toBe(true);
  });
});

/** As its device would have signed it. */
const sent = (event: ConsentEvent): Parameters<typeof admitConsent>[0] => ({
  id: eventId(40),
  kid: 'device',
  event,
});

describe('admitConsent', () => {
  const state = foldConsents(log(GRANT));
  const later = createConsentEvent({ ...GRANT, links: { prev: eventId(0) } });

  test('a grant that is dated now, still valid, and names what the log has', () => {
    expect(admitConsent(sent(later), state, START)).toBeUndefined();
    expect(admitConsent(sent(later), state, START - 5 * 60_000)).toBeUndefined();
    expect(admitConsent(sent(createConsentEvent(GRANT)), NO_CONSENT, START)).toBeUndefined();
  });

  test.each([
    ['from the future', later, START - 5 * 60_000 - 1, 'consent/clock-ahead'],
    ['that is over', later, START + 365 * DAY, 'consent/already-expired'],
    [
      'naming an unknown event',
      createConsentEvent({ ...GRANT, links: { prev: eventId(7) } }),
      START,
      'consent/link-unknown',
    ],
    [
      'merging one',
      createConsentEvent({ ...GRANT, links: { prev: null, merges: [eventId(7)] } }),
      START,
      'consent/link-unknown',
    ],
    [
      'of another subject',
      createConsentEvent({ ...GRANT, subject: OTHER_SUBJECT }),
      START,
      'consent/subject-mismatch',
    ],
  ])('not a grant %s', (_name, event, receivedAt, code) => {
    expect(() => admitConsent(sent(event), state, receivedAt)).toThrow(expect.objectContaining({ code }));
  });

  test('a withdrawal or refusal with a wrong clock and unknown links passes, and denies', () => {
    for (const type of ['withdraw', 'refuse'] as const) {
      const event = createConsentEvent({ ...BASE, type, links: { prev: eventId(7) } });
      expect(admitConsent(sent(event), state, START - 90 * DAY)).toBeUndefined();
      const after = applyConsent(state, { id: eventId(1), event, index: 1, receivedAt: START - 90 * DAY });
      expect(decide(only, after, NOON).allow).toBe(false);
    }
    const foreign = createConsentEvent({ ...BASE, type: 'withdraw', subject: OTHER_SUBJECT });
    expect(() => admitConsent(sent(foreign), state, START)).toThrow(
      expect.objectContaining({ code: 'consent/subject-mismatch' }),
    );
  });
});
