/** Several coordinator processes over one database, long polls, lost wake-ups, and a start over a log that was tampered with. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  openCheckpoint,
  sha256,
  utf8ToBytes,
  verifyConsistency,
  verifyExport,
} from '@twinkeep/audit';
import { startCoordinator, type CoordinatorConfig } from '@twinkeep/coordinator';
import { consistencySchema, createSigningKey, exportSigningKey, PATHS } from '@twinkeep/protocol';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import type { PrivateJwk } from '@twinkeep/coordinator';
import { checkWorld } from './support/check-world.ts';
import { PUBLIC_URL } from './support/parties.ts';
import { smallTask } from './support/task.ts';
import { createRoundWorld, createWorld, mustSucceed, reportOf, SILENT, type World } from './support/world.ts';

let world: World;
afterEach(() => world.stop());

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('two processes', () => {
  it('share every round: reports at one, helpers at the other, deadlines at whichever comes first', async () => {
    const floors = { nMin: 2, nTarget: 9, minTwins: 2, maxTwins: 1_000 };
    const windows = { collect: 1_500, ack: 5_000, reveal: 5_000 };
    const made = await createRoundWorld(smallTask({ floors, windows, rounds: 1 }), [2, 2, 2]);
    ({ world } = made);
    const another = await world.startAnother();
    for (let number = 1; number <= 2; number++) {
      const round = await world.openRound('churn', number);
      const total = new Int32Array(round.config.dPadded + round.config.evaluationLength);
      for (const [i, node] of made.nodes.entries()) {
        const clear = await reportOf(node, round.config, round.rcHash, { gradient: [0.1, 0.1 * i, 0.3] });
        clear.steps.forEach((step, at) => (total[at] = (total[at] as number) + step));
        const call = {
          method: 'PUT',
          path: PATHS.report(round.rcHash, node.device.key.id),
          body: clear.report.bytes,
        };
        expect(await (i % 2 === 0 ? world.client : another.client).sendAs(node.device, call)).toMatchObject({
          status: 202,
        });
      }
      // Nobody closes it but time, which both processes watch.
      while ((await world.offer('churn')).phase === 'collecting') await pause(50);
      await world.helpersJudge();
      await world.helpersReveal();
      const { lastResult } = await world.offer('churn');
      expect(lastResult?.statement.body).toMatchObject({ round: number, status: 'sealed', count: 3 });
      expect(lastResult?.statement.body.sumHash).toBe(bytesToBase64Url(sha256(new Uint8Array(total.buffer))));
    }
    await checkWorld(world);
  });
});

describe('long polls', () => {
  it('are answered at once by what happens at another process, and not before', async () => {
    const made = await createRoundWorld(smallTask(), [2, 2, 2]);
    ({ world } = made);
    const { client } = await world.startAnother();
    const { rev } = await world.offer('churn');
    const parked = client.send({ method: 'GET', path: `${PATHS.round('churn')}?after=${rev}&wait=20` });
    let answered = 0;
    void parked.then(() => (answered = Date.now()));
    for (const node of made.nodes) {
      mustSucceed(
        await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
      );
    }
    await world.helpersJudge();
    await pause(100);
    expect(answered).toBe(0);
    await world.helpersReveal();
    const ended = Date.now();
    expect((await parked).body).toMatchObject({
      state: 'running',
      lastResult: { statement: { body: { round: 1 } } },
    });
    expect(answered - ended).toBeLessThan(500);
  });

  it('outlive the connection that wakes them', async () => {
    world = await createWorld();
    const [helper] = world.helpers;
    const task = smallTask();
    mustSucceed(await world.publish(task));
    const { rev } = await world.offer('churn');
    await world.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'twinkeep-coordinator-listen' and datname = current_database()`,
    );
    const parked = world.pollOffer('churn', rev, 20);
    const start = Date.now();
    for (const each of world.helpers) mustSucceed(await each.publishEpoch());
    expect(await parked).toMatchObject({ state: 'running' });
    expect(Date.now() - start).toBeLessThan(4_000);
    expect(helper).toBeDefined();
  });

  it('above the cap are answered at once, with the time to come back; places of those who left are free again', async () => {
    world = await createWorld();
    mustSucceed(await world.publish(smallTask()));
    const { rev } = await world.offer('churn');
    const path = `${PATHS.round('churn')}?after=${rev}&wait=20`;
    const leave = new AbortController();
    const parked = Array.from({ length: 50 }, () =>
      fetch(`http://127.0.0.1:${world.port}${path}`, { signal: leave.signal }).catch(() => undefined),
    );
    await pause(500);
    const start = Date.now();
    const over = await world.client.send({ method: 'GET', path });
    expect(over.status).toBe(204);
    expect(over.headers.get('Retry-After')).toBe('2');
    expect(Date.now() - start).toBeLessThan(1_000);
    leave.abort();
    await Promise.all(parked);
    await pause(300);
    const short = await world.client.send({ method: 'GET', path: path.replace('wait=20', 'wait=1') });
    expect(short.status).toBe(204);
    expect(short.headers.get('Retry-After')).toBeNull();
  });
});

describe('the database', () => {
  it('may cut every connection: what was under way fails, what comes next works', async () => {
    const made = await createRoundWorld(smallTask(), [2, 2, 2]);
    ({ world } = made);
    await world.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name like 'twinkeep-coordinator%' and datname = current_database() and pid <> pg_backend_pid()`,
    );
    await pause(100);
    const clear = await reportOf(made.nodes[0]!, made.round.config, made.round.rcHash);
    let answer = await world.upload(made.nodes[0]!, made.round, clear);
    for (let tries = 0; answer.status === 500 && tries < 9; tries++)
      answer = await world.upload(made.nodes[0]!, made.round, clear);
    expect(answer.status).toBe(202);
    await checkWorld(world);
  });
});

describe('the log, for everyone', () => {
  it('is checked by its checkpoint, by consistency from any size, and by its export', async () => {
    const made = await createRoundWorld(smallTask({ rounds: 1 }), [2, 2, 2]);
    ({ world } = made);
    const { vkey } = world.parties.trust.log;
    const checkpoint = async (): Promise<string> =>
      new TextDecoder().decode(
        (await world.client.send({ method: 'GET', path: PATHS.checkpoint })).body as Uint8Array,
      );
    const early = await checkpoint();
    for (const node of made.nodes)
      mustSucceed(
        await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
      );
    await world.helpersJudge();
    await world.helpersReveal();
    const note = await checkpoint();
    const [first, last] = [openCheckpoint(early, vkey), openCheckpoint(note, vkey)];
    expect(last.size).toBeGreaterThan(first.size);
    const path = `${PATHS.consistency}?from=${first.size}&to=${last.size}`;
    const { proof } = v.parse(consistencySchema, (await world.client.send({ method: 'GET', path })).body);
    const claim = {
      size1: first.size,
      size2: last.size,
      proof: proof.map((hash) => base64UrlToBytes(hash)),
      root1: first.root,
      root2: last.root,
    };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, root1: last.root })).toBe(false);

    const exported = (await world.client.send({ method: 'GET', path: PATHS.logExport })).body as Uint8Array;
    async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      yield bytes;
    }
    const report = await verifyExport(chunks(exported), { vkey, earlier: early });
    expect(report).toMatchObject({ size: last.size, earlierSize: first.size });
    expect(report.types).toMatchObject({
      task: 1,
      'helper-epoch': 4,
      // The next one is proposed, and not in the log before helpers sign it.
      'round-config': 1,
      'set-commit': 1,
      'round-result': 1,
      consent: 6,
    });
    expect(report.disclosed).toBe(8);
    const text = new TextDecoder().decode(exported).replace('"count":3', '"count":4');
    await expect(verifyExport(chunks(utf8ToBytes(text)), { vkey })).rejects.toMatchObject({
      code: 'export/disagrees',
    });
  });
});

describe('starting', () => {
  const configOf = ({ parties, databaseUrl }: World): CoordinatorConfig => ({
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: PUBLIC_URL,
    databaseUrl,
    allowedOrigins: [],
    maxParked: 10,
    logLevel: 'info',
    trust: parties.trust,
    key: parties.key,
    logKey: parties.logKey,
    vaultKey: parties.vaultKey,
  });

  it('is refused over a log that is not the one that was signed', async () => {
    ({ world } = await createRoundWorld(smallTask(), [2]));
    const start = () => startCoordinator(configOf(world), { log: SILENT });
    const tampered = async (change: string, undo: string): Promise<void> => {
      await world.sql.query(change);
      await expect(start()).rejects.toMatchObject({ code: 'log/disagrees' });
      await world.sql.query(undo);
    };
    await world.sql.query(
      'create table kept as select * from log_hashes; create table kept_head as select * from log_head',
    );
    const undo =
      'update log_hashes h set hash = k.hash from kept k where k.level = h.level and k.node_index = h.node_index; update log_head h set size = k.size, root = k.root, note = k.note from kept_head k';
    const peak =
      '(level, node_index) = (select level, max(node_index) from log_hashes where level = (select max(level) from log_hashes) group by level)';
    await tampered(`update log_hashes set hash = sha256(hash) where ${peak}`, undo);
    await tampered('update log_head set size = size - 1', undo);
    await tampered('update log_head set root = sha256(root)', undo);
    await tampered(`update log_head set note = replace(note, chr(10) || '— ', chr(10) || '— x')`, undo);
    await world.sql.query('drop table kept, kept_head');
    await (await start()).stop();
  });

  it('is refused with other keys than the trust file names, or than the one that sealed the database', async () => {
    world = await createWorld();
    const other = (await exportSigningKey(await createSigningKey(true))) as PrivateJwk;
    for (const keys of [{ key: other }, { logKey: other }, { vaultKey: new Uint8Array(32) }])
      await expect(startCoordinator({ ...configOf(world), ...keys }, { log: SILENT })).rejects.toMatchObject({
        code: 'config/key-mismatch',
      });
  });

  it('leaves nothing running where the port is taken', async () => {
    world = await createWorld();
    const connections = async (): Promise<number> =>
      Number(
        (
          await world.sql.query<{ n: string }>(
            `select count(*) as n from pg_stat_activity where datname = current_database()`,
          )
        ).rows[0]?.n,
      );
    const before = await connections();
    const config = { ...configOf(world), listen: { host: '127.0.0.1', port: world.port } };
    await expect(startCoordinator(config, { log: SILENT })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await pause(100);
    expect(await connections()).toBeLessThanOrEqual(before);
  });
});
