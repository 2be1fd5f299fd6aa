/** From what the twin says to what is shown: a pure function of its cells, its receipts and the draft. */
import type { Operation, PrivacyFloor } from '@twinkeep/consent';
import type { ConsentCellView, ConsentReceiptView } from '../twin/types.ts';
import { groupKey, rowKey, type Draft, type RowName } from './draft.ts';
import { GROUP_OF, isInForce, isOptOut, isRefusable, type GroupName, type Status } from './groups.ts';

export interface GroupView {
  name: GroupName;
  operations: readonly Operation[];
  /** Of all its operations; `in-part` where they differ. */
  status: Status | 'in-part';
  /** All of it is; `used`: at least a part. */
  inForce: boolean;
  used: boolean;
  /** The person has not said no to all of it, and it is not in force. */
  open: boolean;
  chosen: boolean;
  /** How its switch stands. */
  on: boolean;
  logged: boolean;
  /** RFC 3339; the earliest of its operations. */
  validUntil: string | null;
}

/** One category for one purpose: what a toggle stands for. */
export interface RowView extends RowName {
  key: string;
  necessity: 'required' | 'optional';
  groups: readonly GroupView[];
  /** Special categories (GDPR Article 9) are accepted twice; `explicit`: the second time. */
  special: boolean;
  explicit: boolean;
  /** What is given is about to be given under other conditions, which is a yes of its own. */
  renewing: boolean;
  /** `mixed`: some of its groups are in force or chosen. */
  toggle: 'on' | 'off' | 'mixed';
  /** Under which conditions it was given. */
  floor: PrivacyFloor | null;
}

export interface PurposeView {
  purpose: string;
  rows: readonly RowView[];
}

export interface PanelView {
  purposes: readonly PurposeView[];
  /** Something here is used without a yes, or will be, until the person objects. */
  optOut: boolean;
  /** Rows of which something is in force, may be refused, or is chosen. */
  given: number;
  open: number;
  chosen: number;
}

export interface ModelInput {
  cells: readonly ConsentCellView[];
  /** Oldest first. */
  receipts: readonly ConsentReceiptView[];
  draft: Draft;
  /** Only these purposes; null: all. */
  purposes: readonly string[] | null;
}

export function viewPanel(input: ModelInput): PanelView {
  const { cells, purposes } = input;
  const shown = cells.filter(({ purpose }) => purposes === null || purposes.includes(purpose));
  const named = [...new Set(shown.map(({ purpose }) => purpose))].map((purpose): PurposeView => {
    const own = shown.filter((cell) => cell.purpose === purpose);
    const rows = [...new Set(own.map(({ category }) => category))].map((category) =>
      viewRow(
        { purpose, category },
        own.filter((cell) => cell.category === category),
        input,
      ),
    );
    return { purpose, rows: rows.toSorted((a, b) => rank(a) - rank(b)) };
  });
  const rows = named.flatMap(({ rows }) => rows);
  const count = (holds: (group: GroupView) => boolean): number =>
    rows.filter(({ groups }) => groups.some(holds)).length;
  return {
    purposes: named,
    optOut: shown.some(({ status }) => isOptOut(status)),
    given: count(({ used }) => used),
    open: count(({ open }) => open),
    chosen: count(({ chosen }) => chosen),
  };
}

function rank({ necessity }: RowView): number {
  return necessity === 'required' ? 0 : 1;
}

function viewRow(name: RowName, cells: readonly ConsentCellView[], { receipts, draft }: ModelInput): RowView {
  const groups = [...new Set(Object.values(GROUP_OF))]
    .map((group) => ({ group, own: cells.filter(({ operation }) => GROUP_OF[operation] === group) }))
    .filter(({ own }) => own.length > 0)
    .map(({ group, own }) => viewGroup(name, group, own, draft));
  return {
    ...name,
    key: rowKey(name),
    necessity: cells.some(({ necessity }) => necessity === 'required') ? 'required' : 'optional',
    groups,
    special: cells.some(({ explicit }) => explicit),
    explicit: draft.explicit.has(rowKey(name)),
    renewing: draft.renewing.has(rowKey(name)),
    toggle: !groups.some(({ on }) => on) ? 'off' : groups.every(isWholly) ? 'on' : 'mixed',
    floor: groups.some(({ used }) => used) ? floorOf(name, receipts) : null,
  };
}

function isWholly({ on, inForce, chosen }: GroupView): boolean {
  return on && (inForce || chosen);
}

function viewGroup(
  row: RowName,
  name: GroupName,
  cells: readonly ConsentCellView[],
  draft: Draft,
): GroupView {
  const statuses = [...new Set(cells.map(({ status }) => status))];
  const inForce = statuses.every(isInForce);
  const used = statuses.some(isInForce);
  const key = groupKey(row, name);
  const chosen = !inForce && draft.groups.has(key);
  const ends = cells.flatMap(({ validUntil }) => validUntil ?? []).toSorted();
  return {
    name,
    operations: cells.map(({ operation }) => operation),
    status: statuses.length === 1 ? (statuses[0] as Status) : 'in-part',
    inForce,
    used,
    open: statuses.some(isRefusable),
    chosen,
    on: chosen || (used && !draft.leaving.has(key)),
    logged: cells.every(({ logged }) => logged),
    validUntil: ends[0] ?? null,
  };
}

/** The newest yes to the row says under which conditions. */
function floorOf(
  { purpose, category }: RowName,
  receipts: readonly ConsentReceiptView[],
): PrivacyFloor | null {
  const grants = receipts
    .toReversed()
    .filter(({ event }) => event.event.type === 'grant' || event.event.type === 'renew')
    .flatMap(({ event }) => event.grants);
  const newest = grants.find(
    (grant) =>
      grant.purpose === purpose && grant.category === category && grant.operations.includes('contribute'),
  );
  return newest?.privacyFloor ?? null;
}
