import { inputWidth, networkOf } from '@twinkeep/protocol';
import { parseMapping, readMapping, rowToEvents, taskFromMapping, type Mapping } from '@twinkeep/region';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const GOOD: Mapping = {
  title: 'Who leaves — this year?',
  source: 'crm',
  format: {},
  subject: 'id',
  columns: {
    plan: { category: 'transactional', type: 'category', vocabulary: ['basic', 'plus'] },
    spend: { category: 'transactional', type: 'number', bounds: [0, 100], curve: 'log1p', missing: ['-1'] },
    'mood (1-5)': {
      category: 'feedback',
      type: 'number',
      bounds: [1, 5],
      attribute: 'mood',
      missingIndicator: true,
    },
    calls: { category: 'interaction', type: 'number', bounds: [0, 9], event: 'support.summary' },
    noise: { type: 'ignore' },
  },
  label: { column: 'left', category: 'transactional', positive: ['yes'], negative: ['no'], horizonDays: 30 },
  consent: {
    purpose: 'https://w3id.org/dpv#ServiceOptimisation',
    notice: { id: 'n', version: '1', lang: 'en', text: 'May we?' },
    column: 'ok',
    granted: ['y'],
    evidence: 'CRM',
  },
};
const AT = '2026-01-01T00:00:00Z';

describe('a mapping', () => {
  it('is a task: features, label and categories follow from the columns', () => {
    const task = taskFromMapping(GOOD);
    expect(task.taskId).toBe('who-leaves-this-year');
    expect(task.features).toEqual([
      {
        name: 'plan',
        category: 'transactional',
        event: 'attribute.set',
        attribute: 'plan',
        aggregate: { kind: 'last' },
        transform: { kind: 'one-hot', vocabulary: ['basic', 'plus'], other: false },
      },
      {
        name: 'spend',
        category: 'transactional',
        event: 'attribute.set',
        attribute: 'spend',
        aggregate: { kind: 'last' },
        transform: { kind: 'scale', bounds: [0, 100], curve: 'log1p', indicator: false },
      },
      expect.objectContaining({
        name: 'mood',
        category: 'feedback',
        transform: expect.objectContaining({ indicator: true }),
      }),
      expect.objectContaining({ name: 'calls', event: 'support.summary' }),
    ]);
    expect(networkOf(task).inputs).toBe(inputWidth(task.features));
    expect(task.categories).toEqual({ required: ['transactional'], optional: ['interaction', 'feedback'] });
    expect(task.label).toMatchObject({ event: 'outcome.observed', attribute: 'left', horizonDays: 30 });
  });

  it('lets callers override the file, and the file the defaults', () => {
    const mapping = { ...GOOD, task: { rounds: 7, floors: { nMin: 4 } }, model: { hidden: [3] } };
    const task = taskFromMapping(mapping, { floors: { nTarget: 11 }, model: { seed: 's' }, taskId: 'mine' });
    expect(task).toMatchObject({ taskId: 'mine', rounds: 7, floors: { nMin: 4, nTarget: 11 } });
    expect(task.model).toMatchObject({ hidden: [3], seed: 's', activation: 'tanh' });
    expect(() => taskFromMapping(GOOD, { floors: { nMin: 20, nTarget: 3 } })).toThrow(
      /nTarget is below nMin/,
    );
  });

  it('turns a row into one event per category and event type, and the label', () => {
    const row = {
      id: 'c1',
      plan: 'plus',
      spend: '-1',
      'mood (1-5)': ' 4 ',
      calls: '2',
      noise: '!',
      left: 'yes',
      ok: 'y',
    };
    const { customer, events, label, granted } = rowToEvents(GOOD, row, AT);
    expect({ customer, label, granted }).toEqual({ customer: 'c1', label: 1, granted: true });
    expect(events).toMatchObject([
      { source: 'crm', type: 'attribute.set', time: AT, category: 'transactional', data: { plan: 'plus' } },
      { source: 'crm', type: 'attribute.set', time: AT, category: 'feedback', data: { mood: 4 } },
      { source: 'crm', type: 'support.summary', time: AT, category: 'interaction', data: { calls: 2 } },
      {
        source: 'crm',
        type: 'outcome.observed',
        time: '2026-01-31T00:00:00Z',
        category: 'transactional',
        data: { left: 'yes' },
      },
    ]);
    const again = rowToEvents(GOOD, row, '2026-02-01T00:00:00Z').events;
    expect(again.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    const changed = rowToEvents(GOOD, { ...row, calls: '3' }, AT).events;
    expect(changed.map(({ id }, i) => id === events[i]!.id)).toEqual([true, true, false, true]);
  });

  it('splits an event that would have too many attributes', () => {
    const names = Array.from({ length: 130 }, (_, i) => `c${i}`);
    const columns = Object.fromEntries(
      names.map((name) => [
        name,
        { category: 'behavioral' as const, type: 'number' as const, bounds: [0, 1] as [number, number] },
      ]),
    );
    const row = { ...Object.fromEntries(names.map((name) => [name, '1'])), id: 'c', left: 'no', ok: '' };
    const { events } = rowToEvents({ ...GOOD, columns }, row, AT);
    expect(events.map(({ data }) => Object.keys(data).length)).toEqual([64, 64, 2, 1]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
  });

  const bad: [what: string, change: object, words: RegExp][] = [
    ['an unknown field', { colour: 1 }, /^colour is not a known field/],
    [
      'an unknown field deep inside',
      { columns: { plan: { category: 'feedback', type: 'number', bounds: [0, 1], bound: 1 } } },
      /^columns\.plan\.bound is not a known field/,
    ],
    ['a missing field', { label: undefined }, /^label is missing/],
    [
      'an unknown category',
      { columns: { plan: { category: 'money', type: 'number', bounds: [0, 1] } } },
      /^columns\.plan\.category: expected .*transactional.*found "money"/,
    ],
    [
      'an unknown type',
      { columns: { plan: { category: 'feedback', type: 'text' } } },
      /^columns\.plan\.type: expected .*"number".*found "text"/,
    ],
    [
      'bounds the wrong way round',
      { columns: { plan: { category: 'feedback', type: 'number', bounds: [1, 0] } } },
      /^columns\.plan\.bounds: the first bound/,
    ],
    [
      'an empty vocabulary',
      { columns: { plan: { category: 'feedback', type: 'category', vocabulary: [] } } },
      /^columns\.plan\.vocabulary/,
    ],
    [
      'a word twice',
      { columns: { plan: { category: 'feedback', type: 'category', vocabulary: ['a', 'a'] } } },
      /^columns\.plan\.vocabulary: a word/,
    ],
    ['no feature at all', { columns: { noise: { type: 'ignore' } } }, /^columns: at least one/],
    [
      'a name that an event cannot carry',
      { columns: { 'a(b)': { category: 'feedback', type: 'number', bounds: [0, 1] } } },
      /^columns\.a\(b\): give it an attribute/,
    ],
    [
      'one attribute twice',
      { columns: { ...GOOD.columns, other: { ...GOOD.columns['plan'], attribute: 'spend' } } },
      /^columns\.other: spend has the same/,
    ],
    [
      'the label among the features',
      { label: { ...GOOD.label, column: 'plan' } },
      /^columns\.plan: the label/,
    ],
    ['the customer among the features', { subject: 'plan' }, /^columns\.plan: the customer/],
    ['a word both positive and negative', { label: { ...GOOD.label, negative: ['yes'] } }, /^label: "yes"/],
    ['a negative horizon', { label: { ...GOOD.label, horizonDays: -1 } }, /^label\.horizonDays/],
    ['two delimiters', { format: { delimiter: '::' } }, /^format\.delimiter/],
    [
      'no rule of consent',
      { consent: { ...GOOD.consent, column: undefined, granted: undefined } },
      /^consent: give either/,
    ],
    ['two rules of consent', { consent: { ...GOOD.consent, rate: { granted: 1 } } }, /^consent: give either/],
    [
      'a notice without words',
      { consent: { ...GOOD.consent, notice: { id: 'n', version: '1', lang: 'en' } } },
      /^consent\.notice: give either/,
    ],
    [
      'a label that may be missing consent',
      { consent: { ...GOOD.consent, required: ['feedback'] } },
      /^consent\.required/,
    ],
    ['an impossible date', { referenceTime: '2026-02-30T00:00:00Z' }, /^referenceTime/],
  ];
  it.each(bad)('with %s is refused with its path', (_what, change, words) => {
    const input: unknown = JSON.parse(JSON.stringify({ ...GOOD, ...change }));
    expect(() => parseMapping(input)).toThrow(words);
  });
});

describe('the mappings that ship with the demo', () => {
  it.each([
    ['telco', 47],
    ['bank', 51],
  ])('%s is a task', async (name, inputs) => {
    const mapping = await readMapping(
      fileURLToPath(new URL(`../../demo/mappings/${name}.json`, import.meta.url)),
    );
    const task = taskFromMapping(mapping);
    expect(networkOf(task).inputs).toBe(inputs);
    expect(task.features.map(({ name }) => name)).not.toContain('duration');
  });
});
