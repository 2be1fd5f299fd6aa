import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableToCsv } from '@twinkeep/synthetic/csv';
import { FHIR_TYPES } from '@twinkeep/synthetic/fhir';
import { createSimulation } from '@twinkeep/synthetic/simulate';
import { selectRows, type MstModel } from '@twinkeep/synthetic/synthesize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownSchema, knownTable } from '../support/tables.ts';

const bin = fileURLToPath(new URL('../../../synthetic/bin/twinkeep-synthetic.js', import.meta.url));

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-synthetic-'));
  const table = knownTable(900, 1);
  const part = (from: number, to: number): string =>
    [
      ...tableToCsv(
        selectRows(
          table,
          Array.from({ length: to - from }, (_, i) => from + i),
        ),
      ),
    ].join('');
  await writeFile(at('train.csv'), part(0, 600));
  await writeFile(at('holdout.csv'), part(600, 900));
  await writeFile(at('schema.json'), JSON.stringify(knownSchema));
  await writeFile(at('empty.csv'), '');
  const head = 'balance,score,plan,city,since,left\n';
  await writeFile(at('colon.csv'), head.replaceAll(',', ':'));
  await writeFile(
    at('latin.csv'),
    Buffer.from(`${head}1,1,basic,city-1,2020-01-01,no\n1,1,basic,caf\u00e9,2020-01-01,no\n`, 'latin1'),
  );
  await writeFile(
    at('gold.ndjson'),
    ['basic', 'gold']
      .map((plan) =>
        JSON.stringify({ balance: 1, score: 1, plan, city: 'city-1', since: '2020-01-01', left: 'no' }),
      )
      .join('\n'),
  );
});
afterAll(() => rm(folder, { recursive: true }));

interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Files of the folder, those that are half-written included. */
const files = (): Promise<string[]> => readdir(folder);

describe('from a CSV to a synthetic set with a report', () => {
  it('fits with privacy, samples, evaluates', async () => {
    const fitted = await run(
      ...['fit', at('train.csv'), '--schema', at('schema.json'), '--target', 'left'],
      ...['--epsilon', '5', '--delta', '1e-5', '--out', at('model.json')],
    );
    expect(fitted).toEqual({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('epsilon 5, delta 0.00001'),
    });
    const model = JSON.parse(await readFile(at('model.json'), 'utf8')) as MstModel;
    expect(model.privacy!.epsilon).toBe(5);

    const sampled = await run(
      'sample',
      at('model.json'),
      '--rows',
      '700',
      '--out',
      at('made.csv'),
      '--seed',
      '3',
    );
    expect(sampled).toEqual({ status: 0, stderr: '', stdout: expect.stringContaining('700 rows') });
    const lines = (await readFile(at('made.csv'), 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBe(701);
    expect(lines[0]).toBe('balance,score,plan,city,since,left');
    expect(lines[1]).toMatch(/^-?[\d.]+,[\d.]*,(basic|plus|premium),city-\d+,20\d\d-\d\d-\d\d,(yes|no)$/);

    const judged = await run(
      ...[
        'evaluate',
        '--train',
        at('train.csv'),
        '--holdout',
        at('holdout.csv'),
        '--synthetic',
        at('made.csv'),
      ],
      ...[
        '--target',
        'left=yes',
        '--out',
        at('report.html'),
        '--json',
        at('report.json'),
        '--model',
        at('model.json'),
      ],
    );
    expect(judged).toEqual({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/quality 0\.\d+ \(shuffled/),
    });
    expect(await readFile(at('report.html'), 'utf8')).toMatch(
      /^<!doctype html>[^]*Differentially private: epsilon 5/,
    );
    const figures = JSON.parse(await readFile(at('report.json'), 'utf8')) as { rows: object };
    expect(figures.rows).toEqual({ train: 600, holdout: 300, synthetic: 700 });
    expect((await files()).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('samples the same rows for the same seed, on conditions', async () => {
    await run('fit', at('train.csv'), '--method', 'copula', '--out', at('copula.json'));
    const where = ['--where', '{"plan":{"is":"basic"}}', '--rows', '50'];
    const one = await run('sample', at('copula.json'), ...where, '--out', at('one.csv'));
    expect(one.stdout).toContain('Not private');
    await run('sample', at('copula.json'), ...where, '--out', at('two.csv'));
    const text = await readFile(at('one.csv'), 'utf8');
    expect(await readFile(at('two.csv'), 'utf8')).toBe(text);
    expect(text.match(/,basic,/g)!.length).toBe(50);
    for (const wrong of ['{', '5', '{"plan":5}', '{"plan":{"was":1}}', '{"balance":{"min":"a"}}']) {
      const refused = await run(
        'sample',
        at('copula.json'),
        '--rows',
        '5',
        '--where',
        wrong,
        '--out',
        at('none.csv'),
      );
      expect([refused.status, refused.stderr.startsWith('twinkeep-synthetic: --where')]).toEqual([2, true]);
    }
  });

  it('simulates: the files hold what the library makes', async () => {
    const options = [
      '--industry',
      'cpg',
      '--customers',
      '600',
      '--months',
      '2',
      '--start',
      '2025-01-01T00:00:00Z',
    ];
    const made = await run('simulate', ...options, '--threads', '2', '--seed', '7', '--out', at('shop'));
    expect(made).toEqual({ status: 0, stderr: '', stdout: expect.stringContaining('600 customers of cpg') });
    expect((await readdir(at('shop'))).toSorted()).toEqual([
      'customers.ndjson',
      'events.ndjson',
      'market.ndjson',
      'simulation.json',
      'truth.ndjson',
    ]);
    const simulation = createSimulation({
      industry: 'cpg',
      customers: 600,
      months: 2,
      seed: 7,
      startTime: '2025-01-01T00:00:00Z',
    });
    const expected = Array.from({ length: 600 }, (_, i) => simulation.eventLines(i)).join('');
    expect(await readFile(join(at('shop'), 'events.ndjson'), 'utf8')).toBe(expected);
    const market = (await readFile(join(at('shop'), 'market.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(market.map((line) => JSON.parse(line) as object)).toEqual([...simulation.market()]);
  });
});

describe('health', () => {
  it('comes as FHIR, too', async () => {
    const options = [
      '--industry',
      'health',
      '--customers',
      '20',
      '--months',
      '6',
      '--start',
      '2025-01-01T00:00:00Z',
    ];
    const made = await run('simulate', ...options, '--fhir', 'ndjson', '--out', at('clinic'));
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect((await readdir(join(at('clinic'), 'fhir'))).toSorted()).toEqual(
      FHIR_TYPES.map((type) => `${type}.ndjson`).toSorted(),
    );
    const patients = (await readFile(join(at('clinic'), 'fhir', 'Patient.ndjson'), 'utf8'))
      .trimEnd()
      .split('\n');
    expect(patients.length).toBe(20);
  });
});

describe('what is wrong', () => {
  it.each([
    [['fit', 'BAD', '--schema', 'SCHEMA', '--out', 'OUT'], 1, /bad\.csv, row 2, column plan: "gold"/],
    [['fit', 'TRAIN', '--schema', 'BAD', '--out', 'OUT'], 1, /bad\.csv: is no JSON/],
    [['fit', 'TRAIN', '--epsilon', '1', '--delta', '1e-6', '--out', 'OUT'], 1, /no epsilon holds/],
    [
      [
        'fit',
        'TRAIN',
        '--schema',
        'SCHEMA',
        '--method',
        'copula',
        '--epsilon',
        '1',
        '--delta',
        '1e-6',
        '--out',
        'OUT',
      ],
      1,
      /never private/,
    ],
    [['fit', 'TRAIN', '--schema', 'SCHEMA', '--epsilon', '1', '--out', 'OUT'], 2, /--delta is needed/],
    [['fit', 'NONE', '--out', 'OUT'], 2, /none\.csv/],
    [['fit', 'TRAIN', '--method', 'magic', '--out', 'OUT'], 2, /magic/],
    [['fit', 'TRAIN'], 2, /--out is needed/],
    [['sample', 'SCHEMA', '--rows', '5', '--out', 'OUT'], 1, /no model/],
    [['sample', 'MODEL', '--rows', 'many', '--out', 'CSV'], 2, /--rows: many is no number/],
    [['sample', 'MODEL', '--rows', '5', '--out', 'OUT'], 2, /ends in none of \.csv/],
    [
      [
        'simulate',
        '--industry',
        'mining',
        '--customers',
        '5',
        '--months',
        '1',
        '--start',
        '2025-01-01T00:00:00Z',
        '--out',
        'OUT',
      ],
      2,
      /industry/,
    ],
    [
      [
        'simulate',
        '--industry',
        'retail',
        '--customers',
        '-5',
        '--months',
        '1',
        '--start',
        '2025-01-01T00:00:00Z',
        '--out',
        'OUT',
      ],
      2,
      /customers/,
    ],
    [
      ['evaluate', '--train', 'TRAIN', '--holdout', 'TRAIN', '--synthetic', 'BAD', '--out', 'OUT'],
      1,
      /bad\.csv, row 0, column since/,
    ],
    [['fit', 'EMPTY', '--out', 'OUT'], 1, /empty\.csv: the file is empty/],
    [['fit', 'LATIN', '--out', 'OUT'], 1, /latin\.csv, row 2: is not UTF-8/],
    [['convert', 'LATIN', '--schema', 'SCHEMA', '--out', 'CSV'], 1, /latin\.csv, row 2: is not UTF-8/],
    [
      ['fit', 'COLON', '--schema', 'SCHEMA', '--out', 'OUT'],
      1,
      /colon\.csv, row 0, column balance: is not among/,
    ],
    [
      ['split', 'GOLD', '--schema', 'SCHEMA', '--train', 'CSV', '--holdout', 'OUT'],
      1,
      /gold\.ndjson, row 2, column plan/,
    ],
    [
      ['add', 'GOLD', '--name', 'people', '--schema', 'SCHEMA', '--registry', 'OUT'],
      1,
      /gold\.ndjson, row 2, column plan: "gold"/,
    ],
    [['show', 'nobody', '--registry', 'OUT'], 1, /there is no nobody in/],
    [['diff', 'one', '--registry', 'OUT'], 2, /diff takes two/],
    [
      [
        'simulate',
        '--industry',
        'telecom',
        '--fhir',
        'bundle',
        '--customers',
        '5',
        '--months',
        '1',
        '--start',
        '2025-01-01T00:00:00Z',
        '--out',
        'OUT',
      ],
      2,
      /--fhir: only of/,
    ],
    [['juggle'], 2, /no command juggle/],
    [['fit', 'TRAIN', '--colour', 'red'], 2, /colour/],
    [[], 2, /no command/],
  ] as [string[], number, RegExp][])(
    '%j ends with status %i, in words, and leaves nothing behind',
    async (args, status, message) => {
      await writeFile(
        at('bad.csv'),
        'balance,score,plan,city,left\n1,1,basic,city-1,no\n1,1,gold,city-1,no\n',
      );
      if (args.includes('SCHEMA') && args.includes('BAD'))
        await writeFile(
          at('bad.csv'),
          'balance,score,plan,city,since,left\n1,1,basic,city-1,2020-01-01,no\n1,1,gold,city-1,2020-01-01,no\n',
        );
      const places: Record<string, string> = {
        TRAIN: 'train.csv',
        SCHEMA: 'schema.json',
        BAD: 'bad.csv',
        EMPTY: 'empty.csv',
        LATIN: 'latin.csv',
        COLON: 'colon.csv',
        GOLD: 'gold.ndjson',
        NONE: 'none.csv',
        MODEL: 'model.json',
        CSV: 'out.csv',
        OUT: 'out',
      };
      const before = await files();
      const result = await run(...args.map((arg) => (places[arg] === undefined ? arg : at(places[arg]))));
      expect(result.stderr).toMatch(message);
      expect(result.stderr).not.toMatch(/\n\s+at /);
      expect(result.status).toBe(status);
      expect(result.stdout).toBe('');
      expect((await files()).toSorted()).toEqual([...new Set([...before, 'bad.csv'])].toSorted());
    },
  );

  it('says how it is used', async () => {
    const { status, stdout } = await run('--help');
    expect(status).toBe(0);
    for (const command of [
      'simulate',
      'split',
      'schema',
      'fit',
      'sample',
      'evaluate',
      'convert',
      'add',
      'list',
      'diff',
    ])
      expect(stdout).toContain(`\n  ${command} `);
  });
});
