/** What customers were told when they were asked for consent: everything in a consent event that is not about one person. */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  CATEGORIES,
  HashSchema,
  IriSchema,
  SECTORS,
  type Category,
  type ConsentNotice,
  type ConsentUse,
  type Sector,
} from '@twinkeep/consent';
import { ROUND_OPERATIONS, type RoundOperation } from '@twinkeep/protocol';
import * as v from 'valibot';

export interface ConsentTerms {
  /** DPV purpose IRI, the same as the task's. */
  purpose: string;
  /** What customers allowed: to `contribute` to what is learned (default), or to `synthesise`, to be counted for invented customers. */
  operation?: RoundOperation;
  /** Of the business; `general` unless a law treats it apart. */
  sector?: Sector;
  /** The notice by its text, or by the hash of a text that is kept elsewhere. */
  notice: { id: string; version: string; lang: string; text?: string; hash?: string; uri?: string };
  /** `EU`, ISO 3166-1 or ISO 3166-2. */
  jurisdiction?: string[];
  /** Days from the import on for which a grant counts. */
  validDays?: number;
  /** ISO 8601 durations: how long the data is kept, and how soon after that it is gone. */
  retention?: string;
  deletion?: string;
  /** Categories without which there is nothing to learn; the others are optional. */
  required?: Category[];
  /** What the import rests on, in words that an auditor can follow: a contract, a CRM field, a paper form. */
  evidence: string;
}

const text = (max: number): v.GenericSchema<string> => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const duration = v.pipe(v.string(), v.regex(/^P\d{1,4}[YMWD]$/, 'a duration looks like P2Y, P6M or P30D'));

export const noticeSchema: v.GenericSchema<ConsentTerms['notice']> = v.pipe(
  v.strictObject({
    id: text(128),
    version: text(32),
    lang: text(35),
    text: v.exactOptional(text(100_000)),
    hash: v.exactOptional(HashSchema),
    uri: v.exactOptional(IriSchema),
  }),
  v.check(
    ({ text, hash }) => (text === undefined) !== (hash === undefined),
    'give either the text of the notice or its hash',
  ),
);

export const termsFields = {
  purpose: v.pipe(v.string(), v.url(), v.maxLength(200)),
  operation: v.exactOptional(v.picklist(ROUND_OPERATIONS)),
  sector: v.exactOptional(v.picklist(SECTORS)),
  notice: noticeSchema,
  jurisdiction: v.exactOptional(v.pipe(v.array(text(8)), v.minLength(1), v.maxLength(8))),
  validDays: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(730))),
  retention: v.exactOptional(duration),
  deletion: v.exactOptional(duration),
  required: v.exactOptional(v.pipe(v.array(v.picklist(CATEGORIES)), v.minLength(1), v.maxLength(7))),
  evidence: text(1_000),
} satisfies v.ObjectEntries as v.ObjectEntries;

export const termsSchema: v.GenericSchema<ConsentTerms> = v.strictObject(
  termsFields,
) as unknown as v.GenericSchema<ConsentTerms>;

export function useOf({ purpose, sector = 'general' }: Pick<ConsentTerms, 'purpose' | 'sector'>): ConsentUse {
  return { purpose, sector };
}

/** The notice as a consent event pins it. */
export function noticeOf({ notice }: Pick<ConsentTerms, 'notice'>): ConsentNotice {
  const { id, version, lang, text, hash, uri } = notice;
  return {
    id,
    version,
    lang,
    hash: hash ?? `sha-256:${bytesToBase64Url(sha256(utf8ToBytes(text ?? '')))}`,
    ...(uri === undefined ? {} : { uri }),
  };
}
