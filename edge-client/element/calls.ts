/** From rows and groups to what the twin is asked to sign: as few events as say exactly that. Nothing is implied beyond them. */
import type { Category, Operation } from '@twinkeep/consent';
import type { GrantChoice } from '../twin/types.ts';
import { groupKey } from './draft.ts';
import type { GroupView, PanelView, RowView } from './model.ts';

export interface Named {
  purpose: string;
  categories: Category[];
  operations: Operation[];
}

/** What a person wants of every sum. Null: no condition. */
export interface Conditions {
  minCohort: number | null;
  maxEpsilon: number | null;
}

const HERE = { uiFlow: 'twinkeep-consent' } as const;

/** Categories of which the same is meant share an event. */
export function namedBy(view: PanelView, holds: (group: GroupView, row: RowView) => boolean): Named[] {
  const calls = new Map<string, Named>();
  for (const { rows } of view.purposes)
    for (const row of rows) {
      const operations = row.groups.filter((group) => holds(group, row)).flatMap((group) => group.operations);
      if (operations.length === 0) continue;
      const key = JSON.stringify([row.purpose, operations]);
      const call = calls.get(key) ?? { purpose: row.purpose, categories: [], operations };
      call.categories.push(row.category);
      calls.set(key, call);
    }
  return [...calls.values()];
}

/** Rows of special categories that these groups touch, without the second yes. */
export function unconfirmed(view: PanelView, touched: (group: GroupView) => boolean): RowView[] {
  return view.purposes
    .flatMap(({ rows }) => rows)
    .filter(({ special, explicit, groups }) => special && !explicit && groups.some(touched));
}

export function grantCalls(view: PanelView, conditions: Conditions): GrantChoice[] {
  return [true, false].flatMap((special) =>
    namedBy(view, (group, row) => group.chosen && row.special === special).map((named) => ({
      ...named,
      ...HERE,
      ...termsOf(conditions),
      ...(special
        ? { method: 'toggle+confirm+button', consentType: 'explicit' as const }
        : { method: 'toggle+button' }),
    })),
  );
}

/** What is in force, once more and under these conditions. */
export function conditionCalls(view: PanelView, conditions: Conditions): GrantChoice[] {
  return [true, false].flatMap((special) =>
    namedBy(view, (group, row) => group.used && row.special === special).map((named) => ({
      ...named,
      ...HERE,
      ...termsOf(conditions),
      ...(special
        ? { method: 'conditions+confirm', consentType: 'explicit' as const }
        : { method: 'conditions', consentType: 'expressed' as const }),
    })),
  );
}

export function refusalCalls(view: PanelView): (Named & { method: string; uiFlow: string })[] {
  return namedBy(view, ({ open }) => open).map((named) => ({ ...named, ...HERE, method: 'button' }));
}

export function withdrawalCalls(
  view: PanelView,
  method: string,
  within: (group: GroupView, row: RowView) => boolean = () => true,
): (Named & { method: string; uiFlow: string })[] {
  return namedBy(view, (group, row) => group.used && within(group, row)).map((named) => ({
    ...named,
    ...HERE,
    method,
  }));
}

export function groupKeys({ groups, ...row }: RowView): string[] {
  return groups.map(({ name }) => groupKey(row, name));
}

function termsOf({ minCohort, maxEpsilon }: Conditions): Pick<GrantChoice, 'minCohort' | 'maxEpsilon'> {
  return {
    ...(minCohort === null ? {} : { minCohort }),
    ...(maxEpsilon === null ? {} : { maxEpsilon }),
  };
}
