/** docs/compliance: which regime counts where, and that every command that the pages name shows something. */
import { REGIMES, resolveRegime, type Category, type Sector } from '@twinkeep/consent';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = join(ROOT, 'docs/compliance');
const page = (name: string): string => readFileSync(join(PAGES, name), 'utf8');

describe('which regime counts', () => {
  it.each<[string[], Category, Sector, string]>([
    [['DE'], 'behavioral', 'general', 'gdpr-optin@1'],
    [['EU', 'FR'], 'transactional', 'banking', 'gdpr-optin@1'],
    [['GB'], 'psychographic', 'general', 'gdpr-art9@1'],
    [['IT'], 'contextual', 'healthcare', 'gdpr-art9@1'],
    [['US-CA'], 'behavioral', 'general', 'us-ca-optout@1'],
    [['US-CA'], 'transactional', 'banking', 'glba-notice-optout@1'],
    [['US-CA'], 'behavioral', 'banking', 'us-ca-optout@1'],
    [['US-TX'], 'feedback', 'healthcare', 'hipaa-auth@1'],
    [['US-TX'], 'behavioral', 'general', 'gdpr-optin@1'],
    [['JP'], 'behavioral', 'general', 'gdpr-optin@1'],
    [['DE', 'US-CA'], 'behavioral', 'general', 'gdpr-optin@1'],
  ])('%j, %s, %s: %s', (places, category, sector, regime) => {
    expect(resolveRegime(places, category, sector).id).toBe(regime);
  });

  it('each regime has a page, which the index names', () => {
    for (const { id } of REGIMES) {
      const name = `${id.split('@')[0]}.md`;
      expect(page(name)).toContain(`\`${id}\``);
      expect(page(name)).toContain('## Not met by the software');
      expect(page('README.md')).toContain(`(${name})`);
    }
  });
});

describe('the commands', () => {
  const commands = readdirSync(PAGES).flatMap((name) =>
    [...page(name).matchAll(/`npx vitest run (\S+)(?: -t "([^"]+)")?`/g)].map(
      ([, path, title]) => [name, path!, title] as const,
    ),
  );

  it('are many', () => {
    expect(commands.length).toBeGreaterThan(30);
  });

  it.each(commands)('%s: %s %s', (_, path, title) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
    if (title !== undefined) expect(testsIn(join(ROOT, path))).toMatch(new RegExp(title));
  });

  it('and the other pages that they name are there', () => {
    for (const name of readdirSync(PAGES))
      for (const [, target] of page(name).matchAll(/\]\((?!http)([^)#]+)/g))
        expect(existsSync(resolve(dirname(join(PAGES, name)), target!)), `${name}: ${target}`).toBe(true);
  });
});

/** The sources of the tests there, their titles among them; each title stands on one line. */
function testsIn(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name !== 'docs.test.ts')
    .map((name) => readFileSync(join(path, name), 'utf8'))
    .join('\n');
}
