/** Whole files into a node: a CSV file with its mapping, or a file of events with the terms of consent. */
import { basename } from 'node:path';
import { CATEGORIES } from '@twinkeep/consent';
import * as v from 'valibot';
import type { Collection } from '../consent/collector.ts';
import { RegionError } from '../errors.ts';
import { factColumns, mappingCategories, parseMapping, type Mapping } from '../mapping/mapping.ts';
import { termsSchema, useOf, type ConsentTerms } from '../mapping/terms.ts';
import type { Region } from '../node/open.ts';
import { readJson } from '../process/config.ts';
import { describeIssue } from '../schema-issue.ts';
import { csvCustomers, eventCustomers, hashFile } from './customers.ts';
import { importCustomers, type ImportSummary } from './import.ts';

const DAY_MILLIS = 86_400_000;

/** @throws RegionError 'config/...', 'mapping/invalid' with the field, 'import/...' with file, row and column */
export async function importCsvFile(
  region: Region,
  dataFile: string,
  mappingFile: string,
  clock: () => number = Date.now,
): Promise<ImportSummary> {
  const mapping = await readMapping(mappingFile);
  const { consent } = mapping;
  const decision =
    consent.column === undefined
      ? { kind: 'demo', value: `invented consents at a rate of ${consent.rate?.granted}` }
      : { kind: 'column', value: consent.column };
  const collection: Collection = {
    terms: consent,
    categories: mappingCategories(mapping),
    evidence: [
      { kind: 'statement', value: consent.evidence },
      { kind: 'file', value: await hashFile(dataFile) },
      decision,
    ],
  };
  const options = { referenceTime: referenceTime(mapping, region, clock()), seed: region.config.seed };
  return importCustomers(
    depsOf(region, consent, clock),
    csvCustomers(dataFile, mapping, options),
    collection,
  );
}

/** @param consentFile what customers were asked; null where the file holds no consents */
export async function importEventFile(
  region: Region,
  eventsFile: string,
  consentFile: string | null,
  clock: () => number = Date.now,
): Promise<ImportSummary> {
  const terms = consentFile === null ? null : await readTerms(consentFile);
  const required = terms?.required ?? [];
  const collection: Collection | null = terms && {
    terms,
    categories: { required, optional: CATEGORIES.filter((category) => !required.includes(category)) },
    evidence: [
      { kind: 'statement', value: terms.evidence },
      { kind: 'file', value: await hashFile(eventsFile) },
    ],
  };
  return importCustomers(depsOf(region, terms, clock), eventCustomers(eventsFile), collection);
}

/** @throws RegionError 'config/...', 'mapping/invalid' with file and field */
export async function readMapping(file: string): Promise<Mapping> {
  const json = await readJson(file);
  try {
    return parseMapping(json);
  } catch (error) {
    if (!(error instanceof RegionError)) throw error;
    throw new RegionError(error.code, `${basename(file)}: ${error.message}`, { cause: error });
  }
}

/** @throws RegionError 'config/...', 'mapping/invalid' with file and field */
export async function readTerms(file: string): Promise<ConsentTerms> {
  const parsed = v.safeParse(termsSchema, await readJson(file));
  if (!parsed.success)
    throw new RegionError('mapping/invalid', `${basename(file)}: ${describeIssue(parsed.issues)}`);
  return parsed.output;
}

/** Events may be collected for the purpose that this file names; without one, for none, and the gate refuses them all. */
function depsOf(
  region: Region,
  terms: ConsentTerms | null,
  clock: () => number,
): Parameters<typeof importCustomers>[0] {
  const { store, collector } = region;
  return { store, collector, policy: region.policyFor(terms === null ? [] : [useOf(terms)]), clock };
}

/** The mapping's, or so long ago that the label is observed now. @throws RegionError 'mapping/invalid' */
function referenceTime(mapping: Mapping, { config }: Region, now: number): string {
  const { horizonDays } = mapping.label;
  const stated = mapping.referenceTime;
  const reference = stated === undefined ? now - horizonDays * DAY_MILLIS : Date.parse(stated);
  if (reference + horizonDays * DAY_MILLIS > now)
    throw new RegionError('mapping/invalid', 'referenceTime: the label would be observed in the future');
  const categories = new Set([
    mapping.label.category,
    ...factColumns(mapping).map(([, { category }]) => category),
  ]);
  const lapsed = [...categories].find(
    (category) =>
      Math.floor(reference / DAY_MILLIS) + config.retentionDays[category] < Math.floor(now / DAY_MILLIS),
  );
  if (lapsed !== undefined)
    throw new RegionError(
      'mapping/invalid',
      `referenceTime: it is longer ago than this node keeps ${lapsed} events ("retentionDays" in its configuration)`,
    );
  return `${new Date(reference).toISOString().slice(0, 19)}Z`;
}
