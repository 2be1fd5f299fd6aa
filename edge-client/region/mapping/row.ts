/**
 * One row of a file as events. Pure, so that whoever wants a pooled baseline for comparison computes it from the same
 * events as the twins do.
 */
import { bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';
import type { Category } from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import {
  DEFAULT_LABEL_EVENT,
  DEFAULT_MISSING,
  factColumns,
  type CsvFormat,
  type Fact,
  type Mapping,
} from './mapping.ts';

/** Cells by column name. */
export type Row = Readonly<Record<string, string>>;

export interface MappedRow {
  /** The customer's number in the file; null where the mapping names no such column. */
  customer: string | null;
  /** Facts: one event per category and event type, at the reference instant. The label, where known, comes last. */
  events: CustomerEvent[];
  /** 1 for a positive label, 0 for a negative one, null where the cell says that it is not known. */
  label: 0 | 1 | null;
  /** What the consent column says; null where the mapping has none. */
  granted: boolean | null;
}

/** `column` names where it is. */
export class CellError extends RegionError {
  readonly column: string;

  constructor(column: string, message: string) {
    super('import/value', `column ${column}: ${message}`);
    this.name = 'CellError';
    this.column = column;
  }
}

const MAX_ATTRIBUTES = 64;
const MAX_WORD = 256;
const DAY_MILLIS = 86_400_000;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

/**
 * @param referenceTime the instant of the facts; the label is observed `horizonDays` later
 * @throws CellError for a number that is none, or a word outside the vocabulary
 */
export function rowToEvents(mapping: Mapping, row: Row, referenceTime: string): MappedRow {
  const known = cellReader(mapping.format, row);
  const events = factEvents(mapping, known, referenceTime);
  const label = readLabel(mapping, known);
  if (label !== null) {
    const { label: rule } = mapping;
    const time = addDays(referenceTime, rule.horizonDays);
    const data = { [rule.attribute ?? rule.column]: label.word };
    events.push(createEvent(mapping, rule.event ?? DEFAULT_LABEL_EVENT, rule.category, time, data));
  }
  const { column, granted } = mapping.consent;
  return {
    customer: readCustomer(mapping, known),
    events,
    label: label === null ? null : label.value,
    granted: column === undefined ? null : (granted ?? []).includes(known(column) ?? ''),
  };
}

/** Columns that a file must have. */
export function neededColumns(mapping: Mapping): string[] {
  const named = [mapping.subject, mapping.label.column, mapping.consent.column];
  const facts = factColumns(mapping).map(([column]) => column);
  return [...new Set([...named.filter((column) => column !== null && column !== undefined), ...facts])];
}

type CellReader = (column: string) => string | null;

function cellReader({ missing }: CsvFormat, row: Row): CellReader {
  const absent = new Set(missing ?? DEFAULT_MISSING);
  return (column) => {
    const cell = (row[column] ?? '').trim();
    return absent.has(cell) ? null : cell;
  };
}

/** Columns of one category and event type share an event: fewer events to keep and to fold. */
function factEvents(mapping: Mapping, known: CellReader, time: string): CustomerEvent[] {
  const groups = new Map<string, { event: string; category: Category; facts: [string, AttributeValue][] }>();
  for (const [column, fact] of factColumns(mapping)) {
    const { category, event } = fact;
    const key = `${category} ${event}`;
    const group = groups.get(key) ?? { event, category, facts: [] };
    groups.set(key, group);
    const cell = known(column);
    if (cell !== null && fact.missing?.includes(cell) !== true)
      group.facts.push([fact.attribute, readCell(column, fact, cell, mapping.format)]);
  }
  return [...groups.values()].flatMap(({ event, category, facts }) =>
    chunks(facts, MAX_ATTRIBUTES).map((some) =>
      createEvent(mapping, event, category, time, Object.fromEntries(some)),
    ),
  );
}

function readCell(column: string, fact: Fact, cell: string, format: CsvFormat): AttributeValue {
  if (fact.type === 'number') return readNumber(column, cell, format);
  if (!fact.vocabulary.includes(cell) && fact.other !== true)
    throw new CellError(column, `this is none of the ${fact.vocabulary.length} words of its vocabulary`);
  if (cell.length > MAX_WORD) throw new CellError(column, `a word has at most ${MAX_WORD} characters`);
  return cell;
}

function readNumber(column: string, cell: string, { decimal = '.' }: CsvFormat): number {
  const plain = decimal === '.' ? cell : cell.replace('.', 'not a decimal sign').replace(',', '.');
  const value = NUMBER.test(plain) ? Number(plain) : Number.NaN;
  if (!Number.isFinite(value))
    throw new CellError(column, `this is not a number with ${JSON.stringify(decimal)} as its decimal sign`);
  return value;
}

function readLabel({ label }: Mapping, known: CellReader): { word: string; value: 0 | 1 } | null {
  const word = known(label.column);
  if (word === null) return null;
  if (label.positive.includes(word)) return { word, value: 1 };
  if (label.negative.includes(word)) return { word, value: 0 };
  throw new CellError(label.column, 'this is neither a positive nor a negative word of the label');
}

function readCustomer({ subject }: Mapping, known: CellReader): string | null {
  if (subject === null) return null;
  const customer = known(subject);
  if (customer === null) throw new CellError(subject, 'the number of the customer is missing');
  if (customer.length > MAX_WORD) throw new CellError(subject, `it has at most ${MAX_WORD} characters`);
  return customer;
}

/** The id follows from the content, so that the same facts imported again are the same event, and changed ones another. */
function createEvent(
  { source, referenceTime }: Mapping,
  type: string,
  category: Category,
  time: string,
  data: Record<string, AttributeValue>,
): CustomerEvent {
  const content = canonicalBytes({ source, type, category, data, referenceTime: referenceTime ?? null });
  return { id: `import-${bytesToBase64Url(sha256(content))}`, source, type, time, category, data };
}

function addDays(instant: string, days: number): string {
  return `${new Date(Date.parse(instant) + days * DAY_MILLIS).toISOString().slice(0, 19)}Z`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
