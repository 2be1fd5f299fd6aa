/** The real command on the built packages: real PostgreSQL, real processes. `npm test` builds first. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { RunFigures } from '../../demo/figures.ts';
import { MINUTES, useWorkplace } from './support/command.ts';
import { GYM_MAPPING, gymMembers } from './support/gym.ts';

const { path, start, evidence, left } = useWorkplace();

async function run(...args: string[]): Promise<string> {
  const demo = start(...args);
  const status = await demo.exit;
  expect(status, demo.text()).toBe(0);
  return demo.text();
}

const figures = async (): Promise<RunFigures> =>
  JSON.parse(await readFile(path('out.json'), 'utf8')) as RunFigures;

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

    // What it left behind answers for one customer and the model; the page is looked at in test/evidence.
    const asked = evidence();
    expect(await asked.exit, asked.text()).toBe(0);
    expect(asked.text()).toMatch(
      /\nVerified\.\n {2}Yes: the customer had consented whenever this model was trained/,
    );
    expect(asked.text()).toMatch(
      /consent event sha-256:\S+ stood in the log at \d+.*, when rounds 1 to 3 were fixed/,
    );
    expect(asked.text()).toContain('ok    Witnesses saw the checkpoint (3)');
    const pack = await readFile(path('.twinkeep/evidence/evidence.ndjson'), 'utf8');
    expect(await readFile(path('.twinkeep/evidence/evidence.html'), 'utf8')).toContain(
      Buffer.from(pack).toString('base64'),
    );
    const nobody = evidence(`--subject=${'A'.repeat(22)}`);
    expect(await nobody.exit, nobody.text()).toBe(0);
    expect(nobody.text()).toContain('No contribution of this customer is in this model.');
    expect(left()).toEqual([]);

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
    await writeFile(path('members.csv'), gymMembers(700));
    await writeFile(path('mapping.json'), JSON.stringify(GYM_MAPPING));
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
