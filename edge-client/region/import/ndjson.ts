/**
 * Customer events and consents, one JSON object a line:
 *
 *   {"customer": "4711", "consent": {"granted": ["transactional", "behavioral"]}}     or {"refused": true}
 *   {"customer": "4711", "event": {"id": ..., "source": ..., "type": ..., "time": ..., "category": ..., "data": {...}}}
 *
 * A label is an event like any other. For demos a consent may say when it will be withdrawn: `"withdrawsAt": 0.4`, as a
 * share of the task's rounds.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { CATEGORIES, type Category } from '@twinkeep/consent';
import { parseEvent, type RawEvent } from '@twinkeep/edge-client/fleet';
import { firstIssue } from '@twinkeep/protocol';
import * as v from 'valibot';
import { RegionError } from '../errors.ts';
import { readLines } from './text.ts';

export type ConsentLine = { granted: Category[]; withdrawsAt?: number } | { refused: true };

export interface EventLine {
  /** From 1. */
  row: number;
  customer: string;
  content: { event: RawEvent } | { consent: ConsentLine };
}

const customer = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const lineSchema = v.union([
  v.strictObject({ customer, event: v.unknown() }),
  v.strictObject({
    customer,
    consent: v.union([
      v.strictObject({ refused: v.literal(true) }),
      v.strictObject({
        granted: v.pipe(v.array(v.picklist(CATEGORIES)), v.minLength(1), v.maxLength(CATEGORIES.length)),
        withdrawsAt: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
      }),
    ]),
  }),
]);

/** @throws RegionError 'import/unreadable', 'import/encoding', 'import/format', 'import/empty' */
export async function* readEventLines(file: string): AsyncGenerator<EventLine> {
  const name = basename(file);
  let row = 0;
  for await (const line of readLines(createReadStream(file), name)) {
    row++;
    if (line.trim() !== '') yield { row, ...readLine(line, `${name}, line ${row}`) };
  }
  if (row === 0) throw new RegionError('import/empty', `${name}: the file is empty`);
}

function readLine(line: string, where: string): Pick<EventLine, 'customer' | 'content'> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new RegionError('import/format', `${where}: this is not JSON`);
  }
  const parsed = v.safeParse(lineSchema, json);
  if (!parsed.success) throw new RegionError('import/format', `${where}: ${firstIssue(parsed.issues)}`);
  const { customer } = parsed.output;
  if ('consent' in parsed.output) return { customer, content: { consent: parsed.output.consent } };
  try {
    return { customer, content: { event: parseEvent(parsed.output.event) } };
  } catch (error) {
    throw new RegionError('import/value', `${where}: ${(error as Error).message}`);
  }
}
