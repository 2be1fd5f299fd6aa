// What an attack proves about the epsilon of a fit, and what memory files of growing size take. Parts of `npm run bench:synthetic`.
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { empiricalEpsilon } from '../synthetic/support/attack.mjs';

const TRIALS = 100_000;

/** Returns whether every bound is below its claim and, at the delta at which the attack is strong, above it with half the noise. */
export async function printPrivacy(figures) {
  process.stdout.write(
    `privacy of the fit: epsilon that an attack on neighbouring tables proves (95 %, ${TRIALS} trials)\n`,
  );
  let holds = true;
  for (const [epsilon, delta] of [
    [1, 0.01],
    [3, 0.01],
    [1, 1e-5],
    [3, 1e-5],
  ]) {
    const { bound } = await empiricalEpsilon({ epsilon, delta, trials: TRIALS });
    const halved = (await empiricalEpsilon({ epsilon, delta, trials: TRIALS, noise: 0.5 })).bound;
    const power = delta < 0.01 || halved > epsilon;
    holds &&= bound < epsilon && power;
    figures.push({ epsilon, delta, bound, halved });
    process.stdout.write(
      `  claimed ${epsilon} (delta ${delta}): at least ${bound.toFixed(2)}; with half the noise at least ${halved.toFixed(2)}\n`,
    );
  }
  process.stdout.write(
    `  gate: below the claim, and above it with half the noise: ${holds ? 'holds' : 'MISSED'}\n`,
  );
  return holds;
}

/** Of the process that fits a CSV with one thread, its largest size. */
export async function printMemory(figures) {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-bench-'));
  try {
    await writeFile(join(folder, 'schema.json'), JSON.stringify(SCHEMA));
    process.stdout.write('memory of fit and sample, one thread\n');
    for (const rows of [50_000, 200_000, 800_000]) {
      const file = join(folder, `${rows}.csv`);
      await writeRows(file, rows);
      const model = join(folder, 'model.json');
      const fitted = run([
        'fit',
        file,
        '--schema',
        join(folder, 'schema.json'),
        '--target',
        'left',
        '--out',
        model,
      ]);
      const sampled = run(['sample', model, '--rows', String(rows), '--out', join(folder, 'made.csv')]);
      const bytes = (await stat(file)).size;
      figures.push({ rows, bytes, fitted, sampled });
      process.stdout.write(
        `  ${rows} rows, ${(bytes / 1e6).toFixed(0)} MB: fit ${fitted.seconds.toFixed(1)} s, ${fitted.megabytes} MB; ` +
          `sample ${sampled.seconds.toFixed(1)} s, ${sampled.megabytes} MB\n`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const SCHEMA = {
  columns: [
    { kind: 'number', name: 'spend', min: 0, max: 1_000, bins: 20, step: 0.01 },
    { kind: 'category', name: 'plan', words: ['basic', 'plus', 'premium'] },
    { kind: 'number', name: 'visits', min: 0, max: 100, bins: 10, step: 1 },
    { kind: 'category', name: 'left', words: ['no', 'yes'] },
  ],
};

async function writeRows(file, rows) {
  const out = createWriteStream(file);
  out.write('spend,plan,visits,left\n');
  for (let i = 0; i < rows; i += 10_000) {
    let block = '';
    for (let k = i; k < i + 10_000; k++)
      block += `${((k * 7919) % 100_000) / 100},${['basic', 'plus', 'premium'][(k >> 3) % 3]},${(k * 31) % 100},${k % 4 === 0 ? 'yes' : 'no'}\n`;
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

const MAIN = new URL('../../synthetic/dist/cli/main.js', import.meta.url).href;

function run(args) {
  const script =
    `import { main } from ${JSON.stringify(MAIN)}; process.exitCode = await main(${JSON.stringify([...args, '--threads', '1'])});` +
    'process.stdout.write("\\n" + process.resourceUsage().maxRSS);';
  const started = performance.now();
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return {
    seconds: (performance.now() - started) / 1000,
    megabytes: Math.round(Number(said.split('\n').at(-1)) / 1024),
  };
}
