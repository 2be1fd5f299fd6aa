import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgress } from '../../../synthetic/cli/progress.ts';

const bin = fileURLToPath(new URL('../../../synthetic/bin/twinkeep-synthetic.js', import.meta.url));
const ROWS = 60_000;
const schema = {
  columns: [
    { kind: 'number', name: 'spend', min: 0, max: 1_000, bins: 20, step: 0.01 },
    { kind: 'category', name: 'plan', words: ['basic', 'plus, with "all"', 'premium'] },
    { kind: 'category', name: 'note', words: ['', 'two\nlines', 'other'], other: 'other' },
    { kind: 'category', name: 'left', words: ['no', 'yes'] },
  ],
};

/** NDJSON is made as CSV is. */
const THREADS = { csv: ['1', '2', '8'], ndjson: ['2'], parquet: ['1', '2'] };

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-stream-'));
  const file = createWriteStream(at('big.csv'));
  file.write('spend,plan,note,left\n');
  const plans = ['basic', '"plus, with ""all"""', 'premium'];
  const notes = ['""', '"two\nlines"', 'a longer remark that stands for the many words of a real file'];
  for (let i = 0; i < ROWS; i += 1_000) {
    let block = '';
    for (let k = i; k < i + 1_000; k++)
      block += `${((k * 7919) % 100_000) / 100},${plans[(k >> 3) % 3]},${notes[k % 3]},${k % 4 === 0 ? 'yes' : 'no'}\n`;
    if (!file.write(block)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  await writeFile(at('schema.json'), JSON.stringify(schema));
});
afterAll(() => rm(folder, { recursive: true }));

function run(
  args: string[],
  node: string[] = [],
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, bin, ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(at(file)))
    .digest('hex');
}

describe('a file that is larger than memory', () => {
  it('is fitted in a small heap, and any number of threads counts the same', async () => {
    expect((await stat(at('big.csv'))).size).toBeGreaterThan(2.5e6);
    const digests: string[] = [];
    for (const threads of ['1', '2', '8']) {
      const fitted = await run(
        [
          ...['fit', at('big.csv'), '--schema', at('schema.json'), '--target', 'left'],
          ...['--threads', threads, '--out', at(`model-${threads}.json`)],
        ],
        // With one thread nothing else holds what was read. bench:synthetic prints what files of growing size take.
        threads === '1' ? ['--max-old-space-size=48'] : [],
      );
      expect(fitted).toEqual({
        status: 0,
        stderr: '',
        stdout: expect.stringContaining(`mst of ${ROWS} rows`),
      });
      digests.push(await digest(`model-${threads}.json`));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it('is sampled the same by any number of threads, in every format', async () => {
    for (const format of ['csv', 'ndjson', 'parquet'] as const) {
      const digests: string[] = [];
      for (const threads of THREADS[format]) {
        const out = `made-${threads}.${format}`;
        const sampled = await run(
          ['sample', at('model-1.json'), '--rows', '70000', '--threads', threads, '--out', at(out)],
          threads === '1' ? ['--max-old-space-size=48'] : [],
        );
        expect(sampled).toMatchObject({ status: 0, stderr: '' });
        digests.push(await digest(out));
      }
      expect(new Set(digests).size).toBe(1);
    }
  });

  it('tells the row of an error wherever it is, for any number of threads, and leaves nothing behind', async () => {
    const text = await readFile(at('big.csv'), 'utf8');
    const cut = text.lastIndexOf('\n', text.length - 2) + 1;
    const lines = text.slice(cut).trimEnd().split(',');
    await writeFile(at('bad.csv'), `${text.slice(0, cut)}${['many', ...lines.slice(1)].join(',')}\n`);
    for (const threads of ['1', '3']) {
      const refused = await run([
        ...[
          'fit',
          at('bad.csv'),
          '--schema',
          at('schema.json'),
          '--threads',
          threads,
          '--out',
          at('none.json'),
        ],
      ]);
      expect(refused.stderr).toBe(
        `twinkeep-synthetic: ${at('bad.csv')}, row ${ROWS}, column spend: "many" is no number\n`,
      );
      expect(refused.status).toBe(1);
    }
    expect((await readdir(folder)).filter((name) => /none|partial/.test(name))).toEqual([]);
  });

  it('is evaluated by a sample of its rows, and the report says so', async () => {
    const judged = await run([
      ...['evaluate', '--train', at('made-2.csv'), '--holdout', at('made-2.ndjson')],
      ...['--synthetic', at('made-2.parquet'), '--schema', at('schema.json'), '--at-most', '2000'],
      ...['--out', at('report.html')],
    ]);
    expect(judged).toMatchObject({ status: 0, stderr: '' });
    expect(await readFile(at('report.html'), 'utf8')).toContain('2000 of the 70000 rows of train');
  });
});

describe('progress', () => {
  const shown = (isTTY: boolean, quiet: boolean): string => {
    let text = '';
    const progress = createProgress(
      { isTTY, write: (more: string) => ((text += more), true) } as never,
      quiet,
    );
    progress.share('made.csv')(0.5);
    progress.step('big.csv')(2, 0.25);
    progress.clear();
    return text;
  };
  it('is a bar on a terminal, and nothing in a pipeline or where quiet is wanted', () => {
    expect(shown(true, false)).toBe(
      '\r\u001b[Kmade.csv [############............] 50 %\r\u001b[Kbig.csv, step 2 [######..................] 25 %\r\u001b[K',
    );
    expect([shown(false, false), shown(true, true)]).toEqual(['', '']);
  });
});
