/** Which words, in which language, and how its numbers and dates are written. */
import { DE } from './de.ts';
import { EN } from './en.ts';
import { ES } from './es.ts';
import type { SpokenReason, Words } from './words.ts';

const LANGUAGES = { en: EN, de: DE, es: ES } as const satisfies Record<string, Words>;

export interface Language {
  /** BCP 47, as the host app has it: numbers and dates go by it. */
  tag: string;
  words: Words;
  number(value: number): string;
  /** @param instant RFC 3339 */
  day(instant: string): string;
  moment(instant: string): string;
  list(items: readonly string[]): string;
  /** A twin's reason in one sentence of this language. */
  why(reason: string, why: string): string;
}

/**
 * @param tags wishes, best first; those that this element does not speak are passed over, and English is the last
 * @param regions of the browser: `en` is written as in the first of them that is English
 */
export function languageOf(tags: readonly string[], regions: readonly string[] = []): Language {
  const wished = tags.find((wish) => primaryOf(wish) in LANGUAGES && isTag(wish)) ?? 'en';
  const regional = regions.find((region) => region.toLowerCase().startsWith(`${wished.toLowerCase()}-`));
  const tag = regional ?? wished;
  const words: Words = LANGUAGES[primaryOf(tag) as keyof typeof LANGUAGES];
  return {
    tag,
    words,
    number: (value) => new Intl.NumberFormat(tag, { maximumFractionDigits: 6 }).format(value),
    day: (instant) => new Intl.DateTimeFormat(tag, { dateStyle: 'long' }).format(new Date(instant)),
    moment: (instant) =>
      new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant)),
    list: (items) => new Intl.ListFormat(tag, { type: 'conjunction' }).format(items),
    why: (reason, why) => words.reasons?.[reason as SpokenReason] ?? why,
  };
}

function primaryOf(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? '';
}

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
