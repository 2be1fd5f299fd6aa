/** A verdict on a terminal. Whatever came out of the pack is made harmless first: its author must not get to drive the reader's terminal. */
import type { Check, Verdict } from '@twinkeep/auditor';
import { CHECK_TITLES } from '@twinkeep/auditor';
import { quotable, table } from './print.ts';

const HEADS = {
  verified: 'Verified.',
  violated: 'Authentic, and it shows a VIOLATION.',
  refused: 'NOT verified.',
} as const;
const SHOWN_FINDINGS = 5;

export function verdictToText({ outcome, question, words, checks, rounds, log }: Verdict): string {
  const facts: [string, string][] =
    log === null
      ? []
      : [['log', `${quotable(log.origin)}, ${log.size} entries, ${log.witnesses.length} witnesses`]];
  for (const { round, at, size, reports, twins } of rounds) {
    const parts = [
      `${twins.inSet} twins in ${reports.inSet} reports`,
      `${twins.replayed} replayed, ${twins.allowed} allowed`,
      ...(twins.erased > 0 ? [`${twins.erased} erased since`] : []),
      ...(reports.dropped > 0 ? [`${reports.dropped} reports left out`] : []),
    ];
    facts.push([
      `round ${round}`,
      `${parts.join('; ')}; set fixed ${at.slice(0, 16).replace('T', ' ')} UTC at log size ${size}`,
    ]);
  }
  const lines = [
    ...(question === null ? [] : [quotable(question)]),
    HEADS[outcome],
    ...words.map((sentence) => `  ${quotable(sentence)}`),
    '',
    ...(facts.length === 0 ? [] : [table(facts).trimEnd(), '']),
    'Checks:',
    ...checks.flatMap(checkLines),
  ];
  return `${lines.join('\n')}\n`;
}

function checkLines({ id, status, count, findings, failed, open }: Check): string[] {
  const mark = { passed: 'ok  ', failed: 'FAIL', open: 'open' }[status];
  const rest = failed + open - Math.min(findings.length, SHOWN_FINDINGS);
  return [
    `  ${mark}  ${CHECK_TITLES[id]} (${count})`,
    ...findings.slice(0, SHOWN_FINDINGS).map(({ where, what }) => `        ${quotable(`${where}: ${what}`)}`),
    ...(rest > 0 ? [`        and ${rest} more`] : []),
  ];
}
