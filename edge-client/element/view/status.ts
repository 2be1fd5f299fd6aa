/** The state of a cell in words: colour and shape only underline them. */
import type { PrivacyFloor } from '@twinkeep/consent';
import { isUnanswered } from '../groups.ts';
import type { GroupView, RowView } from '../model.ts';
import type { Language } from '../words/language.ts';

export interface StatusLine {
  text: string;
  tone: 'yes' | 'no' | 'open' | 'chosen';
}

export function rowStatus({ groups, floor }: RowView, language: Language): StatusLine {
  const { status } = language.words;
  if (groups.some(({ chosen }) => chosen)) return { text: status.chosen, tone: 'chosen' };
  const [first, ...others] = groups;
  if (first === undefined) return { text: status.of.unknown, tone: 'open' };
  const alike = others.every((other) => other.status === first.status);
  if (!alike) {
    const used = groups.some((group) => group.used);
    return used ? { text: status.inPart, tone: 'yes' } : { text: status.of.unknown, tone: 'open' };
  }
  const whole = { ...first, logged: groups.every(({ logged }) => logged) };
  const line = groupStatus(whole, language);
  return { ...line, text: [line.text, ...(first.used ? floorWords(floor, language) : [])].join(', ') };
}

export function groupStatus(
  { status, used, chosen, logged, validUntil }: GroupView,
  language: Language,
): StatusLine {
  const words = language.words.status;
  if (chosen) return { text: words.chosen, tone: 'chosen' };
  const known: Readonly<Record<string, string>> = { ...words.of, 'in-part': words.inPart };
  const parts = [known[status] ?? words.other(status.replaceAll('_', ' '))];
  if (validUntil !== null) parts.push(words.until(language.day(validUntil)));
  if (!logged) parts.push(words.waiting);
  return { text: parts.join(', '), tone: used ? 'yes' : isUnanswered(status) ? 'open' : 'no' };
}

function floorWords(floor: PrivacyFloor | null, { words, number }: Language): string[] {
  const { secAgg, dp } = floor ?? {};
  return [
    ...(secAgg === undefined ? [] : [words.status.minCohort(number(secAgg.minCohort))]),
    ...(dp === undefined ? [] : [words.status.maxEpsilon(number(dp.epsMaxMicro / 1e6))]),
  ];
}
