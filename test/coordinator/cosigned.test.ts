/** What comes before a round and after an abandoned one: the helpers' signatures under its configuration, and their closes; and the log as they follow it. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  createCompactRange,
  hashLeaf,
  leafToEnvelope,
  openCheckpoint,
  verifyCommitment,
} from '@twinkeep/audit';
import { progressPath, taskProgressSchema } from '@twinkeep/coordinator';
import {
  cosigners,
  logEntriesSchema,
  MAX_LOG_ENTRIES,
  PATHS,
  roundConfigSchema,
  roundResultsSchema,
  signStatement,
  statementHash,
  trustToPinned,
  verifyDetached,
  verifyLogged,
  type HelperProposal,
  type RoundEnd,
  type RoundResult,
  type SigningKey,
} from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { startWitnessProcess, type WitnessProcess } from '../witness/processes.ts';
import type { TestHelper } from './support/helper.ts';
import { smallTask } from './support/task.ts';
import { createRoundWorld, createWorld, mustSucceed, reportOf, type World } from './support/world.ts';

type Four = [TestHelper, TestHelper, TestHelper, TestHelper];

let world: World;
let witness: WitnessProcess | undefined;
afterEach(async () => {
  await world.stop();
  await witness?.kill();
  witness = undefined;
});

async function until<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** A task whose first round is proposed, and what the helpers are shown of it. */
async function propose(task = smallTask()): Promise<HelperProposal> {
  world = await createWorld();
  for (const helper of world.helpers) mustSucceed(await helper.publishEpoch());
  mustSucceed(await world.publish(task));
  return until(async () => (await world.helpers[0]!.work()).proposals[0]);
}

async function results(): Promise<RoundEnd[]> {
  const answer = await world.client.send({ method: 'GET', path: PATHS.results('churn') });
  return v.parse(roundResultsSchema, answer.body).results;
}

const waitsFor = async (): Promise<string | null> => {
  const { body } = await world.client.send({ method: 'GET', path: progressPath('churn') });
  return v.parse(taskProgressSchema, body).waitsFor;
};

describe('a proposed configuration', () => {
  it('is shown to helpers only, until the third of four has signed; the log then has it with their signatures', async () => {
    const proposal = await propose();
    const [first, second, third, fourth] = world.helpers as Four;
    const rcHash = bytesToBase64Url(statementHash(proposal.config));
    expect(await world.offer('churn')).toMatchObject({ state: 'running', phase: 'proposed', config: null });
    // In whatever order, and one of them twice.
    mustSucceed(await third.cosign(proposal));
    mustSucceed(await first.cosign(proposal));
    mustSucceed(await first.cosign(proposal));
    expect((await first.work()).proposals).toEqual([]);
    expect((await second.work()).proposals).toHaveLength(1);
    expect((await world.offer('churn')).config).toBeNull();
    const report = `/v1/rounds/${rcHash}/reports/${world.operator.key.id}`;
    const early = { method: 'PUT', path: report, body: new Uint8Array(10) };
    expect(await world.client.sendAs(world.operator, early)).toMatchObject({ status: 403 });
    mustSucceed(await second.cosign(proposal));
    const { config, phase } = await world.offer('churn');
    expect(phase).toBe('collecting');
    const pinned = trustToPinned(world.parties.trust);
    const { statement } = verifyLogged(config!, 'round-config', roundConfigSchema, pinned);
    expect(bytesToBase64Url(statementHash(statement))).toBe(rcHash);
    const helpers = statement.body.helpers.slice(0, 3).map(({ key }) => key);
    expect(statement.signatures.map(({ kid }) => kid)).toEqual([
      world.parties.trust.coordinator.key,
      ...helpers,
    ]);
    expect(cosigners(statement)).toEqual([1, 2, 3]);
    expect(await fourth.cosign(proposal)).toMatchObject({ code: 'round/closed' });
    expect(await third.cosign(proposal)).toMatchObject({ status: 204 });
  });

  it('takes no signature under another body, by another key, or for another round', async () => {
    const { config } = await propose();
    const keys = world.parties.helpers as [SigningKey, SigningKey, SigningKey, SigningKey];
    const rcHash = bytesToBase64Url(statementHash(config));
    const put = async (path: string, body: object, key = keys[0]): Promise<string | undefined> =>
      (await world.client.sendAsHelper(key, { method: 'PUT', path, body })).code;
    const own = PATHS.helperCosignature(1, rcHash);
    const lower = { ...config.body, nMin: 2, nTarget: 2 };
    expect(await put(own, await signStatement('round-config', lower, keys[0]))).toBe('round/config-mismatch');
    expect(await put(own, await signStatement('round-config', config.body, keys[1]))).toBe(
      'helper/statement',
    );
    expect(await put(own, config)).toBe('helper/statement');
    expect(await put(own, { ...config, signatures: [{ ...config.signatures[0], kid: keys[0].id }] })).toBe(
      'helper/statement',
    );
    const other = PATHS.helperCosignature(1, 'A'.repeat(43));
    expect(await put(other, await signStatement('round-config', config.body, keys[0]))).toBe('round/unknown');
    const { rows } = await world.sql.query<{ cosigned: number[] }>(
      `select state -> 'cosigned' as cosigned from rounds`,
    );
    expect(rows).toEqual([{ cosigned: [] }]);
  });

  it('that too few sign is logged as it is and abandoned, charges nobody and needs no close', async () => {
    const windows = { collect: 1_000, ack: 200, reveal: 5_000 };
    const proposal = await propose(smallTask({ windows }));
    await world.helpers[1]!.cosign(proposal);
    const [end] = await until(async () => {
      const ended = await results();
      return ended.length > 0 && ended;
    });
    expect(end!.result.statement.body).toMatchObject({
      round: 1,
      status: 'abandoned',
      reason: 'too-few-helpers',
      scHash: null,
      count: 0,
    });
    expect(await waitsFor()).toBeNull();
    await until(async () => (await world.offer('churn')).phase === 'proposed');
  });
});

describe('an abandoned round', () => {
  /** Two reports are in, and the helpers never judge them. */
  async function abandon(): Promise<RoundResult> {
    const floors = { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 100 };
    const windows = { collect: 20_000, ack: 300, reveal: 5_000 };
    const made = await createRoundWorld(smallTask({ floors, windows }), [2, 2]);
    world = made.world;
    for (const node of made.nodes)
      mustSucceed(
        await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
      );
    return until(async () => (await world.offer('churn')).lastResult?.statement.body);
  }

  it('holds the next one up until three of four have closed it, which devices are shown', async () => {
    const { rcHash } = await abandon();
    const [first, second, third, fourth] = world.helpers as Four;
    expect(await waitsFor()).toBe('helper-closes');
    const [closing] = (await first.work()).closing;
    expect(closing!.result.statement.body).toMatchObject({ rcHash, status: 'abandoned' });
    mustSucceed(await first.close(closing!));
    mustSucceed(await first.close(closing!));
    expect(await first.close(closing!, true)).toMatchObject({ code: 'helper/conflict' });
    expect((await first.work()).closing).toEqual([]);
    mustSucceed(await second.close(closing!));
    expect(await waitsFor()).toBe('helper-closes');
    mustSucceed(await third.close(closing!));
    expect(await waitsFor()).toBeNull();
    const next = await world.openRound('churn', 2);
    expect(next.config.round).toBe(2);
    expect((await fourth.work()).closing).toEqual([]);
    expect((await results())[0]!.closes.map(({ body }) => body)).toEqual(
      [1, 2, 3].map((j) => ({ v: 1, rcHash, j, ready: false })),
    );
  });

  it('that somebody was ready to open needs the close of everybody', async () => {
    await abandon();
    const [closing] = (await world.helpers[0]!.work()).closing;
    for (const helper of world.helpers.slice(0, 3)) mustSucceed(await helper.close(closing!, true));
    expect(await waitsFor()).toBe('helper-closes');
    mustSucceed(await world.helpers[3]!.close(closing!, true));
    expect(await waitsFor()).toBeNull();
  });

  it('is closed by its own helpers, each for itself, and no other round is', async () => {
    const { rcHash } = await abandon();
    const keys = world.parties.helpers as [SigningKey, SigningKey, SigningKey, SigningKey];
    const close = { v: 1, rcHash, j: 1, ready: false };
    const put = async (path: string, body: object, key = keys[0]): Promise<string | undefined> =>
      (
        await world.client.sendAsHelper(key, {
          method: 'PUT',
          path,
          body: await signStatement('helper-close', body, key),
        })
      ).code;
    expect(await put(PATHS.helperClose(2, rcHash), { ...close, j: 2 })).toBe('auth/forbidden');
    expect(await put(PATHS.helperClose(1, rcHash), { ...close, j: 2 })).toBe('helper/statement');
    expect(await put(PATHS.helperClose(1, rcHash), { ...close, rcHash: 'A'.repeat(43) })).toBe(
      'round/config-mismatch',
    );
    await world.helpersClose();
    const { rcHash: second } = await world.openRound('churn', 2);
    expect(await put(PATHS.helperClose(1, second), { ...close, rcHash: second })).toBe('round/closed');
  });
});

describe('the log, entry by entry', () => {
  it('makes the checkpoint’s root, and opens every set commit and nothing else', async () => {
    const made = await createRoundWorld(smallTask({ rounds: 1 }), [2, 3, 4]);
    world = made.world;
    for (const node of made.nodes)
      mustSucceed(
        await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
      );
    await world.helpersJudge();
    await world.helpersReveal();
    const note = (await world.client.send({ method: 'GET', path: PATHS.checkpoint })).body as Uint8Array;
    const { vkey } = world.parties.trust.log;
    const { size, root } = openCheckpoint(Buffer.from(note).toString(), vkey, { verify: verifyDetached });
    const read = async (from: number, to: number) => {
      const path = `${PATHS.logEntries}?from=${from}&to=${to}`;
      return world.client.send({ method: 'GET', path });
    };
    const range = createCompactRange();
    let sets = 0;
    // In two pieces, as somebody reads who was there before.
    for (const [from, to] of [
      [0, 3],
      [3, size],
    ] as const) {
      const { entries, ...rest } = v.parse(logEntriesSchema, (await read(from, to)).body);
      expect(rest).toEqual({ from });
      expect(entries).toHaveLength(to - from);
      for (const { leaf, opened } of entries) {
        const bytes = base64UrlToBytes(leaf);
        range.append(hashLeaf(bytes));
        const isSet = leafToEnvelope(bytes).type === 'set-commit';
        expect(opened !== undefined).toBe(isSet);
        if (opened === undefined) continue;
        sets++;
        expect(verifyCommitment(bytes, opened.statement, base64UrlToBytes(opened.salt))).toBe(true);
        expect(opened.statement.body.rcHash).toBe(made.round.rcHash);
      }
    }
    expect(range.root()).toEqual(root);
    expect(sets).toBe(1);
    expect(await read(0, size + 1)).toMatchObject({ code: 'log/range' });
    expect(await read(3, 2)).toMatchObject({ code: 'log/range' });
    expect((await world.client.send({ method: 'GET', path: PATHS.logEntries })).code).toBe(
      'request/malformed',
    );
    expect(MAX_LOG_ENTRIES).toBe(1_000);
  });
});

describe('log mode', () => {
  const helpers = { m: 3, c: 1, mode: 'log', q: 2 } as const;

  it('is refused where the trust root names no witnesses', async () => {
    world = await createWorld();
    const answer = await world.publish(smallTask({ helpers }));
    expect(answer).toMatchObject({ status: 400, code: 'task/invalid' });
    expect(JSON.stringify(answer.body)).toContain('names none');
  });

  it('opens with two of three helpers and asks for no readies', async () => {
    const windows = { collect: 20_000, ack: 3_000, reveal: 10_000 };
    const task = smallTask({ helpers, windows, floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 100 } });
    const made = await createRoundWorld(task, [2, 3], {}, async (parties) => {
      witness = await startWitnessProcess(parties.trust.log.vkey, 'w.example');
      const { name, vkey, url } = witness;
      parties.trust.witnesses = { threshold: 1, witnesses: [{ name, operator: 'A university', vkey }] };
      return [{ name, url }];
    });
    world = made.world;
    expect(made.round.config).toMatchObject({ mode: 'log', q: 2 });
    for (const node of made.nodes)
      mustSucceed(
        await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
      );
    // The third is away from here on.
    const [first, second, third] = world.helpers as Four;
    await world.helpersJudge([first, second]);
    const shown = await until(async () => (await first.work()).rounds.find(({ set }) => set !== null));
    expect((await third.work()).rounds[0]!.set).toBeNull();
    expect(await first.ready(shown)).toMatchObject({ code: 'helper/statement' });
    for (const helper of [first, second]) mustSucceed(await helper.sums((await helper.work()).rounds[0]!));
    const result = await until(async () => (await world.offer('churn')).lastResult?.statement.body);
    expect(result).toMatchObject({ status: 'sealed', count: 2, twins: 5, disputed: [] });
  });
});
