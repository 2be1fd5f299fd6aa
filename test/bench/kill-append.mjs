// kill -9 at every write of the append path: before each statement, while it is under way, after it, and at moments drawn at random. After
// each: fsck passes, everything acknowledged is in the log with a valid proof, and the next append goes on.
//   npm run build && node test/bench/kill-append.mjs [--kills N] [--postgres-kills N] [--seed N] [--admin-url URL]
// Without --admin-url (a superuser's) it starts a PostgreSQL of its own, with fsync on; only such a one is killed itself.
import { createPartyDatabase, startPostgres } from '@twinkeep/demo/postgres';
import { sodiumReady } from '@twinkeep/protocol';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLane } from './kill/lane.mjs';

/** Databases that are used at the same time: one append path starts while another dies. */
const LANES = 2;
/** More than a first transaction has: the second and third are reached too. */
const STATEMENTS = 75;
const MOMENTS = ['before', 'sent', 'after'];
/** Of the kills, every so manieth comes from outside, so many milliseconds after the start at most. */
const [EVERY, LONGEST] = [5, 120];
const HOME = join(import.meta.dirname, '../../.twinkeep');

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    'postgres-kills': { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    'admin-url': { type: 'string' },
  },
});
const kills = Number(flags.kills);
const ownServer = flags['admin-url'] === undefined;
const postgresKills = ownServer ? Number(flags['postgres-kills']) : 0;
const random = createRandom(Number(flags.seed));

await sodiumReady;
if (ownServer) mkdirSync(HOME, { recursive: true });
const folder = mkdtempSync(join(ownServer ? HOME : tmpdir(), 'kill-'));
let server = ownServer ? await startPostgres(join(folder, 'postgres')) : null;
const adminUrl = () => server?.adminUrl ?? flags['admin-url'];
const started = performance.now();
try {
  const plan = planKills();
  const lanes = await Promise.all(
    Array.from({ length: LANES }, async (_, i) => {
      const name = `kill_${process.pid}_${i}`;
      const databaseUrl = await createPartyDatabase(adminUrl(), name);
      const lives = Math.ceil(kills / LANES) + postgresKills + 2;
      const lane = await createLane({ folder, databaseUrl, lives, seed: `${flags.seed}/${i}` });
      return { ...lane, name };
    }),
  );
  await Promise.all(lanes.map((lane) => killAll(lane, plan)));
  for (let i = 0; i < postgresKills; i++) await killPostgres(lanes);
  const ends = await Promise.all(lanes.map(liveOn));
  print(lanes, ends);
  await Promise.all(lanes.map((lane) => lane.stop()));
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** Every statement at every moment in turn, with kills from outside between them. The lanes take them from one list. */
function planKills() {
  const all = Array.from({ length: STATEMENTS * MOMENTS.length }, (_, i) => ({
    statement: 1 + Math.floor(i / MOMENTS.length),
    moment: MOMENTS[i % MOMENTS.length],
  }));
  // Few kills are spread over all of them; many go through all, again and again.
  const stride = Math.max(1, all.length / kills);
  const offset = random() * stride;
  return Array.from({ length: kills }, (_, i) =>
    i % EVERY === EVERY - 1 ? null : all[Math.floor(offset + i * stride) % all.length],
  );
}

async function killAll(lane, plan) {
  for (let kill = plan.shift(); kill !== undefined; kill = plan.shift()) {
    const end = kill === null ? killFromOutside : waitForDeath;
    const { signal } = await lane.live(kill, end);
    if (signal === 'SIGKILL') lane.lane.died = (lane.lane.died ?? 0) + 1;
    else plan.push({ statement: 1 + Math.floor(random() * 40), moment: MOMENTS[Math.floor(random() * 3)] });
    await lane.check();
  }
}

async function killFromOutside(child) {
  await pause(random() * LONGEST);
  child.kill('SIGKILL');
}

function waitForDeath() {
  return Promise.resolve();
}

/** The whole server goes, under append paths that are at work, and comes back over the same files. */
async function killPostgres(lanes) {
  const [pid] = readFileSync(join(server.folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
  const lives = lanes.map((lane) => lane.live(null));
  await pause(20 + random() * LONGEST);
  process.kill(Number(pid), 'SIGKILL');
  await Promise.all(lives);
  server = await restart();
  for (const lane of lanes) {
    await lane.moveTo(await createPartyDatabase(adminUrl(), lane.name));
    await lane.check();
    lane.lane.postgresDied = (lane.lane.postgresDied ?? 0) + 1;
  }
}

/** Its workers end when they see that it is gone; until then their memory is in use. */
async function restart() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostgres(join(folder, 'postgres'));
    } catch (error) {
      if (attempt === 20) throw error;
      await pause(500);
    }
  }
}

/** At the end one that is not killed: it gets everything acknowledged. */
async function liveOn(lane) {
  const { code } = await lane.live(null);
  if (code !== 0) throw new Error(`the last append path ended with ${code}`);
  return lane.check();
}

function print(lanes, ends) {
  const places = new Map();
  for (const { lane } of lanes)
    for (const [place, count] of lane.places) places.set(place, (places.get(place) ?? 0) + count);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const died = sum(lanes.map(({ lane }) => lane.died ?? 0));
  const inside = sum([...places.values()]);
  const write = (line) => process.stdout.write(`${line}\n`);
  for (const [place, count] of [...places].toSorted(([a], [b]) => a.localeCompare(b)))
    write(`${String(count).padStart(5)}  ${place}`);
  write(
    `${died} kills: ${inside} at ${places.size} places, ${died - inside} from outside; PostgreSQL killed ${postgresKills} times`,
  );
  write(
    `after each: fsck passed, nothing acknowledged was missing, the next append went on; ` +
      `${sum(ends.map(({ acknowledged }) => acknowledged))} entries acknowledged, ${sum(ends.map(({ size }) => size))} in the logs`,
  );
  write(`${((performance.now() - started) / 1_000).toFixed(0)} s`);
}

/** Mulberry32. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
