// A coordinator's own path out of a real PostgreSQL: how long it takes to add up and open a set, and how much memory it holds.
import { addWords, helperFamily, packWords, reportWords } from '@twinkeep/protocol';
import { createMaskThreads } from '@twinkeep/region';
import { createPartyDatabase, startPostgres } from '@twinkeep/demo/postgres';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPool } from './parties.mjs';
import { createPool, createRound } from './round.mjs';

/** Table, its write-ahead log, and room to breathe. */
const DISK_FACTOR = 2.5;
const POOLED = 20;
/** On the disk of the project: a folder for temporary files may lie in memory. */
const HOME = join(import.meta.dirname, '../../../.twinkeep');

export async function measurePostgres({ m, c, bits, threads, n, d }, random) {
  const round = await createRound({ d, maxTwins: n, m, c, bits });
  const pool = await createPool(round, POOLED, random);
  const { length } = pool[0].vector;
  mkdirSync(HOME, { recursive: true });
  const folder = mkdtempSync(join(HOME, 'bench-'));
  try {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < DISK_FACTOR * n * length)
      throw new Error(`this needs ${((DISK_FACTOR * n * length) / 1e9).toFixed(1)} GB of disk`);
    const masks = await sumsOfMasks(round, pool, n, threads);
    const files = masks.map((mask, i) => join(folder, `mask-${i}`));
    masks.forEach((mask, i) => writeFileSync(files[i], mask));
    const server = await startPostgres(join(folder, 'server'));
    try {
      const databaseUrl = await createPartyDatabase(server.adminUrl, 'coordinator');
      const job = {
        databaseUrl,
        words: reportWords(round.config),
        bits,
        files,
        n,
        bound: n * round.config.qTwin,
      };
      await inProcess('fill', {
        ...job,
        vectors: pool.map(({ vector }) => Buffer.from(vector)),
      });
      const opened = await inProcess('open', job);
      if (Buffer.compare(Buffer.from(opened.sum.buffer), Buffer.from(clearSum(pool, n).buffer)) !== 0)
        throw new Error('what was opened is not the sum');
      return report({ m, c, bits, n, d, length }, opened);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sumsOfMasks(round, pool, n, threads) {
  const { config, rcHash } = round;
  await openPool(round, pool);
  const set = Array.from({ length: n }, (_, i) => pool[i % pool.length]);
  const family = helperFamily(config.helpers.length, config.c);
  const pooled = createMaskThreads({ threads });
  const masks = [];
  for (const [index, members] of family.entries()) {
    const holder = config.helpers.find(({ j }) => !members.includes(j)).j;
    const seeds = set.map((report) => report.seeds[holder]);
    const terms = { rcHash, words: reportWords(config), sets: [[index, members]] };
    masks.push(packWords((await pooled.sumMasks(seeds, terms)).get(index), config.b));
  }
  await pooled.close();
  return masks;
}

/** A process of its own, so that its memory is the coordinator's and nobody else's. */
async function inProcess(task, job) {
  const child = fork(join(import.meta.dirname, 'postgres-child.mjs'), [task], { serialization: 'advanced' });
  child.send(job);
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => failed(task, code)),
  ]);
  child.disconnect();
  return message;
}

function failed(task, code) {
  throw new Error(`"${task}" ended with code ${code}`);
}

function clearSum(pool, n) {
  const sum = new Int32Array(pool[0].clear.length);
  for (let i = 0; i < n; i++) addWords(sum, pool[i % pool.length].clear);
  return sum;
}

function report({ m, c, bits, n, d, length }, { wall, cpu, before, peak }) {
  const mib = (bytes) => `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`;
  process.stdout.write(
    `a coordinator opens a set out of PostgreSQL: ${n.toLocaleString('en')} reports, ${d.toLocaleString('en')} parameters, ${bits} bits\n` +
      `  ${mib(n * length)} of vectors in ${(wall / 1000).toFixed(2)} s (${(cpu / 1000).toFixed(2)} s of its own CPU, ${((n * length) / 1e6 / wall).toFixed(2)} GB/s)\n` +
      `  resident memory: ${mib(before)} before, ${mib(peak)} at its peak; ${peak < 2 ** 30 ? 'met' : 'MISSED'}: less than 1,024 MiB\n`,
  );
  return {
    m,
    c,
    bits,
    n,
    d,
    vectorBytes: length,
    milliseconds: { wall, cpu },
    residentBytes: { before, peak },
  };
}
