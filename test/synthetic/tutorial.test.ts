/** The tutorial does what it says: every command and file of it, from the document itself, in an empty folder. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PREFIX = 'npx --no-install twinkeep-synthetic ';

/** Fenced blocks: what is said behind the fence, and what stands between. */
async function readBlocks(): Promise<{ info: string; text: string }[]> {
  const document = await readFile(join(ROOT, 'docs/tutorial-synthetic.md'), 'utf8');
  return [...document.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm)].map(([, info, text]) => ({
    info: info!.trim(),
    text: text!,
  }));
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-tutorial-'));
  // Stands for npx, which would look in the folder of the reader's project.
  await mkdir(join(folder, 'bin'));
  const bin = join(ROOT, 'synthetic/bin/twinkeep-synthetic.js');
  await writeFile(join(folder, 'bin/npx'), `#!/bin/sh\nshift 2\nexec "${process.execPath}" "${bin}" "$@"\n`);
  await chmod(join(folder, 'bin/npx'), 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

function run(command: string): Promise<string> {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
  return new Promise((resolved, reject) => {
    execFile('/bin/sh', ['-ec', command], { cwd: folder, env }, (error, stdout, stderr) => {
      if (error === null && stderr === '') resolved(stdout);
      else reject(new Error(`${command}\n${stdout}${stderr}`));
    });
  });
}

describe('the tutorial', () => {
  it('goes from a CSV to a synthetic set with a report in five commands, and on to versions', async () => {
    const blocks = await readBlocks();
    let said = '';
    let commands = 0;
    for (const { info, text } of blocks) {
      if (info === 'sh') {
        commands += text.split('\n').filter((line) => line.startsWith(PREFIX)).length;
        said = await run(text);
      } else if (info === 'text') expect(said).toBe(text);
      else if (info.startsWith('json ')) await writeFile(join(folder, info.slice(5)), text);
      else expect(info).toBe('ts');
    }
    // The simulator's table, five to the report, one on conditions, seven of the registry.
    expect(commands).toBe(1 + 5 + 1 + 7);

    const files = await readdir(folder);
    expect(files).toEqual(
      expect.arrayContaining(['report.html', 'synthetic.csv', 'leavers.parquet', 'telecom.ndjson']),
    );
    expect(files.filter((name) => name.includes('partial'))).toEqual([]);
    const report = await readFile(join(folder, 'report.html'), 'utf8');
    expect(report).toContain('epsilon 3, delta 0.00001');
    const figures = JSON.parse(await readFile(join(folder, 'figures.json'), 'utf8')) as {
      rows: object;
      efficacy: { ratio: number };
    };
    expect(figures.rows).toEqual({ train: 1_477, holdout: 1_523, synthetic: 3_000 });
    // What the reader is promised: nearly as good as real rows.
    expect(figures.efficacy.ratio).toBeGreaterThan(0.85);
    const exported = (await readFile(join(folder, 'telecom.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(exported.length).toBe(3_000);
    expect(await run(`${PREFIX}diff telecom@1 telecom@2`)).toMatch(/left: (medium|large) shift/);
  });
});
