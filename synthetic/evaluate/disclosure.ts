/** What a synthetic table gives away about known people, and whether it repeats rows. Formulas of SDMetrics 0.29. */
import { columnOf, type Table } from '../table.ts';
import { meanInterval, shareInterval, type Interval } from './curve.ts';
import { commonCodes } from './pair.ts';

export interface Disclosure {
  /** min(1, CAP protection / baseline), with the interval of the CAP protection; NaN where no real row's known values occur. */
  protection: Interval;
  /** Real rows whose known values occur in the synthetic table. */
  matched: number;
}

/**
 * An attacker knows `known` of every real row and guesses `sensitive` from the synthetic rows with the same known values (correct
 * attribution probability): protection = 1 - how often the true value is among them, against guessing evenly. Numbers are binned.
 */
export function disclosureProtection(
  real: Table,
  synthetic: Table,
  known: readonly string[],
  sensitive: string,
): Disclosure {
  const codes = (name: string): [Int32Array, Int32Array] =>
    commonCodes(columnOf(real, name), columnOf(synthetic, name));
  const keys = known.map(codes);
  const [truth, made] = codes(sensitive);
  const key = (table: 0 | 1, row: number): string => keys.map((pair) => pair[table][row]).join();

  const counts = new Map<string, Map<number, number>>();
  for (let row = 0; row < synthetic.rows; row++) {
    const at = key(1, row);
    let group = counts.get(at);
    if (group === undefined) counts.set(at, (group = new Map()));
    const value = made[row] as number;
    group.set(value, (group.get(value) ?? 0) + 1);
  }
  const protections: number[] = [];
  for (let row = 0; row < real.rows; row++) {
    const group = counts.get(key(0, row));
    if (group === undefined) continue;
    let size = 0;
    for (const count of group.values()) size += count;
    protections.push(1 - (group.get(truth[row] as number) ?? 0) / size);
  }
  if (protections.length === 0) return { protection: { value: Number.NaN, low: 0, high: 1 }, matched: 0 };
  const baseline = 1 - 1 / new Set(truth).size;
  const { value, low, high } = meanInterval(protections);
  // A sensitive column with one value has nothing to protect.
  const scaled = (x: number): number => (baseline === 0 ? 1 : Math.min(1, Math.max(0, x / baseline)));
  return {
    protection: { value: scaled(value), low: scaled(low), high: scaled(high) },
    matched: protections.length,
  };
}

/** NewRowSynthesis: the share of synthetic rows that match no real row, all categories equal and all numbers within 1 % of the synthetic one. */
export function newRows(real: Table, synthetic: Table): Interval {
  const pairs = real.columns.map((column) => [column, columnOf(synthetic, column.name)] as const);
  const words = pairs.filter(([column]) => column.kind === 'category').map(([a, b]) => commonCodes(a, b));
  const numbers = pairs.flatMap(([a, b]) =>
    a.kind !== 'category' && b.kind !== 'category' ? [[a.values, b.values] as const] : [],
  );
  const groups = new Map<string, number[]>();
  for (let row = 0; row < real.rows; row++) {
    const at = words.map(([codes]) => codes[row]).join();
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [row]);
    else group.push(row);
  }
  let fresh = 0;
  for (let row = 0; row < synthetic.rows; row++) {
    const group = groups.get(words.map(([, codes]) => codes[row]).join()) ?? [];
    const matches = (other: number): boolean =>
      numbers.every(([a, b]) => closeEnough(a[other] as number, b[row] as number));
    if (!group.some(matches)) fresh++;
  }
  return shareInterval(fresh, synthetic.rows);
}

function closeEnough(real: number, synthetic: number): boolean {
  if (Number.isNaN(real) || Number.isNaN(synthetic)) return Number.isNaN(real) && Number.isNaN(synthetic);
  return Math.abs(real - synthetic) <= 0.01 * Math.abs(synthetic);
}
