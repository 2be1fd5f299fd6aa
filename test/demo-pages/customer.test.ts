/** What the app of the customer page sends: events that the task reads, as the customers at the nodes send them. */
import { CATEGORIES } from '@twinkeep/consent';
import {
  applyEvent,
  createFeatureState,
  featureRow,
  labelOf,
  planOf,
  type AdmittedEvent,
} from '@twinkeep/edge-client/fleet';
import { customerEventSchema, parseTask, type CustomerEvent } from '@twinkeep/protocol';
import { telecomEventTypes, telecomLabelType } from '@twinkeep/synthetic';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { telecomCustomers } from '../../demo/customers/telecom.ts';
import { visitorsTask } from '../../demo/live.ts';
import { accountOf } from '../../demo/pages/account/app/account.ts';
import { ACTIONS, toEvent, type Happening } from '../../demo/pages/account/actions.ts';
import { CATEGORY_WORDS, eventWords, featureName, featureValue } from '../../demo/pages/account/words.ts';
import { recordsOf } from '../../demo/server/records.ts';

const NOW = Date.parse('2026-05-03T12:05:00Z');
const SUBJECT = 'AAAAAAAAAAAAAAAAAAAAAA';
const task = visitorsTask(
  telecomCustomers(50, 1, NOW).task({
    ...{ taskId: 'demo-1', rounds: 60, customers: 50, nodes: 3, minTwins: 5, seed: '1' },
    privacy: { epsilon: 'none', delta: null, participations: null },
  }),
);
const records = recordsOf(SUBJECT, NOW);

describe('the records of a visitor', () => {
  test('are events, of types that the population has, and none is of the future', () => {
    expect(records.length).toBeGreaterThan(30);
    for (const record of records) {
      expect(v.is(customerEventSchema, record)).toBe(true);
      expectKnown(record);
      expect(Date.parse(record.time)).toBeLessThanOrEqual(NOW);
    }
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
  });

  test('are another customer for another pseudonym, and the same for the same', () => {
    expect(recordsOf(SUBJECT, NOW)).toEqual(records);
    expect(recordsOf('BBBBBBBBBBBBBBBBBBBBBA', NOW)).not.toEqual(records);
  });

  test('make a row to lend from the first minute: the label of today, and the customer as of a horizon ago', () => {
    const state = fold(records);
    const { label, asOf } = labelOf(state, task);
    expect(label).toBe(0);
    expect(asOf).toBe(Math.floor(NOW / 86_400_000) * 86_400_000 - task.label.horizonDays * 86_400_000);
    const then = featureRow(state, task, asOf!, new Set(CATEGORIES));
    expect(then.filter((input) => input !== 0).length).toBeGreaterThan(15);
    // What happens now is not in the row that is lent.
    const later = fold([...records, toEvent(ACTIONS.rate(0), 'now', NOW)]);
    expect(featureRow(later, task, asOf!, new Set(CATEGORIES))).toEqual(then);
    expect(rowNow(later)).not.toEqual(rowNow(state));
  });
});

describe('what a visitor does', () => {
  const DONE: Record<keyof typeof ACTIONS, Happening> = {
    open: ACTIONS.open(3),
    pay: ACTIONS.pay(60),
    payLate: ACTIONS.payLate(60, 9),
    bill: ACTIONS.bill(120),
    raisePrice: ACTIONS.raisePrice(12),
    contract: ACTIONS.contract('two_year'),
    techSupport: ACTIONS.techSupport(!accountOf(records).techSupport),
    useData: ACTIONS.useData(148, 60),
    help: ACTIONS.help(false),
    outage: ACTIONS.outage(120),
    rate: ACTIONS.rate(1),
    interest: ACTIONS.interest(accountOf(records).interest === 'gaming' ? 'privacy' : 'gaming'),
  };

  test.each(Object.entries(DONE))('%s is an event that the systems of the business send', (_, happening) => {
    const event = toEvent(happening, 'x', NOW);
    expect(v.is(customerEventSchema, event)).toBe(true);
    expectKnown(event);
    expect(eventWords(event)).not.toBe(event.type);
  });

  test.each(Object.entries(DONE).filter(([name]) => name !== 'pay'))(
    '%s moves the features',
    (_, happening) => {
      expect(rowNow(fold([...records, toEvent(happening, 'x', NOW)]))).not.toEqual(rowNow(fold(records)));
    },
  );

  test('a bill that is paid in time is no signal of the task', () => {
    expect(rowNow(fold([...records, toEvent(DONE.pay, 'x', NOW)]))).toEqual(rowNow(fold(records)));
  });

  test('shows in the app', () => {
    const events = Object.values(DONE).map((what, i) => toEvent(what, String(i), NOW));
    expect(accountOf([...records, ...events])).toMatchObject({
      contract: 'two_year',
      amount: 120,
      used: 148,
    });
  });
});

test('every feature of the task and every category has its words', () => {
  for (const { name } of task.features) {
    expect(featureName(name)).not.toBe(name);
    expect(featureValue(name, null)).toBe('not known');
    expect(featureValue(name, 1.234)).not.toContain('1.234');
  }
  expect(Object.keys(CATEGORY_WORDS).toSorted()).toEqual([...CATEGORIES].toSorted());
});

describe('the visitors’ task', () => {
  test('is one that a coordinator takes, and waits for visitors', () => {
    expect(parseTask(task)).toEqual(task);
    expect(task.floors.nTarget).toBeGreaterThan(3);
    expect(task.taskId).not.toBe('demo-1');
  });
});

function expectKnown({ type, source, category, data }: CustomerEvent): void {
  const types = [...telecomEventTypes, telecomLabelType].filter(
    (known) => known.type === type && known.source === source && known.category === category,
  );
  for (const [name, value] of Object.entries(data)) {
    const attribute = types.map(({ attributes }) => attributes[name]).find((found) => found !== undefined);
    expect(attribute, `${type}.${name}`).toBeDefined();
    if (attribute?.kind === 'category') expect(attribute.vocabulary).toContain(value);
    if (attribute?.kind === 'number') {
      expect(value).toBeGreaterThanOrEqual(attribute.min);
      expect(value).toBeLessThanOrEqual(attribute.max);
    }
    if (attribute?.kind === 'boolean') expect(typeof value).toBe('boolean');
  }
}

function fold(events: readonly CustomerEvent[]): ReturnType<typeof createFeatureState> {
  const state = createFeatureState(planOf([task]));
  for (const event of events)
    applyEvent(state, { subject: SUBJECT, event, lastDay: Infinity } as AdmittedEvent);
  return state;
}

function rowNow(state: ReturnType<typeof createFeatureState>): Float32Array {
  return featureRow(state, task, NOW, new Set(CATEGORIES));
}
