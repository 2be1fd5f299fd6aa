/** A real coordinator and three real witnesses of its log, of which two must have seen what anybody is shown. */
import {
  base64UrlToBytes,
  bytesToUtf8,
  createSigner,
  openCheckpoint,
  verifyExport,
  verifyWitnessed,
  vkeyToNoteKey,
} from '@twinkeep/audit';
import { startCoordinator, type Coordinator } from '@twinkeep/coordinator';
import {
  healthSchema,
  PATHS,
  roundConfigSchema,
  roundResultSchema,
  setCommitSchema,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  type Health,
  type HelperRound,
  type LoggedStatement,
  type TaskSpec,
} from '@twinkeep/protocol';
import { pino } from 'pino';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../coordinator/support/client.ts';
import { consentOf, createNode, reportOf } from '../coordinator/support/node.ts';
import { PUBLIC_URL } from '../coordinator/support/parties.ts';
import { smallTask } from '../coordinator/support/task.ts';
import {
  createRoundWorld,
  createWorld,
  type AddWitnesses,
  type World,
} from '../coordinator/support/world.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startWitnessProcess, type WitnessProcess } from './processes.ts';
import { addCheckpoint, createTestLog } from './support.ts';

const THRESHOLD = 2;

let world: World;
let witnesses: WitnessProcess[] = [];
const others: Coordinator[] = [];
const said: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });

const addWitnesses: AddWitnesses = async (parties) => {
  witnesses = await Promise.all(
    ['w1', 'w2', 'w3'].map((name) => startWitnessProcess(parties.trust.log.vkey, `${name}.example`)),
  );
  parties.trust.witnesses = {
    threshold: THRESHOLD,
    witnesses: witnesses.map(({ name, vkey }) => ({ name, operator: `Operator of ${name}`, vkey })),
  };
  return witnesses.map(({ name, url }) => ({ name, url }));
};

beforeEach(() => {
  said.length = 0;
});
afterEach(async () => {
  for (const each of others.splice(0)) await each.stop();
  await world.stop();
  await Promise.all(witnesses.splice(0).map((witness) => witness.kill()));
});

const health = async (port = world.port): Promise<Health> =>
  v.parse(healthSchema, await (await fetch(`http://127.0.0.1:${port}/healthz`)).json());

/** Asks until it is so: how long that takes depends on the machine. */
async function until<T>(look: () => Promise<T | null | false | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null && found !== false && found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function checkpoint(port = world.port): Promise<{ size: number; names: string[] } | null> {
  const response = await fetch(`http://127.0.0.1:${port}${PATHS.checkpoint}`);
  if (response.status !== 200) return null;
  const note = await response.text();
  const { trust } = world.parties;
  const { size } = openCheckpoint(note, trust.log.vkey);
  return { size, names: verifyWitnessed(note, trust.witnesses!) };
}

/** The log grows by so many consents. */
async function grow(twins: number, name: string): Promise<void> {
  await world.addNode(twins, name);
}

const allPublished = (port?: number): Promise<Health> =>
  until(async () => {
    const now = await health(port);
    return now.published === now.logSize && now;
  });

describe('with three witnesses', () => {
  it('a round is played under heads that two have cosigned, each statement in it and its proofs', async () => {
    const task = smallTask({ rounds: 1 });
    const made = await createRoundWorld(task, [2, 3, 4], { log }, addWitnesses);
    world = made.world;
    const pinned = trustToPinned(world.parties.trust);
    const stored = await world.client.send({ method: 'GET', path: PATHS.task(task.taskId) });
    const spec = verifyLogged(stored.body as LoggedStatement<TaskSpec>, 'task', taskSpecSchema, pinned);
    expect(verifyWitnessed(spec.note, pinned.witnesses!).length).toBeGreaterThanOrEqual(THRESHOLD);

    const { config } = await world.offer(task.taskId);
    verifyLogged(config!, 'round-config', roundConfigSchema, pinned);
    for (const node of made.nodes) {
      const clear = await reportOf(node, made.round.config, made.round.rcHash, { gradient: [0.3, 0.2, 0.1] });
      expect(await world.upload(node, made.round, clear)).toMatchObject({ status: 202 });
    }
    await world.helpersJudge();
    // Fixed and logged at once; told to helpers when the witnesses have seen it.
    const round = await until(async (): Promise<HelperRound | undefined> =>
      (await world.helpers[0]!.work()).rounds.find(({ set }) => set !== null),
    );
    verifyLogged(round.set!.commit, 'set-commit', setCommitSchema, pinned);
    await world.helpersReveal();
    const offer = await until(async () => {
      const now = await world.offer(task.taskId);
      return now.lastResult !== null && now;
    });
    const result = verifyLogged(offer.lastResult!, 'round-result', roundResultSchema, pinned);
    expect(result.statement.body).toMatchObject({ status: 'sealed', count: 3 });
    expect(() =>
      verifyLogged(offer.lastResult!, 'round-result', roundResultSchema, { ...pinned, witnesses: null }),
    ).not.toThrow();

    const now = await allPublished();
    expect(now).toMatchObject({ status: 'ok', witnesses: { threshold: 2, of: 3, silent: [] } });
    // All three, once they had the time: readers may demand more than the coordinator waits for.
    await until(async () => (await checkpoint())?.names.length === 3);
    const exported = await fetch(`http://127.0.0.1:${world.port}${PATHS.logExport}`);
    const { vkey } = pinned;
    const report = await verifyExport(exported.body as unknown as AsyncIterable<Uint8Array>, { vkey });
    expect(report.size).toBeGreaterThanOrEqual(now.published);
  });

  it('one may be down, and is named; back again, it catches up', async () => {
    world = await createWorld({ log }, addWitnesses);
    await grow(3, 'before');
    await allPublished();
    await witnesses[2]!.kill();
    await grow(3, 'while');
    const now = await until(async () => {
      const each = await health();
      return each.published === each.logSize && each.witnesses?.silent.length === 1 && each;
    });
    expect(now).toMatchObject({
      status: 'ok',
      witnesses: { silent: [{ name: 'w3.example', problem: 'unreachable' }] },
    });
    expect((await checkpoint())!.names.toSorted()).toEqual(['w1.example', 'w2.example']);
    await witnesses[2]!.start();
    await until(async () => (await checkpoint())?.names.length === 3);
    await until(async () => (await health()).witnesses?.silent.length === 0);
    expect(said.join('')).toContain('the witness cosigns again');
  });

  it('two down, and nothing new exists for anybody; the log says why; with one back, those who wait are woken', async () => {
    const task = smallTask();
    world = await createWorld({ log }, addWitnesses);
    for (const helper of world.helpers) expect(await helper.publishEpoch()).toMatchObject({ status: 204 });
    await grow(2, 'before');
    const before = await allPublished();
    await witnesses[0]!.kill();
    await witnesses[1]!.kill();

    // Consents are taken and count: only what readers are shown stands still.
    await grow(2, 'while');
    expect(await world.publish(task)).toMatchObject({ status: 503, code: 'request/busy' });
    const stuck = await until(async () => {
      const now = await health();
      return now.status === 'unwitnessed' && now;
    });
    expect(stuck.published).toBe(before.published);
    expect(stuck.logSize).toBeGreaterThan(before.logSize);
    expect(stuck.witnesses!.silent.map(({ name }) => name)).toEqual(['w1.example', 'w2.example']);
    expect((await checkpoint())!.size).toBe(before.published);
    expect(said.join('')).toContain('too few witnesses: nothing new is published');

    const get = async (path: string): Promise<number> =>
      (await world.client.send({ method: 'GET', path })).status;
    expect(await get(PATHS.task(task.taskId))).toBe(404);
    expect((await world.client.send({ method: 'GET', path: PATHS.tasks })).body).toEqual({ tasks: [] });
    expect(await get(`${PATHS.consistency}?from=1&to=${stuck.published}`)).toBe(200);
    expect(await get(`${PATHS.consistency}?from=1&to=${stuck.published + 1}`)).toBe(400);
    expect(await get(`${PATHS.logEntries}?from=0&to=${stuck.published + 1}`)).toBe(400);
    // The task waits for nothing but its witnesses; nor do helpers hear of it.
    const offer = await world.offer(task.taskId);
    expect(offer).toMatchObject({ config: null, lastResult: null });
    expect(await world.helpers[0]!.work()).toMatchObject({ proposals: [], rounds: [] });

    const { rev } = await world.helpers[0]!.work();
    const waiting = until(async () => {
      const work = await world.helpers[0]!.work(rev, 25).catch(() => null);
      return work !== null && work.proposals.length > 0 && work;
    });
    await witnesses[1]!.start();
    expect((await waiting).proposals).toHaveLength(1);
    expect(await get(PATHS.task(task.taskId))).toBe(200);
    expect(await world.publish(task)).toMatchObject({ status: 200 });
    expect((await allPublished()).status).toBe('ok');
  });

  it('a second history of the same log is cosigned by nobody, so nobody acts on it', async () => {
    world = await createWorld({ log }, addWitnesses);
    await grow(4, 'first');
    const honest = await allPublished();
    const { parties } = world;
    // The operator, with all keys, runs a second copy and shows it to others.
    const lie = await startCoordinator(
      {
        listen: { host: '127.0.0.1', port: 0 },
        publicUrl: PUBLIC_URL,
        databaseUrl: await createTestDatabase(),
        allowedOrigins: [],
        maxParked: 10,
        logLevel: 'info',
        trust: parties.trust,
        key: parties.key,
        logKey: parties.logKey,
        vaultKey: parties.vaultKey,
        witnesses: witnesses.map(({ name, url }) => ({ name, url })),
      },
      { log },
    );
    others.push(lie);
    const client = createClient(lie.port);
    const send = async (twins: number, name: string): Promise<void> => {
      const node = await createNode(parties, twins, name);
      const events = await Promise.all(
        node.twins.map(async (subject) => (await consentOf(node, subject)).jws),
      );
      const call = { method: 'POST', path: PATHS.consents, body: { events } };
      expect(await client.sendAs(node.device, call)).toMatchObject({ status: 200 });
    };
    const problems = async (): Promise<string[]> => {
      const now = await health(lie.port);
      return now.status === 'unwitnessed' ? now.witnesses!.silent.map(({ problem }) => problem) : [];
    };
    // Shorter than what the witnesses have seen, then longer.
    await send(1, 'short');
    await until(async () => (await problems()).filter((problem) => problem === 'ahead').length === 3);
    expect(await checkpoint(lie.port)).toBeNull();
    await send(honest.logSize, 'long');
    await until(async () => (await problems()).filter((problem) => problem === 'fork').length === 3);
    expect(await checkpoint(lie.port)).toBeNull();
    expect(await health(lie.port)).toMatchObject({ published: 0, logSize: honest.logSize + 1 });

    await grow(1, 'later');
    expect((await allPublished()).published).toBeGreaterThan(honest.published);
    expect((await health()).status).toBe('ok');
  });

  it('two histories split between witnesses: at most one has enough of them', async () => {
    world = await createWorld({ log }, addWitnesses);
    await witnesses[2]!.kill();
    await grow(4, 'first');
    await allPublished();
    await witnesses[2]!.start();
    const { trust, logKey } = world.parties;
    const { name: origin } = vkeyToNoteKey(trust.log.vkey);
    // Signed by the log's own key, from the first leaf on another history.
    const lie = createTestLog(createSigner(base64UrlToBytes(logKey.d)), { origin, length: 60 });
    const note = await lie.note(50);
    const lines: string[] = [];
    for (const witness of witnesses) {
      const first = await addCheckpoint(witness.port, await lie.request(0, 50));
      const size = first.status === 409 ? Number(first.body) : 0;
      const answer =
        first.status === 409 ? await addCheckpoint(witness.port, await lie.request(size, 50)) : first;
      if (answer.status === 200) lines.push(answer.body);
      else expect(answer.status).toBe(422);
    }
    // The third had seen nothing yet, unless the coordinator was faster: it alone may believe the lie.
    expect(lines.length).toBeLessThan(THRESHOLD);
    expect(() => verifyWitnessed(note + lines.join(''), trust.witnesses!)).toThrowError(
      expect.objectContaining({ code: 'note/unwitnessed' }),
    );
    await grow(1, 'later');
    expect((await allPublished()).status).toBe('ok');
  });
});

describe('the coordinator’s half', () => {
  it('two processes on one database publish one rising head, and one goes on when the other ends', async () => {
    world = await createWorld({ log }, addWitnesses);
    const { coordinator, client } = await world.startAnother();
    let last = 0;
    const rises = async (port: number): Promise<void> => {
      const { size } = (await checkpoint(port)) ?? { size: last };
      expect(size).toBeGreaterThanOrEqual(last);
      last = size;
    };
    for (let i = 0; i < 5; i++) {
      await grow(2, `node-${i}`);
      for (const port of [world.port, coordinator.port, world.port]) await rises(port);
    }
    await allPublished();
    await allPublished(coordinator.port);
    await world.restart();
    await grow(2, 'after');
    await allPublished();
    const { body } = await client.send({ method: 'GET', path: PATHS.checkpoint });
    expect(bytesToUtf8(body as Uint8Array)).toContain(`\n${(await health()).published}\n`);
  });

  it.each(['before-commit', 'after-commit'] as const)(
    'a crash %s of the new head loses nothing: it is published without being asked for again by others',
    async (moment) => {
      let crashes = 0;
      const observe = (name: string, at: string): void => {
        if (name === 'witnessed-head' && at === moment && crashes++ < 4) throw new Error('crashed');
      };
      world = await createWorld({ log, observe }, addWitnesses);
      await witnesses[2]!.kill();
      await grow(2, 'first');
      await allPublished();
      expect(crashes).toBeGreaterThan(0);
    },
  );

  it('does not start without an address for each witness, or with one for somebody else', async () => {
    world = await createWorld({ log }, addWitnesses);
    const { parties, databaseUrl } = world;
    const config = {
      listen: { host: '127.0.0.1', port: 0 },
      publicUrl: PUBLIC_URL,
      databaseUrl,
      allowedOrigins: [],
      maxParked: 10,
      logLevel: 'info' as const,
      trust: parties.trust,
      key: parties.key,
      logKey: parties.logKey,
      vaultKey: parties.vaultKey,
    };
    const addresses = witnesses.map(({ name, url }) => ({ name, url }));
    for (const wrong of [[], addresses.slice(1), [...addresses, { name: 'x', url: 'http://x' }]])
      await expect(startCoordinator({ ...config, witnesses: wrong }, { log })).rejects.toMatchObject({
        code: 'config/invalid',
      });
  });
});
