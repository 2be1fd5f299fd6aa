/** What the element shows and asks the twin to sign, from cells alone. */
import {
  CATEGORIES,
  OPERATIONS,
  PERMITTING_STATUSES,
  type Category,
  type CellStatus,
  type Operation,
} from '@twinkeep/consent';
import type { ConsentCellView, GrantChoice } from '@twinkeep/edge-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conditionCalls,
  grantCalls,
  groupKeys,
  refusalCalls,
  unconfirmed,
  withdrawalCalls,
} from '../../edge-client/element/calls.ts';
import {
  NO_DRAFT,
  rowKey,
  withExplicit,
  withGroups,
  withLeaving,
  type Draft,
} from '../../edge-client/element/draft.ts';
import { IN_FORCE } from '../../edge-client/element/groups.ts';
import { viewPanel, type PanelView, type RowView } from '../../edge-client/element/model.ts';
import { groupStatus, rowStatus } from '../../edge-client/element/view/status.ts';
import { languageOf } from '../../edge-client/element/words/language.ts';

const PURPOSE = 'https://w3id.org/dpv#ServicePersonalisation';
const OTHER = 'urn:example:purpose';
const TWIN: Operation[] = ['collect', 'infer_local', 'train_local', 'contribute', 'personalise'];
const ANYTHING = { minCohort: null, maxEpsilon: null };

function cell(
  category: Category,
  operation: Operation,
  status: CellStatus,
  more: Partial<ConsentCellView> = {},
): ConsentCellView {
  const explicit = category === 'psychographic';
  const answer = {
    status,
    logged: true,
    validUntil: null,
    mayAsk: true,
    necessity: 'optional' as const,
    explicit,
  };
  return { purpose: PURPOSE, category, operation, ...answer, ...more };
}

const cells = (category: Category, status: CellStatus, more?: Partial<ConsentCellView>): ConsentCellView[] =>
  TWIN.map((operation) => cell(category, operation, status, more));

const view = (shown: readonly ConsentCellView[], draft: Draft = NO_DRAFT): PanelView =>
  viewPanel({ cells: shown, receipts: [], draft, purposes: null });

const rowsOf = ({ purposes }: PanelView): RowView[] => purposes.flatMap(({ rows }) => rows);

function choose(shown: readonly ConsentCellView[], categories: readonly Category[], draft = NO_DRAFT): Draft {
  const rows = rowsOf(view(shown)).filter(({ category }) => categories.includes(category));
  return withGroups(draft, rows.flatMap(groupKeys), true);
}

const isChosen = ({ chosen }: { chosen: boolean }): boolean => chosen;

describe('what is shown', () => {
  test('is off where nobody answered: nothing is chosen beforehand', () => {
    const shown = view(CATEGORIES.flatMap((category) => cells(category, 'unknown')));
    expect(rowsOf(shown).map(({ toggle }) => toggle)).toEqual(CATEGORIES.map(() => 'off'));
    expect(shown).toMatchObject({ given: 0, open: 7, chosen: 0 });
  });

  test('puts what is needed first, one row for each category and purpose', () => {
    const shown = [
      ...cells('feedback', 'unknown'),
      ...cells('transactional', 'unknown', { necessity: 'required' }),
      ...cells('feedback', 'given', { purpose: OTHER }),
    ];
    expect(rowsOf(view(shown)).map(({ category, purpose, toggle }) => [category, purpose, toggle])).toEqual([
      ['transactional', PURPOSE, 'off'],
      ['feedback', PURPOSE, 'off'],
      ['feedback', OTHER, 'on'],
    ]);
    const filtered = viewPanel({
      cells: shown,
      receipts: [],
      draft: NO_DRAFT,
      purposes: [OTHER],
    });
    expect(filtered.purposes.map(({ purpose }) => purpose)).toEqual([OTHER]);
  });

  test('is mixed where a part is given, and off as soon as it is being taken back', () => {
    const part = TWIN.map((operation) =>
      cell('feedback', operation, operation === 'contribute' ? 'given' : 'refused'),
    );
    expect(rowsOf(view(part))[0]).toMatchObject({ toggle: 'mixed' });
    const all = cells('feedback', 'given');
    const keys = rowsOf(view(all)).flatMap(groupKeys);
    expect(rowsOf(view(all))[0]).toMatchObject({ toggle: 'on' });
    expect(rowsOf(view(all, withLeaving(NO_DRAFT, keys, true)))[0]).toMatchObject({ toggle: 'off' });
  });

  test('counts as used what the gate permits', () => {
    expect(IN_FORCE).toEqual(PERMITTING_STATUSES);
  });

  test('calls a status that it does not know a no', () => {
    const strange = cells('feedback', 'quarantined' as CellStatus);
    const [row] = rowsOf(view(strange));
    expect(row?.toggle).toBe('off');
    expect(view(strange)).toMatchObject({ given: 0, open: 1 });
    for (const tag of ['en', 'de', 'es'])
      expect(rowStatus(row as RowView, languageOf([tag]))).toEqual({
        text: languageOf([tag]).words.status.other('quarantined'),
        tone: 'no',
      });
  });

  test('says so where an opt-out law lets data be used, and takes a no to whatever is not one yet', () => {
    expect(view(cells('feedback', 'unknown')).optOut).toBe(false);
    expect(view(cells('feedback', 'allowed'))).toMatchObject({ optOut: true, given: 1, open: 0 });
    for (const status of ['noticed', 'restricted', 'pending_guardian', 'denied_by_signal'] as const)
      expect(refusalCalls(view(cells('feedback', status)))).toMatchObject([{ categories: ['feedback'] }]);
    for (const status of ['refused', 'withdrawn', 'objected', 'allowed'] as const)
      expect(refusalCalls(view(cells('feedback', status)))).toEqual([]);
  });

  test('says until when, and what still waits for the log', () => {
    const given = cells('feedback', 'given', { validUntil: '2027-03-02T12:00:00Z', logged: false });
    const group = rowsOf(view(given))[0]?.groups[0];
    expect(groupStatus(group!, languageOf(['en-GB']))).toEqual({
      text: 'Allowed, until 2 March 2027, waiting for its entry in the public log',
      tone: 'yes',
    });
    expect(groupStatus(group!, languageOf(['de'])).text).toContain('bis 2. März 2027');
  });
});

describe('what the twin is asked to sign', () => {
  test('a special category is asked for twice, and apart from the others', () => {
    const shown = [...cells('feedback', 'unknown'), ...cells('psychographic', 'unknown')];
    const draft = choose(shown, ['feedback', 'psychographic']);
    expect(unconfirmed(view(shown, draft), isChosen).map(({ category }) => category)).toEqual([
      'psychographic',
    ]);
    const confirmed = withExplicit(draft, [rowKey({ purpose: PURPOSE, category: 'psychographic' })], true);
    expect(unconfirmed(view(shown, confirmed), isChosen)).toEqual([]);
    const calls = grantCalls(view(shown, confirmed), { minCohort: 50, maxEpsilon: 2 });
    const terms = { minCohort: 50, maxEpsilon: 2, operations: TWIN };
    expect(calls).toMatchObject([
      { categories: ['psychographic'], consentType: 'explicit', method: 'toggle+confirm+button', ...terms },
      { categories: ['feedback'], method: 'toggle+button', ...terms },
    ]);
    expect(calls[1]).not.toHaveProperty('consentType');
  });

  test('new conditions for what is given keep the explicit yes explicit', () => {
    const shown = view([...cells('feedback', 'given'), ...cells('psychographic', 'given')]);
    expect(
      conditionCalls(shown, ANYTHING).map(({ consentType, categories }) => [consentType, categories]),
    ).toEqual([
      ['explicit', ['psychographic']],
      ['expressed', ['feedback']],
    ]);
  });

  const STATUSES: CellStatus[] = ['unknown', 'given', 'refused', 'withdrawn', 'expired'];
  const someCells = fc
    .uniqueArray(
      fc.record({
        purpose: fc.constantFrom(PURPOSE, OTHER),
        category: fc.constantFrom(...CATEGORIES),
        operation: fc.constantFrom(...OPERATIONS),
        status: fc.constantFrom(...STATUSES),
      }),
      {
        selector: ({ purpose, category, operation }) => `${purpose} ${category} ${operation}`,
        maxLength: 40,
      },
    )
    .map((some) =>
      some.map(({ category, operation, status, purpose }) => cell(category, operation, status, { purpose })),
    );
  const named = (calls: readonly GrantChoice[]): string[] =>
    calls
      .flatMap(({ purpose, categories = [], operations = [] }) =>
        categories.flatMap((category) =>
          operations.map((operation) => `${purpose} ${category} ${operation}`),
        ),
      )
      .toSorted();
  const nameOf = ({ purpose, category, operation }: ConsentCellView): string =>
    `${purpose} ${category} ${operation}`;

  test('a withdrawal of everything names every cell that is given, once', () => {
    fc.assert(
      fc.property(someCells, (shown) => {
        const given = shown.filter(({ status }) => status === 'given').map(nameOf);
        const withdrawn = named(withdrawalCalls(view(shown), 'button'));
        expect(withdrawn).toEqual(expect.arrayContaining(given));
        expect(new Set(withdrawn).size).toBe(withdrawn.length);
      }),
    );
  });

  test('a grant names what was chosen and not one cell more', () => {
    fc.assert(
      fc.property(someCells, fc.subarray([...CATEGORIES]), (shown, categories) => {
        const draft = choose(shown, categories);
        const granted = new Set(named(grantCalls(view(shown, draft), ANYTHING)));
        for (const each of shown) {
          const row = rowsOf(view(shown)).find(
            ({ category, purpose }) => category === each.category && purpose === each.purpose,
          );
          const group = row?.groups.find(({ operations }) => operations.includes(each.operation));
          const wanted = categories.includes(each.category) && group?.inForce === false;
          expect(granted.has(nameOf(each))).toBe(wanted);
        }
        expect(granted.size).toBeLessThanOrEqual(shown.length);
      }),
    );
  });

  test('a refusal of the rest names whatever is not answered', () => {
    fc.assert(
      fc.property(someCells, (shown) => {
        const refused = named(refusalCalls(view(shown)));
        const open = shown.filter(({ status }) => status === 'unknown' || status === 'expired').map(nameOf);
        expect(refused).toEqual(expect.arrayContaining(open));
      }),
    );
  });
});
