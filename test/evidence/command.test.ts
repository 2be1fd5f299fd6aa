/** The command and the page that it writes, as a reader has them: files, a trust file, and a browser without a network. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createEvidenceWorld, type EvidenceWorld } from './support.ts';

const BIN = resolve(import.meta.dirname, '../../audit/auditor/bin/twinkeep-audit.js');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let made: EvidenceWorld;
let folder: string;
let browser: Browser;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  [made, browser, folder] = await Promise.all([
    createEvidenceWorld(),
    launchChromium(),
    mkdtemp(join(tmpdir(), 'twinkeep-evidence-')),
  ]);
  await writeFile(file('trust.json'), JSON.stringify(made.world.parties.trust));
  const subject = made.nodes[1]!.twins[0]!;
  await writeFile(file('yes.ndjson'), await made.take({ kind: 'subject-model', subject, model: made.model }));
  await writeFile(file('round.ndjson'), await made.take({ kind: 'round', rcHash: made.rounds[1] }));
  const { jws, receipt } = made.withdrawn;
  await writeFile(file('receipt.json'), JSON.stringify({ jws, receipt }));
});
afterAll(async () => {
  await browser.close();
  await made.world.stop();
  await rm(folder, { recursive: true });
});

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    execFile(process.execPath, [BIN, ...args], (error, stdout, stderr) =>
      settle({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const trust = (): string[] => ['--trust', file('trust.json')];

describe('twinkeep-audit', () => {
  it('verify-pack answers in words, with the list of checks, or as JSON', async () => {
    const { status, stdout } = await run('verify-pack', file('yes.ndjson'), ...trust());
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^Had customer \S+ consented when model \S+ was trained\?\nVerified\.\n {2}Yes: the customer had consented/,
    );
    expect(stdout).toContain('ok    Every twin used had consented then (2)');
    const json = JSON.parse(
      (await run('verify-pack', file('yes.ndjson'), ...trust(), '--json')).stdout,
    ) as object;
    expect(json).toMatchObject({ verified: true, outcome: 'verified', target: { kind: 'subject-model' } });
  });

  it('replay runs the gate of a round again from a pack, and only of that round', async () => {
    const round = await run(
      'replay',
      made.rounds[1],
      '--pack',
      file('round.ndjson'),
      ...trust(),
      '--receipt',
      file('receipt.json'),
    );
    expect(round.status).toBe(0);
    expect(round.stdout).toMatch(
      /round 2 +10 twins in 4 reports; 10 replayed, 10 allowed; 1 reports left out/,
    );
    expect(round.stdout).toContain('ok    Receipts are borne out (1)');
    const other = await run('replay', made.rounds[0], '--pack', file('round.ndjson'), ...trust());
    expect(other.status).toBe(1);
    expect(other.stdout).toMatch(/^Had everybody consented .*\nNOT verified\./);
  });

  it('refuses a changed pack with status 1, and what cannot be tried with status 2 and a reason', async () => {
    const bytes = await readFile(file('yes.ndjson'));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file('changed.ndjson'), bytes);
    const changed = await run('verify-pack', file('changed.ndjson'), ...trust());
    expect(changed).toMatchObject({ status: 1, stderr: '' });
    expect(changed.stdout).toMatch(/^NOT verified\.\n {2}This pack proves nothing/);
    const cases: [string[], RegExp][] = [
      [['verify-pack'], /takes one FILE/],
      [['verify-pack', file('yes.ndjson')], /needs --trust/],
      [['verify-pack', file('nothing'), ...trust()], /cannot read/],
      [['verify-pack', file('yes.ndjson'), '--trust', file('receipt.json')], /trust file is not valid/],
      [['verify-pack', file('yes.ndjson'), ...trust(), '--receipt', file('trust.json')], /no receipt/],
      [['replay', 'one', ...trust(), '--pack', file('round.ndjson')], /does not have the form/],
      [['replay', made.rounds[0], ...trust()], /an officer is/],
      [['evidence', '--subject', 'x', ...trust()], /needs --out/],
      [
        ['evidence', '--out', folder, '--reason', 'a test', '--model', 'x', ...trust(), '--url', 'x'],
        /an officer is/,
      ],
    ];
    for (const [args, why] of cases) {
      const { status, stdout, stderr } = await run(...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(why);
    }
    // Base64url may begin with a dash.
    for (const dashed of [
      ['replay', `-${'A'.repeat(42)}`],
      ['evidence', '--subject', `-${'A'.repeat(21)}`, '--out', folder, '--reason', 'a test'],
    ])
      expect((await run(...dashed, ...trust())).stderr).toMatch(/an officer is/);
    expect((await run('replay', '--help')).stdout).toMatch(/^Usage: twinkeep-audit verify-pack/);
  });
});

describe('the page', () => {
  const LARGE = { viewport: { width: 1280, height: 900 } };
  const SMALL = { viewport: { width: 390, height: 844 } };

  /** Offline, with every request and every refusal of the policy noted. */
  async function open(
    path: string,
    options: BrowserContextOptions = LARGE,
  ): Promise<{ page: Page; troubles: string[] }> {
    const context = await browser.newContext({ ...options, offline: true });
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && troubles.push(message.text())));
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(pathToFileURL(path).href)) troubles.push(request.url());
    });
    await page.goto(pathToFileURL(path).href);
    await page.locator('.verdict').waitFor();
    return { page, troubles };
  }

  const pageOf = async (pack: string): Promise<string> => {
    const path = file(pack.replace('.ndjson', '.html'));
    expect(await run('verify-pack', file(pack), ...trust(), '--page', path)).toMatchObject({ stderr: '' });
    return path;
  };
  const verdictIn = (page: Page): Promise<string> => page.locator('.verdict').innerText();

  it('opens from the disk without a network and answers in words', async () => {
    const { page, troubles } = await open(await pageOf('yes.ndjson'));
    expect(await verdictIn(page)).toMatch(
      /^Had customer \S+ consented when model \S+ was trained\?\s+Verified\s+Yes: the customer had consented whenever this model was trained with their data\.\s+Yes: on \d{4}/,
    );
    expect(await page.locator('.checks > li').count()).toBeGreaterThan(12);
    expect(await page.locator('.checks > li.failed').count()).toBe(0);
    await page.getByText(made.world.parties.trust.log.vkey).waitFor();
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it.each([
    ['large', LARGE],
    ['small', SMALL],
  ] as const)('is readable on a %s screen and clean for axe', async (name, options) => {
    const { page } = await open(await pageOf('round.ndjson'), options);
    // As text: what runs in a page has other types than what runs here.
    expect(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    ).toBe(0);
    // The page's own policy lets nothing in; a debugger's script comes in beside it.
    await page.evaluate(await readFile(AXE, 'utf8'));
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')).toEqual(
      [],
    );
    if (process.env['SCREENSHOTS'] !== undefined)
      await page.screenshot({
        path: join(process.env['SCREENSHOTS'], `evidence-${name}.png`),
        fullPage: true,
      });
    await page.context().close();
  });

  it('takes another pack and a receipt by keyboard, and says what they change', async () => {
    const { page } = await open(await pageOf('yes.ndjson'));
    await page.locator('body').press('Tab');
    for (let i = 0; i < 20; i++) {
      if ((await page.evaluate('document.activeElement.id')) === 'other-pack') break;
      await page.keyboard.press('Tab');
    }
    expect(await page.evaluate('document.activeElement.id')).toBe('other-pack');
    await page.getByLabel('Another pack').setInputFiles(file('round.ndjson'));
    await page.getByText('Yes: everything that was used had a valid consent').waitFor();
    await page.getByLabel('A receipt that was kept').setInputFiles(file('receipt.json'));
    await page.getByText('Receipts are borne out (1)').waitFor();
    await page.getByLabel('Another pack').setInputFiles(await pageOf('yes.ndjson'));
    await page.getByText('Yes: the customer had consented').first().waitFor();
    await page.getByLabel('Another pack').setInputFiles(file('trust.json'));
    await page.getByRole('heading', { name: 'This proves nothing' }).waitFor();
    await page.context().close();
  });

  it('with one byte of its data changed says so, and which part: 24 of them', async () => {
    const html = await readFile(await pageOf('yes.ndjson'), 'latin1');
    const start = html.indexOf('id="pack">') + 'id="pack">'.length;
    const end = html.indexOf('</script>', start);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const seen = new Set<string>();
    const { page } = await open(file('yes.html'));
    for (let i = 0; i < 24; i++) {
      const at = start + Math.floor(((i + 0.5) / 24) * (end - start));
      const other = letters[(letters.indexOf(html[at]!) + 7) % 64]!;
      await writeFile(file('changed.html'), html.slice(0, at) + other + html.slice(at + 1), 'latin1');
      await page.goto(pathToFileURL(file('changed.html')).href);
      await page.locator('.verdict').waitFor();
      const text = await verdictIn(page);
      expect(text).toMatch(/^This proves nothing\s+This pack proves nothing/);
      seen.add(/(manifest|checkpoint|entries|contributions|speakers|rules): /.exec(text)![1]!);
    }
    expect(seen.size).toBeGreaterThanOrEqual(3);
    const key = html.indexOf('id="trust">') + 'id="trust">'.length;
    await writeFile(file('changed.html'), `${html.slice(0, key + 40)}!${html.slice(key + 41)}`, 'latin1');
    await page.goto(pathToFileURL(file('changed.html')).href);
    await page.getByText('The keys in this page were changed').waitFor();
    await page.context().close();
  });

  it('runs no other script than its own', async () => {
    const html = await readFile(await pageOf('yes.ndjson'), 'utf8');
    const hostile = html.replace('</main>', '</main><script>document.title = "hostile"</script>');
    await writeFile(file('added.html'), hostile);
    const { page, troubles } = await open(file('added.html'));
    expect(await page.title()).toBe('Twinkeep evidence');
    expect(troubles.join()).toContain('Content Security Policy');
    await page.context().close();
  });
});
