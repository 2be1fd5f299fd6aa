// All benchmarks, one after the other: `npm run bench`. Flags after `--` go to each (--seed N); --json FILE collects the figures.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const BENCHMARKS = ['train', 'client-round', 'mask-sum', 'noise', 'simulate'];

const { values: flags } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, json: { type: 'string' } },
});
const folder = mkdtempSync(join(tmpdir(), 'twinkeep-bench-'));
const figures = {};
let failed = false;
for (const name of BENCHMARKS) {
  const json = join(folder, `${name}.json`);
  const script = join(import.meta.dirname, `${name}.mjs`);
  const { status } = spawnSync(process.execPath, [script, '--seed', flags.seed, '--json', json], {
    stdio: 'inherit',
  });
  if (status === 0) figures[name] = JSON.parse(readFileSync(json, 'utf8'));
  else failed = true;
  process.stdout.write('\n');
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
