import {
  CELL_EVENTS,
  CELL_REASONS,
  CONSENT_EVENT_SCHEMA,
  ConsentEventSchema,
  DAY_MILLIS,
  OPERATIONS,
  REGIMES,
  SECTORS,
  STRICTNESS,
  SUBJECT_EVENTS,
  type Regime,
} from '@twinkeep/consent';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const PAGE = readFileSync(new URL('../../docs/consent.md', import.meta.url), 'utf8');

/** Cells of the table row that begins with `name`, trimmed. */
function row(name: string): string[] {
  const line = PAGE.split('\n').find((each) => each.startsWith(`| ${name} `));
  if (line === undefined) throw new Error(`docs/consent.md has no row ${name}`);
  return line
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim());
}

const each = (name: string, valueOf: (regime: Regime) => string): void =>
  REGIMES.forEach((regime, i) => expect([regime.id, row(name)[i]]).toEqual([regime.id, valueOf(regime)]));

describe('docs/consent.md', () => {
  test('names every event, reason, operation, sector and regime that there is', () => {
    const words = [
      ...CELL_EVENTS,
      ...SUBJECT_EVENTS,
      ...CELL_REASONS,
      ...OPERATIONS,
      ...REGIMES.map(({ id }) => id),
      CONSENT_EVENT_SCHEMA,
    ];
    expect(words.filter((word) => !PAGE.includes(`\`${word}\``))).toEqual([]);
    expect(SECTORS.filter((sector) => sector !== 'general' && !PAGE.includes(sector))).toEqual([]);
  });

  test('gives the figures of the tables', () => {
    const years = (days: number): string => `${days / 365}`;
    each('valid at most (usually)', ({ validityDays: { longest, usual }, requiredOneOf }) => {
      const unit = longest > 365 ? 'years' : 'year';
      const orEvent = requiredOneOf.length > 0 ? ', or until the event' : '';
      return `${years(longest)} ${unit} (${years(usual)})${orEvent}`;
    });
    each('not asked again after a no', ({ transitions }) => `${transitions.withdraw.coolDownDays} days`);
    for (const { transitions } of REGIMES) {
      const days = (['refuse', 'withdraw', 'object'] as const).map((type) => transitions[type].coolDownDays);
      expect(new Set(days).size).toBe(1);
    }
    expect(row('`defer`')[0]).toContain(`${REGIMES[0]!.transitions.defer.coolDownDays} days`);
    expect(DAY_MILLIS).toBe(86_400_000);
  });

  test('orders statuses as the fold does', () => {
    const words: Partial<Record<string, string>> = {
      pending_guardian: 'child',
      denied_by_signal: 'signal',
      stale_notice: 'notice outdated',
      deferred: 'put off',
      requested: 'asked',
      noticed: 'notice period',
    };
    const order = STRICTNESS.filter((status) => status !== 'restricted').map(
      (status) => words[status] ?? status,
    );
    expect(PAGE.replaceAll(/\s+/g, ' ')).toContain(`in this order: ${order.join(', ')};`);
  });

  test('explains every member of an event', () => {
    const members = Object.keys((ConsentEventSchema as unknown as { entries: object }).entries);
    expect(members.filter((member) => !new RegExp(`\\| (.*, )?\`${member}(\\[\\])?\``).test(PAGE))).toEqual(
      [],
    );
  });
});
