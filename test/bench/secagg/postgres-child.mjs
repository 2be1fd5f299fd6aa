// `fill` puts reports into a coordinator's database; `open` is the coordinator that reads them, adds up and opens the sum.
import { readFileSync } from 'node:fs';
import { openSum } from '../../../coordinator/dist/aggregate/unmask.js';
import { sumVectors } from '../../../coordinator/dist/aggregate/sum.js';
import { openDatabase } from '../../../coordinator/dist/store/database.js';
import { migrate } from '../../../coordinator/dist/store/migrate.js';
import { readVectors } from '../../../coordinator/dist/store/reports.js';
import { sql } from 'kysely';

const ROUND = 'R'.repeat(43);
/** As in the coordinator's `reveal`. */
const BATCH_BYTES = 8 * 2 ** 20;

process.once('message', (job) => void run(job));

async function run(job) {
  const db = openDatabase(job.databaseUrl, (error) => {
    throw error;
  });
  const answer = await { fill, open }[process.argv[2]](db, job);
  await db.destroy();
  process.send(answer);
}

async function fill(db, { vectors, n }) {
  await migrate(db);
  // Reports of no round: nothing else of it is read. Their rows are written once and need no second copy in the server's log.
  for (const table of ['report_boxes', 'report_members', 'verdicts'])
    await sql`drop table if exists ${sql.table(table)} cascade`.execute(db);
  await sql`alter table reports drop constraint reports_rc_hash_fkey`.execute(db);
  await sql`alter table reports set unlogged`.execute(db);
  for (let place = 1; place <= n; place++) {
    const name = String(place).padStart(43, '0');
    const vector = vectors[(place - 1) % vectors.length];
    await sql`insert into reports (rc_hash, header_hash, place, sub, jkt, twins, message_hash, disposition, received_at, vector)
      values (${ROUND}, ${name}, ${place}, ${name}, ${name}, 1, ${name}, 'in-set', 0, ${vector})`.execute(db);
  }
  return {};
}

async function open(db, { words, bits, files, n, bound }) {
  const masks = files.map((file) => new Uint8Array(readFileSync(file)));
  await sql`select 1`.execute(db);
  const before = process.memoryUsage.rss();
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  const { sum, count } = await db
    .transaction()
    .execute((tx) =>
      sumVectors(readVectors(tx, ROUND, Math.max(1, Math.floor(BATCH_BYTES / (4 * words)))), words, bits),
    );
  const opened = openSum(sum, masks, { bits, bound });
  const spent = process.cpuUsage(cpu);
  if (opened === null || count !== n) throw new Error('the sum did not open');
  return {
    sum: opened,
    wall: performance.now() - wall,
    cpu: (spent.user + spent.system) / 1000,
    before,
    peak: process.resourceUsage().maxRSS * 1024,
  };
}
