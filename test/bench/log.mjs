// How many consent events a second a coordinator takes: signatures checked, durable in a real PostgreSQL with fsync on, the receipt
// with its proof back at the device. Beside it the same without a log, and what the signatures alone would allow.
//   npm run bench:log -- [--events N] [--concurrency N] [--seed N] [--json FILE]
import { createPartyDatabase, startPostgres } from '@twinkeep/demo/postgres';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { percentile } from './browser/statistics.mjs';
import { createPostgresCpu, cpuMillis } from './log/cpu.mjs';
import { writeHouse } from './log/parties.mjs';
import { measureVerify } from './log/signatures.mjs';

/** People's devices, one event in a request; and region nodes, each with many subjects. */
const SCENARIOS = [
  { name: "people's devices, 1 event a request", devices: 2_000, perRequest: 1 },
  { name: 'region nodes, 16 events a request', devices: 32, perRequest: 16 },
  { name: 'region nodes, 256 events a request', devices: 3, perRequest: 256 },
];
const TARGET = { perSecond: 2_000, p99: 1_000 };
/** On the disk of the project: a folder for temporary files may lie in memory. */
const HOME = join(import.meta.dirname, '../../.twinkeep');

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '12000' },
    concurrency: { type: 'string', default: '128' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const events = Number(flags.events);
const concurrency = Number(flags.concurrency);

mkdirSync(HOME, { recursive: true });
const folder = mkdtempSync(join(HOME, 'bench-'));
const server = await startPostgres(join(folder, 'postgres'));
const figures = {
  machine: { cpu: cpus()[0]?.model ?? '', processors: availableParallelism(), node: process.version },
  verifyPerSecond: await measureVerify(),
  scenarios: [],
};
try {
  for (const scenario of SCENARIOS) {
    const withLog = await measure(scenario, 'log');
    const withoutLog = await measure(scenario, 'without-log');
    figures.scenarios.push({
      ...scenario,
      withLog,
      withoutLog,
      ratio: withLog.perSecond / withoutLog.perSecond,
    });
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
print(figures);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exit(figures.scenarios.every(reachesTarget) ? 0 : 1);

async function measure({ devices, perRequest }, variant) {
  const name = `bench_${variant.replace('-', '_')}_${perRequest}`;
  const databaseUrl = await createPartyDatabase(server.adminUrl, name);
  const home = mkdtempSync(join(folder, `${name}-`));
  const house = await writeHouse(home, databaseUrl);
  const coordinator = fork(child('server'), [house.configFile, variant]);
  const { port } = await messageOf(coordinator);
  if (variant === 'without-log') await dropReferencesToLeaves(databaseUrl);

  const receiptsFile = join(home, 'receipts');
  const sender = fork(child('devices'));
  const requests = Math.ceil(events / perRequest);
  sender.send({ ...house, port, seed: flags.seed, devices, perRequest, requests, concurrency, receiptsFile });
  await messageOf(sender);
  const postgres = createPostgresCpu(server.folder);
  const before = { coordinator: cpuMillis(coordinator.pid), postgres: postgres() };
  sender.send('go');
  const { wall, cpu, latencies, refused } = await messageOf(sender);
  const spent = {
    coordinator: cpuMillis(coordinator.pid) - before.coordinator,
    postgres: postgres() - before.postgres,
    devices: cpu,
  };
  coordinator.disconnect();
  await once(coordinator, 'exit');
  if (refused.length > 0) throw new Error(`refused: ${refused[0]}`);
  const taken = latencies.length * perRequest;
  return {
    events: taken,
    perSecond: (taken / wall) * 1_000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMicrosPerEvent: Object.fromEntries(
      Object.entries(spent).map(([party, millis]) => [party, (1_000 * millis) / taken]),
    ),
    ...(variant === 'log' ? verify(receiptsFile, house.trust.log.vkey) : {}),
  };
}

/** What a child says next; where it ends instead, so does this. */
async function messageOf(process) {
  const [message] = await Promise.race([
    once(process, 'message'),
    once(process, 'exit').then(([code]) => Promise.reject(new Error(`a process ended with ${code}`))),
  ]);
  return message;
}

function verify(file, vkey) {
  const answer = execFileSync(process.execPath, [child('verify'), file, vkey], { encoding: 'utf8' });
  const { verified, millisEach } = JSON.parse(answer);
  return { verified, clientMillisPerProof: millisEach };
}

/** Without leaves, nothing can refer to them. */
async function dropReferencesToLeaves(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as statement
     from pg_constraint where contype = 'f' and confrelid = 'log_leaves'::regclass`,
  );
  for (const { statement } of rows) await client.query(statement);
  await client.end();
}

function child(name) {
  return join(import.meta.dirname, 'log', `${name}.mjs`);
}

function reachesTarget({ withLog }) {
  return withLog.perSecond >= TARGET.perSecond && withLog.p99 < TARGET.p99;
}

function print({ machine, verifyPerSecond, scenarios }) {
  const write = (line) => process.stdout.write(`${line}\n`);
  write(
    `consent events into the log, ${concurrency} requests under way; ${machine.processors} processors share`,
  );
  write(`coordinator, PostgreSQL (fsync on) and devices: ${machine.cpu}, node ${machine.node}`);
  write('');
  write(
    '                                          events/s   p50 ms   p99 ms   CPU µs an event: coordinator  PostgreSQL  devices',
  );
  for (const { name, withLog, withoutLog, ratio } of scenarios) {
    write(name);
    write(row('with the log, proof returned', withLog));
    write(row('without a log', withoutLog));
    write(
      `  ratio ${ratio.toFixed(2)}; ${withLog.verified} proofs verified by the devices, ${withLog.clientMillisPerProof.toFixed(2)} ms each, apart`,
    );
    write(
      `  its CPU time, spread over ${machine.processors} processors that do nothing else: ${ceilingOf(withLog, machine).toFixed(0)} events/s`,
    );
  }
  write('');
  write(
    `Ed25519 alone: ${Math.round(verifyPerSecond)} verifications a second on all processors, no server, no database`,
  );
  const worst = scenarios.filter((scenario) => !reachesTarget(scenario));
  write(
    `target: at least ${TARGET.perSecond}/s, p99 under ${TARGET.p99} ms: ${worst.length === 0 ? 'reached' : `missed by ${worst.map(({ name }) => name).join('; ')}`}`,
  );
}

/** What shows how far a busy machine held the figures down; no measurement, and not to be reached quite. */
function ceilingOf({ cpuMicrosPerEvent }, { processors }) {
  const micros = Object.values(cpuMicrosPerEvent).reduce((sum, each) => sum + each, 0);
  return (processors * 1e6) / micros;
}

function row(label, { perSecond, p50, p99, cpuMicrosPerEvent }) {
  const { coordinator, postgres, devices } = cpuMicrosPerEvent;
  const figures = [
    perSecond.toFixed(0).padStart(10),
    p50.toFixed(1).padStart(8),
    p99.toFixed(1).padStart(8),
    coordinator.toFixed(0).padStart(30),
    postgres.toFixed(0).padStart(11),
    devices.toFixed(0).padStart(8),
  ];
  return `  ${label.padEnd(38)}${figures.join(' ')}`;
}
