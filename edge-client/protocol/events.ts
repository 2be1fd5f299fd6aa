/** Customer events: CloudEvents-shaped, bounded, one of seven consent categories. Static facts are `attribute.set` events. */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import * as v from 'valibot';

const MAX_ATTRIBUTES = 64;
const MAX_TEXT = 2_048;

/** RFC 3339 in UTC, to the second or the millisecond. */
export const instantSchema: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/, 'an instant looks like 2026-01-31T12:00:00Z'),
  v.check(exists, 'this instant does not exist'),
);

/** Engines differ on 30 February: some say NaN, some 2 March; and 24:00 is another day's 00:00. */
function exists(text: string): boolean {
  const time = Date.parse(text);
  return Number.isFinite(time) && new Date(time).toISOString().slice(0, 19) === text.slice(0, 19);
}

export type AttributeValue = string | number | boolean;

const attributeValueSchema = v.union([
  v.pipe(v.string(), v.maxLength(MAX_TEXT)),
  v.pipe(v.number(), v.finite()),
  v.boolean(),
]);

export interface CustomerEvent {
  /** Unique per twin: a second event with the same id is dropped. */
  id: string;
  /** Where it came from: a system's name, not a person's. */
  source: string;
  /** Dotted name of what happened, e.g. `support.contact`. */
  type: string;
  time: string;
  category: Category;
  data: Record<string, AttributeValue>;
}

const nameSchema = (max: number): v.GenericSchema<string> =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(max), v.regex(/^[\p{L}\p{N}_.:/@ -]+$/u));

export const customerEventSchema: v.GenericSchema<CustomerEvent> = v.strictObject({
  id: nameSchema(64),
  source: nameSchema(64),
  type: nameSchema(64),
  time: instantSchema,
  category: v.picklist(CATEGORIES),
  data: v.pipe(
    v.record(nameSchema(64), attributeValueSchema),
    v.check(
      (data) => Object.keys(data).length <= MAX_ATTRIBUTES,
      `an event has at most ${MAX_ATTRIBUTES} attributes`,
    ),
  ),
});
