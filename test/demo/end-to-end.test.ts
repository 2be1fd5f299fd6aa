/** The real command on the built packages: real PostgreSQL, real processes. `npm test` builds first. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunFigures } from '../../demo/figures.ts';

const COMMAND = resolve(import.meta.dirname, '../../demo/bin/twinkeep-demo.js');
const MINUTES = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-demo-'));
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Demo {
  child: ChildProcess;
  /** Everything on standard output and error so far. */
  text(): string;
  exit: Promise<number | null>;
}

function start(...args: string[]): Demo {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  child.stderr.on('data', (part: Buffer) => (text += part.toString()));
  return { child, text: () => text, exit: new Promise((done) => child.once('close', done)) };
}

async function run(...args: string[]): Promise<string> {
  const demo = start(...args);
  const status = await demo.exit;
  expect(status, demo.text()).toBe(0);
  return demo.text();
}

/** Processes that work in our folder. */
const left = (): { pid: number; args: string }[] =>
  spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(folder))
    .map((line) => ({ pid: Number.parseInt(line, 10), args: line.trim().replace(/^\d+ /, '') }));

const figures = async (): Promise<RunFigures> =>
  JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')) as RunFigures;

test(
  'synthetic customers: trained, compared, verified, explained; then gone on with',
  async () => {
    // So few customers would drown in noise; a run with noise is in test/demo-pages/staying-up.test.ts.
    const size = [
      '--customers',
      '400',
      '--nodes',
      '4',
      '--rounds',
      '3',
      '--epsilon',
      'none',
      '--json',
      'out.json',
    ];
    const text = await run(...size);
    expect(text).not.toContain('\x1b');
    expect(text).toMatch(/3 training rounds: 3 sealed/);
    expect(text).toMatch(/round 3\/3, reports 4 of 4, .* AUC 0\.\d{3}.*, done/);
    expect(text).toMatch(/Audit log downloaded and verified from outside: [\d,]+ entries/);
    for (const model of ['federated', 'pooled', 'local only', 'logistic'])
      expect(text).toContain(`\n${model}`);
    expect(text).toMatch(/no differential privacy: the sums are exact/i);
    expect(text).toMatch(/one operator, you/i);
    expect(left()).toEqual([]);

    const run1 = await figures();
    const [split] = run1.splits;
    const { consent, trainingTwins, holdout } = split!;
    expect(consent.granted + consent.refused + consent.withdrawn).toBe(400);
    expect(consent.refused).toBeGreaterThan(0);
    expect(trainingTwins + holdout.twins).toBe(consent.granted);
    expect(Math.abs(run1.federated.auc - (run1.federated.secureAuc ?? Number.NaN))).toBeLessThan(0.05);
    for (const model of ['federated', 'pooled', 'localOnly', 'logistic'] as const) {
      expect(run1[model].auc).toBeGreaterThan(0);
      expect(run1[model].auc).toBeLessThan(1);
    }

    const again = await run(...size, '--keep');
    expect(again).not.toMatch(/Imported there/);
    expect(again).toMatch(/3 training rounds: 3 sealed/);
    const run2 = await figures();
    expect(run2.splits[0]!.consent).toEqual(consent);
    expect(run2.splits[0]!.log.entries).toBeGreaterThan(split!.log.entries);
  },
  4 * MINUTES,
);

test(
  'a CSV file of another shape works from its mapping alone, over several splits',
  async () => {
    await writeFile(join(folder, 'members.csv'), gymMembers(700));
    await writeFile(join(folder, 'mapping.json'), JSON.stringify(GYM_MAPPING));
    const files = ['--data', 'members.csv', '--mapping', 'mapping.json'];
    const size = ['--nodes', '2', '--rounds', '20', '--splits', '2', '--epsilon', 'none'];
    const text = await run(...files, ...size, '--json', 'out.json');
    expect(text).toMatch(/700 customers of members\.csv/);
    const { federated, pooled, splits } = await figures();
    expect(splits).toHaveLength(2);
    expect(splits[0]!.federated.auc).not.toBe(splits[1]!.federated.auc);
    expect(federated.auc).toBeCloseTo((splits[0]!.federated.auc + splits[1]!.federated.auc) / 2, 12);
    // The label follows from two columns: what is learned at all is learned well.
    expect(federated.auc).toBeGreaterThan(0.8);
    expect(pooled.auc).toBeGreaterThan(0.8);
    expect(splits[0]!.consent).toMatchObject({ refused: 70, withdrawn: 0 });
    expect(left()).toEqual([]);
  },
  4 * MINUTES,
);

describe('endings', () => {
  const LONG = ['--customers', '300', '--nodes', '3', '--rounds', '5000'];

  test(
    'Ctrl-C ends every process',
    async () => {
      const demo = start(...LONG);
      await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
      expect(left().length).toBeGreaterThan(8);
      demo.child.kill('SIGINT');
      expect(await demo.exit).toBe(130);
      expect(left()).toEqual([]);
    },
    3 * MINUTES,
  );

  test(
    'a demo that is killed takes its parties along, and the next one takes over the database',
    async () => {
      const demo = start(...LONG);
      await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
      demo.child.kill('SIGKILL');
      await demo.exit;
      const parties = (): unknown[] => left().filter(({ args }) => args.includes('--config'));
      await expect.poll(parties, { timeout: 5_000 }).toEqual([]);
      expect(left().some(({ args }) => args.includes('postgres'))).toBe(true);

      const next = start(...LONG, '--keep');
      await expect.poll(next.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
      expect(next.text()).toMatch(/took over the one that an earlier run left behind/);
      next.child.kill('SIGTERM');
      expect(await next.exit).toBe(143);
      expect(left()).toEqual([]);
    },
    4 * MINUTES,
  );

  test(
    'parties that are killed come back, and the rounds go on with all of them',
    async () => {
      const demo = start(...LONG);
      const until = async (text: RegExp): Promise<void> => {
        await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 100 }).toMatch(text);
      };
      // At the worst moment: before the task is published.
      await until(/3 region nodes started/);
      for (const party of ['node-2', 'helper-3', 'coordinator']) {
        const [found] = left().filter(({ args }) => args.includes(`/${party}/config.json`));
        process.kill(found!.pid, 'SIGKILL');
      }
      for (const party of ['node 2', 'helper 3', 'coordinator']) {
        await until(
          new RegExp(`${party} was ended by SIGKILL\\. It is started again in \\d+ s; the others go on\\.`),
        );
        await until(new RegExp(`${party} is back\\.`));
      }
      await until(/is back\.[^]*is back\.[^]*is back\.[^]*reports 3 of 3/);
      demo.child.kill('SIGINT');
      expect(await demo.exit, demo.text()).toBe(130);
      expect(left()).toEqual([]);
    },
    4 * MINUTES,
  );
});

describe('what cannot work is refused before anything is started, in sentences', () => {
  test.each<[string[], RegExp, number]>([
    [['--data', 'nowhere.csv', '--mapping', 'mapping.json'], /there is no file nowhere\.csv/, 1],
    [['--data', 'members.csv', '--mapping', 'broken.json'], /broken\.json is not JSON/, 1],
    [
      ['--data', 'members.csv', '--mapping', 'wrong.json'],
      /wrong\.json: .*members\.csv|wrong\.json: label/,
      1,
    ],
    [['--data', 'shifted.csv', '--mapping', 'mapping.json'], /shifted\.csv, row 3/, 1],
    [['--data', 'members.csv', '--mapping', 'mapping.json', '--nodes', '90'], /too few for 90 nodes/, 1],
    [['--json', 'no/such/folder/out.json'], /there is no folder/, 2],
    [['--keep'], /nothing to go on with/, 2],
  ])('%j', async (args, message, status) => {
    await writeFile(join(folder, 'members.csv'), gymMembers(100));
    await writeFile(join(folder, 'mapping.json'), JSON.stringify(GYM_MAPPING));
    await writeFile(join(folder, 'broken.json'), '{');
    await writeFile(join(folder, 'wrong.json'), JSON.stringify({ ...GYM_MAPPING, label: undefined }));
    await writeFile(join(folder, 'shifted.csv'), `${HEADER}\n1;30;2,5;gold;no;yes\n2;old;2,5;gold;no;yes\n`);
    const demo = start(...args);
    expect(await demo.exit).toBe(status);
    expect(demo.text()).toMatch(message);
    expect(demo.text()).not.toMatch(/ {4}at /);
  });
});

const HEADER = 'member;age;visits;tier;left;contactable';

/** Semicolons, decimal commas, "?" for what is not known, and a column of consents. */
function gymMembers(size: number): string {
  let seed = 42;
  const uniform = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const lines = Array.from({ length: size }, (_, i) => {
    const visits = uniform() * 5;
    const tier = ['bronze', 'silver', 'gold'][Math.floor(uniform() * 3)];
    const leaves = uniform() < 1 / (1 + Math.exp(3 * (visits - 2) + (tier === 'gold' ? 2 : 0)));
    const age = uniform() < 0.1 ? '?' : String(18 + Math.floor(uniform() * 60));
    const consent = i % 10 === 9 ? 'no' : 'yes';
    return `${i + 1};${age};${visits.toFixed(2).replace('.', ',')};${tier};${leaves ? 'yes' : 'no'};${consent}`;
  });
  return `${HEADER}\n${lines.join('\n')}\n`;
}

const GYM_MAPPING = {
  title: 'Which members are about to leave the gym',
  source: 'gym',
  format: { delimiter: ';', decimal: ',', missing: ['?'] },
  subject: 'member',
  columns: {
    age: { category: 'contextual', type: 'number', bounds: [18, 80], missingIndicator: true },
    visits: { category: 'behavioral', type: 'number', bounds: [0, 5] },
    tier: { category: 'transactional', type: 'category', vocabulary: ['bronze', 'silver', 'gold'] },
  },
  label: { column: 'left', category: 'transactional', positive: ['yes'], negative: ['no'], horizonDays: 30 },
  consent: {
    purpose: 'https://w3id.org/dpv#CustomerRelationshipManagement',
    notice: {
      id: 'gym-notice',
      version: '1',
      lang: 'en',
      text: 'May your twin learn who is about to leave?',
    },
    required: ['transactional', 'behavioral'],
    evidence: 'column contactable',
    column: 'contactable',
    granted: ['yes'],
  },
};
