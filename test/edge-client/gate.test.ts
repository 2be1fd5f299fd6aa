import { CATEGORIES, NO_CONSENT, type Category } from '@twinkeep/consent';
import {
  admit,
  applyEvent,
  askContribution,
  assembleSet,
  createFeatureState,
  extractVector,
  isAdmitted,
  parseEvent,
  planOf,
  readConsentChain,
  recordEvents,
  refoldTwin,
  type Contribution,
  type ContributionDenied,
  type RefusalReason,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import type { TaskSpec } from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryTwinStore } from '../support/memory-twin-store.ts';
import {
  admitted,
  DAY,
  grantedState,
  makeChain,
  makeEvent,
  makeTask,
  NOW,
  POLICY,
  SUBJECT,
  USE,
  subjectOf,
  type ChainLink,
} from './fixtures.ts';

const task = makeTask();
const TERMS = { cohort: 2, now: NOW, until: NOW + 60_000 };

describe('parseEvent', () => {
  const good = makeEvent('order', 'transactional', NOW, { amount: 1 });

  it.each<[string, unknown]>([
    ['no object', 'order'],
    ['another field', { ...good, subject: 'x' }],
    ['a missing field', { ...good, id: undefined }],
    ['an unknown category', { ...good, category: 'medical' }],
    ['a time without a zone', { ...good, time: '2026-01-01T00:00:00' }],
    ['a month that is not', { ...good, time: '2026-13-01T00:00:00Z' }],
    ['30 February', { ...good, time: '2026-02-30T00:00:00Z' }],
    ['the 24th hour', { ...good, time: '2026-02-01T24:00:00Z' }],
    ['a nested value', { ...good, data: { a: { b: 1 } } }],
    ['a number that is none', { ...good, data: { a: Number.NaN } }],
    [
      'too many attributes',
      { ...good, data: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, 1])) },
    ],
    ['too long a text', { ...good, data: { a: 'x'.repeat(2_049) } }],
    ['a control character in a name', { ...good, type: 'a\nb' }],
  ])('refuses %s', (_, input) => {
    expect(() => parseEvent(input)).toThrowError(expect.objectContaining({ code: 'event/malformed' }));
  });

  it('never says the value that it refused', () => {
    const secret = 'CANARY'.repeat(1_000);
    expect(() => parseEvent({ ...good, data: { a: secret } })).toThrowError(/^(?!.*CANARY).*$/s);
  });
});

describe('G0, the collecting gate', () => {
  const outcome = (
    category: Category,
    time: number,
    consent = grantedState(SUBJECT),
  ): 'admitted' | RefusalReason => {
    const event = parseEvent(makeEvent('x', category, time));
    const result = admit(
      event,
      SUBJECT,
      consent,
      { ...POLICY, retentionDays: { ...POLICY.retentionDays, feedback: 10 } },
      NOW,
    );
    return isAdmitted(result) ? 'admitted' : result.refused;
  };

  it('admits nothing without consent, and only the category that was consented to', () => {
    for (const category of CATEGORIES) {
      expect(outcome(category, NOW, NO_CONSENT)).toBe('not-consented');
      expect(outcome(category, NOW, grantedState(SUBJECT, ['behavioral']))).toBe(
        category === 'behavioral' ? 'admitted' : 'not-consented',
      );
    }
  });

  it('does not take the consent of one subject for another, nor of one purpose for another', () => {
    expect(outcome('behavioral', NOW, grantedState(subjectOf(1)))).toBe('not-consented');
    const event = parseEvent(makeEvent('x', 'behavioral', NOW));
    const elsewhere = admit(
      event,
      SUBJECT,
      grantedState(SUBJECT),
      { ...POLICY, uses: [{ ...USE, purpose: 'https://x.example/p' }] },
      NOW,
    );
    expect(elsewhere).toEqual({ refused: 'not-consented' });
    const either = admit(
      event,
      SUBJECT,
      grantedState(SUBJECT),
      { ...POLICY, uses: [{ ...USE, purpose: 'https://x.example/p' }, USE] },
      NOW,
    );
    expect(isAdmitted(either)).toBe(true);
  });

  it('keeps retention to the day and lets no event come from the future', () => {
    const today = Math.floor(NOW / DAY);
    expect(outcome('feedback', (today - 10) * DAY)).toBe('admitted');
    expect(outcome('feedback', (today - 10) * DAY - 1)).toBe('past-retention');
    expect(outcome('feedback', NOW + 10 * 60_000)).toBe('admitted');
    expect(outcome('feedback', NOW + 10 * 60_000 + 1)).toBe('in-the-future');
  });
});

describe('G1, leave to contribute', () => {
  const ask = (links: ChainLink[], terms = TERMS): Contribution | ContributionDenied =>
    askContribution(task, SUBJECT, readConsentChain(makeChain(SUBJECT, links)), terms);
  const grant: ChainLink = { type: 'grant', index: 3 };

  it('needs a grant that the log holds', () => {
    expect(ask([])).toEqual({ denied: 'never-asked' });
    expect(ask([{ ...grant, index: null }])).toEqual({ denied: 'never-asked' });
    const leave = ask([grant]);
    expect(leave).toMatchObject({ subject: SUBJECT, taskId: 'churn', until: TERMS.until });
    expect([...(leave as Contribution).categories].sort()).toEqual(['behavioral', 'transactional']);
  });

  it('ends with a withdrawal that is signed, before the log holds it', () => {
    expect(ask([grant, { type: 'withdraw', index: null }])).toEqual({ denied: 'withdrawn' });
    expect(ask([grant, { type: 'withdraw', index: 5 }])).toEqual({ denied: 'withdrawn' });
    expect(ask([grant, { type: 'withdraw', index: 5 }, { type: 'grant', index: null }])).toEqual({
      denied: 'withdrawn',
    });
    expect(ask([grant, { type: 'withdraw', index: 5 }, { type: 'grant', index: 7 }])).toHaveProperty(
      'categories',
    );
  });

  it('needs both training and contributing', () => {
    expect(ask([{ ...grant, operations: ['train_local'] }])).toEqual({ denied: 'never-asked' });
    expect(ask([{ ...grant, operations: ['contribute'] }])).toEqual({ denied: 'never-asked' });
  });

  it('ends with a withdrawal of either alone, before the log holds it', () => {
    for (const operation of ['train_local', 'contribute'] as const)
      expect(ask([grant, { type: 'withdraw', operations: [operation], index: null }])).toEqual({
        denied: 'withdrawn',
      });
  });

  it('leaves out an optional category, and stays home without a required one', () => {
    const leave = ask([grant, { type: 'withdraw', categories: ['behavioral'], index: null }]);
    expect([...(leave as Contribution).categories]).toEqual(['transactional']);
    expect(ask([grant, { type: 'withdraw', categories: ['transactional'], index: null }])).toEqual({
      denied: 'withdrawn',
    });
  });

  it('holds the smallest cohort that the subject asked for', () => {
    expect(ask([{ ...grant, minCohort: 3 }])).toEqual({ denied: 'cohort-below-floor' });
    expect(ask([{ ...grant, minCohort: 3 }], { ...TERMS, cohort: 3 })).toHaveProperty('categories');
  });

  it('holds the largest privacy loss that the subject asked for, and none is no bound', () => {
    const careful = [{ ...grant, maxEpsilon: 2 }];
    const noisy = (epsilon: number): TaskSpec => ({
      ...task,
      privacy: {
        mech: 'discrete-gaussian',
        noiseMultiplier: 1,
        epsilon,
        delta: 1e-6,
        trainings: 1,
        evaluations: 1,
        adaptiveClip: null,
      },
    });
    const askFor = (spec: TaskSpec): ReturnType<typeof ask> =>
      askContribution(spec, SUBJECT, readConsentChain(makeChain(SUBJECT, careful)), TERMS);
    expect(askFor(noisy(2))).toHaveProperty('categories');
    expect(askFor(noisy(2.1))).toEqual({ denied: 'privacy-loss-above-floor' });
    expect(askFor(task)).toEqual({ denied: 'privacy-loss-above-floor' });
  });

  it('does not start what would outlast the consent', () => {
    const links = [{ ...grant, validUntil: NOW + 30_000 }];
    expect(ask(links)).toEqual({ denied: 'expired' });
    expect(ask(links, { ...TERMS, until: NOW + 20_000 })).toHaveProperty('categories');
  });

  it('is never given because of one more withdrawal or refusal', () => {
    const link = fc.record({
      type: fc.constantFrom<ChainLink['type'][]>('grant', 'withdraw', 'refuse'),
      logged: fc.boolean(),
      categories: fc.constantFrom<Category[][]>(
        ['transactional'],
        ['behavioral'],
        ['transactional', 'behavioral'],
      ),
    });
    const allowed = (links: ChainLink[]): ReadonlySet<Category> => {
      const leave = ask(links);
      return 'denied' in leave ? new Set() : leave.categories;
    };
    fc.assert(
      fc.property(
        fc.array(link, { maxLength: 6 }),
        fc.constantFrom<ChainLink['type'][]>('withdraw', 'refuse'),
        (drawn, type) => {
          const links = drawn.map(({ logged, ...rest }, i): ChainLink => ({
            ...rest,
            index: logged ? i : null,
          }));
          const before = allowed(links);
          const after = allowed([...links, { type, categories: ['behavioral'], index: null }]);
          for (const category of after) expect(before.has(category)).toBe(true);
          expect(after.has('behavioral')).toBe(false);
        },
      ),
    );
  });
});

describe('training sets', () => {
  const events = [
    makeEvent('attribute.set', 'transactional', NOW - 40 * DAY, { plan: 'plus' }),
    makeEvent('visit', 'behavioral', NOW - 40 * DAY),
    makeEvent('contract.ended', 'transactional', NOW, { left: true }),
  ];
  const state = createFeatureState(planOf([task]));
  for (const event of events) applyEvent(state, admitted(event));
  const leaveOf = (links: ChainLink[], until = TERMS.until): Contribution => {
    const leave = askContribution(task, SUBJECT, readConsentChain(makeChain(SUBJECT, links)), {
      ...TERMS,
      until,
    });
    if ('denied' in leave) throw new Error(leave.denied);
    return leave;
  };
  const grant: ChainLink = { type: 'grant', index: 0 };

  it('hold only what the leave covers', () => {
    const all = extractVector(state, task, leaveOf([grant]));
    const some = extractVector(state, task, leaveOf([{ ...grant, categories: ['transactional'] }]));
    expect(all?.inputs[5]).toBe(1);
    expect([...some!.inputs.slice(4)]).toEqual([0, 0]);
    expect(some?.label).toBe(1);
  });

  it('refuse a vector of a twin whose leave has shrunk since', () => {
    const vector = extractVector(state, task, leaveOf([grant]))!;
    const shrunk = leaveOf([grant, { type: 'withdraw', categories: ['behavioral'], index: null }]);
    expect(() => assembleSet(task, [{ leave: shrunk, vector }])).toThrowError(
      expect.objectContaining({ code: 'features/not-planned' }),
    );
    expect(assembleSet(task, [{ leave: leaveOf([grant]), vector }]).n).toBe(1);
  });

  it('count no twin twice, and last as long as the shortest leave', () => {
    const leave = leaveOf([grant]);
    const vector = extractVector(state, task, leave)!;
    expect(() =>
      assembleSet(task, [
        { leave, vector },
        { leave, vector },
      ]),
    ).toThrow('two vectors');
    expect(assembleSet(task, [{ leave: leaveOf([grant], NOW + 5), vector }]).until).toBe(NOW + 5);
  });

  it('have no row of a twin without a label', () => {
    const unlabelled = createFeatureState(planOf([task]));
    applyEvent(unlabelled, admitted(events[0]!));
    expect(extractVector(unlabelled, task, leaveOf([grant]))).toBeNull();
  });
});

describe('recording', () => {
  const open = async (links: ChainLink[]): Promise<TwinStore> => {
    const store = createMemoryTwinStore();
    await store.addTwin(SUBJECT, []);
    await store.appendConsents(SUBJECT, 0, makeChain(SUBJECT, links));
    return store;
  };
  const deps = (store: TwinStore) => ({ store, plan: planOf([task]), policy: POLICY, clock: () => NOW });
  const kept = async (store: TwinStore): Promise<string[]> => {
    const features = (await store.readTwins([SUBJECT]))[0]?.features ?? new Uint8Array();
    let types: string[] = [];
    await store.refoldEvents(SUBJECT, [], (events) => {
      types = events.map(({ type }) => type);
      return features;
    });
    return types.sort();
  };

  it('counts what it refuses and keeps nothing of it', async () => {
    const store = await open([{ type: 'grant', categories: ['transactional'], index: null }]);
    const recorded = await recordEvents(deps(store), SUBJECT, [
      makeEvent('order', 'transactional', NOW, { amount: 1 }),
      makeEvent('visit', 'behavioral', NOW),
      makeEvent('order', 'transactional', NOW + DAY, { amount: 1 }),
      makeEvent('order', 'transactional', NOW - 9_000 * DAY, { amount: 1 }),
    ]);
    expect(recorded).toEqual({
      fresh: 1,
      refused: { 'not-consented': 1, 'past-retention': 1, 'in-the-future': 1 },
    });
    expect(await kept(store)).toEqual(['order']);
  });

  it('keeps nothing where one of the inputs is no event, or the twin is unknown', async () => {
    const store = await open([{ type: 'grant', index: null }]);
    await expect(
      recordEvents(deps(store), SUBJECT, [makeEvent('order', 'transactional', NOW), { id: 'x' }]),
    ).rejects.toMatchObject({ code: 'event/malformed' });
    expect(await kept(store)).toEqual([]);
    await expect(recordEvents(deps(store), subjectOf(9), [])).rejects.toMatchObject({
      code: 'store/unknown-twin',
    });
  });

  it('refolds without the categories that were withdrawn, and deletes their events', async () => {
    const chain = makeChain(SUBJECT, [
      { type: 'grant', index: 0 },
      { type: 'withdraw', categories: ['behavioral'], index: null },
    ]);
    const store = createMemoryTwinStore();
    await store.addTwin(SUBJECT, []);
    await store.appendConsents(SUBJECT, 0, chain.slice(0, 1));
    await store.addReceipts([{ event: chain[0]!.id, ...chain[0]!.receipt! }]);
    const events = [
      makeEvent('visit', 'behavioral', NOW),
      makeEvent('order', 'transactional', NOW, { amount: 10 }),
    ];
    await recordEvents(deps(store), SUBJECT, events);
    await store.appendConsents(SUBJECT, 1, chain.slice(1));
    await refoldTwin(deps(store), SUBJECT);
    expect(await kept(store)).toEqual(['order']);
    const fresh = await open([{ type: 'grant', index: 0 }]);
    await recordEvents(deps(fresh), SUBJECT, events.slice(1));
    expect((await store.readTwins([SUBJECT]))[0]?.features).toEqual(
      (await fresh.readTwins([SUBJECT]))[0]?.features,
    );
  });

  it('asks for a refold where the tasks of the day have changed', async () => {
    const store = await open([{ type: 'grant', index: 0 }]);
    await recordEvents(deps(store), SUBJECT, [makeEvent('order', 'transactional', NOW, { amount: 10 })]);
    const later = { ...deps(store), plan: planOf([task, makeTask({ taskId: 'second' })]) };
    const next = [makeEvent('order', 'transactional', NOW, { amount: 5 })];
    await expect(recordEvents(later, SUBJECT, next)).rejects.toMatchObject({ code: 'features/other-plan' });
    await refoldTwin(later, SUBJECT);
    expect((await recordEvents(later, SUBJECT, next)).fresh).toBe(1);
  });
});
