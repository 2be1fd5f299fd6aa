/**
 * What is kept of the events of one source on one day. A summary is a commutative monoid: the order in which events arrive, or in
 * which summaries are merged, changes nothing but the last bits of a floating-point sum.
 */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import { MAX_DISTINCT, type AttributeValue } from '@twinkeep/protocol';
import type { Source } from './plan.ts';

export interface Summary {
  /** Events. */
  count: number;
  /** Of these, the ones whose value is a number or a yes/no, and what these add up to. */
  numbers: number;
  sum: number;
  min: number;
  max: number;
  /** Milliseconds since 1970, and the value then; null where the source is the events themselves. */
  lastTime: number;
  last: AttributeValue | null;
  /** Short hashes of different values, ascending, the MAX_DISTINCT smallest. */
  distinct: string[];
  /** Events whose value is `source.equals[i]`. */
  equal: number[];
}

export function emptySummary(source: Source): Summary {
  return {
    count: 0,
    numbers: 0,
    sum: 0,
    min: Infinity,
    max: -Infinity,
    lastTime: -Infinity,
    last: null,
    distinct: [],
    equal: source.equals.map(() => 0),
  };
}

/** Takes one event in, in place. @param value null where the source is the events themselves */
export function addValue(summary: Summary, source: Source, value: AttributeValue | null, time: number): void {
  summary.count++;
  keepLast(summary, value, time);
  if (value === null) return;
  const number = toNumber(value);
  if (number !== null) {
    summary.numbers++;
    summary.sum = finite(summary.sum + number);
    summary.min = Math.min(summary.min, number);
    summary.max = Math.max(summary.max, number);
  }
  if (source.distinct) keepDistinct(summary, [valueToken(value)]);
  const equal = source.equals.indexOf(value);
  if (equal >= 0) summary.equal[equal] = (summary.equal[equal] ?? 0) + 1;
}

/** Takes another summary in, in place. */
export function mergeSummary(into: Summary, from: Summary): void {
  into.count += from.count;
  into.numbers += from.numbers;
  into.sum = finite(into.sum + from.sum);
  into.min = Math.min(into.min, from.min);
  into.max = Math.max(into.max, from.max);
  keepLast(into, from.last, from.lastTime);
  keepDistinct(into, from.distinct);
  from.equal.forEach((count, i) => (into.equal[i] = (into.equal[i] ?? 0) + count));
}

/** A number, a yes/no as 1/0, or null for a word. */
export function toNumber(value: AttributeValue): number | null {
  return typeof value === 'string' ? null : Number(value);
}

/** Of two values of one instant the greater counts, so that the order of arrival does not. */
export function isLater(
  value: AttributeValue | null,
  time: number,
  than: AttributeValue | null,
  thanTime: number,
): boolean {
  return time > thanTime || (time === thanTime && isGreater(value, than));
}

function keepLast(summary: Summary, value: AttributeValue | null, time: number): void {
  if (!isLater(value, time, summary.last, summary.lastTime)) return;
  summary.lastTime = time;
  summary.last = value;
}

function isGreater(a: AttributeValue | null, b: AttributeValue | null): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a > b;
  return JSON.stringify(a) > JSON.stringify(b);
}

/** Events may hold the largest numbers there are; their sum must still be one, in JSON too. */
function finite(sum: number): number {
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, sum));
}

/** The smallest hashes of a union follow from the smallest of its parts, so the bound does not depend on the order either. */
function keepDistinct(summary: Summary, tokens: readonly string[]): void {
  if (tokens.length === 0) return;
  summary.distinct = [...new Set([...summary.distinct, ...tokens])].sort().slice(0, MAX_DISTINCT);
}

function valueToken(value: AttributeValue): string {
  return bytesToBase64Url(sha256(utf8ToBytes(JSON.stringify(value))).subarray(0, 9));
}
