/** Files as customers: what each row or run of lines says of one of them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { bytesToBase64Url } from '@twinkeep/audit';
import { parseEvent, type RawEvent } from '@twinkeep/edge-client/fleet';
import type { ConsentChoice } from '../consent/collector.ts';
import { drawConsent } from '../consent/draw.ts';
import { RegionError } from '../errors.ts';
import { mappingCategories, type Mapping } from '../mapping/mapping.ts';
import { neededColumns, rowToEvents, type MappedRow } from '../mapping/row.ts';
import { readCsv } from './csv.ts';
import { readEventLines } from './ndjson.ts';

export interface ImportedCustomer {
  /** The customer's number in the business's own records. */
  customer: string;
  events: RawEvent[];
  /** Null: the file says nothing of it. */
  choice: ConsentChoice | null;
  /** Demos only, see `drawConsent`. */
  withdrawsAt: number | null;
}

export interface MappedOptions {
  /** The instant of the facts. */
  referenceTime: string;
  /** Demos only: where the mapping invents consents. */
  seed: string | undefined;
}

/** @throws RegionError 'import/...' with file, row and column; at the end, 'import/no-positives' */
export async function* csvCustomers(
  file: string,
  mapping: Mapping,
  { referenceTime, seed }: MappedOptions,
): AsyncGenerator<ImportedCustomer> {
  const name = basename(file);
  const { required, optional } = mappingCategories(mapping);
  const rowOf = new Map<string, number>();
  let positives = 0;
  for await (const { row, cells } of readCsv(file, mapping.format, neededColumns(mapping))) {
    const mapped = at(`${name}, row ${row}`, () => rowToEvents(mapping, cells, referenceTime));
    const customer = mapped.customer ?? String(row - 1);
    const earlier = rowOf.get(customer);
    if (earlier !== undefined)
      throw new RegionError(
        'import/duplicate',
        `${name}, row ${row}, column ${mapping.subject}: this customer is in row ${earlier} too`,
      );
    rowOf.set(customer, row);
    positives += mapped.label ?? 0;
    const consent = choose(mapping, mapped, customer, seed);
    yield {
      customer,
      events: mapped.events.map(parseEvent),
      choice: consent.granted ? { granted: [...required, ...optional] } : { refused: true },
      withdrawsAt: consent.withdrawsAt,
    };
  }
  if (positives === 0)
    throw new RegionError(
      'import/no-positives',
      `${name}, column ${mapping.label.column}: no row has a positive label (${mapping.label.positive.join(', ')})`,
    );
}

/**
 * Lines of one customer that follow each other are taken together, consents first; a customer may come again later.
 * @throws RegionError 'import/...' with file and line
 */
export async function* eventCustomers(file: string): AsyncGenerator<ImportedCustomer> {
  let current: ImportedCustomer | null = null;
  for await (const { customer, content } of readEventLines(file)) {
    if (current !== null && current.customer !== customer) {
      yield current;
      current = null;
    }
    current ??= { customer, events: [], choice: null, withdrawsAt: null };
    if ('event' in content) current.events.push(content.event);
    else if ('refused' in content.consent) current.choice = { refused: true };
    else {
      current.choice = { granted: content.consent.granted };
      current.withdrawsAt = content.consent.withdrawsAt ?? null;
    }
  }
  if (current !== null) yield current;
}

/** `sha-256:<base64url>` of a file's bytes: evidence that an import rests on exactly this file. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'read error';
    throw new RegionError('import/unreadable', `${basename(file)}: ${code}`, { cause });
  }
  return `sha-256:${bytesToBase64Url(hash.digest())}`;
}

function choose(
  { consent }: Mapping,
  mapped: MappedRow,
  customer: string,
  seed: string | undefined,
): { granted: boolean; withdrawsAt: number | null } {
  if (consent.rate === undefined) return { granted: mapped.granted === true, withdrawsAt: null };
  if (seed === undefined)
    throw new RegionError(
      'mapping/invalid',
      'consent.rate invents consents, for demos: it needs a "seed" in the configuration. Real customers need consent.column',
    );
  return drawConsent(seed, customer, consent.rate);
}

/** Adds the place to what a row's own code knows only as a column. */
function at<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RegionError)) throw error;
    throw new RegionError(error.code, `${place}, ${error.message}`, { cause: error });
  }
}
