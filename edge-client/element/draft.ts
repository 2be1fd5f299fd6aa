/** What is chosen and not accepted yet. It lives in the page alone: closing the page forgets it. */
import type { Category } from '@twinkeep/consent';
import type { GroupName } from './groups.ts';

export interface Draft {
  /** Keys of `groupKey`. */
  readonly groups: ReadonlySet<string>;
  /** Keys of `rowKey`: the second, explicit yes to a special category. */
  readonly explicit: ReadonlySet<string>;
  /** Keys of `groupKey`: switched off, while the twin signs the withdrawal. A switch never jumps back under the finger. */
  readonly leaving: ReadonlySet<string>;
  /** Keys of `rowKey`: given, to be given anew under other conditions. */
  readonly renewing: ReadonlySet<string>;
}

export const NO_DRAFT: Draft = {
  groups: new Set(),
  explicit: new Set(),
  leaving: new Set(),
  renewing: new Set(),
};

export interface RowName {
  purpose: string;
  category: Category;
}

/** Neither purposes (IRIs) nor the other parts hold a space. */
export function rowKey({ purpose, category }: RowName): string {
  return `${purpose} ${category}`;
}

export function groupKey(row: RowName, group: GroupName): string {
  return `${rowKey(row)} ${group}`;
}

export function withGroups(draft: Draft, keys: readonly string[], chosen: boolean): Draft {
  return { ...draft, groups: changed(draft.groups, keys, chosen) };
}

export function withExplicit(draft: Draft, keys: readonly string[], confirmed: boolean): Draft {
  return { ...draft, explicit: changed(draft.explicit, keys, confirmed) };
}

export function withLeaving(draft: Draft, keys: readonly string[], leaving: boolean): Draft {
  return { ...draft, leaving: changed(draft.leaving, keys, leaving) };
}

function changed(set: ReadonlySet<string>, keys: readonly string[], within: boolean): ReadonlySet<string> {
  return within ? new Set([...set, ...keys]) : new Set([...set].filter((key) => !keys.includes(key)));
}
