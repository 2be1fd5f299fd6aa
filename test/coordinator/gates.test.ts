/** What happens between the first report and the sum: consent, helpers that refuse, lie or stay away, and the floor. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  createBoxKeyPair,
  PATHS,
  signStatement,
  statementHash,
  type HelperRound,
  type RoundResult,
} from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { consentOf, type ClearReport } from './support/node.ts';
import { smallTask } from './support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type OpenRound, type World } from './support/world.ts';
import type { TestNode } from './support/node.ts';
import type { TestHelper } from './support/helper.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

interface Setting {
  world: World;
  nodes: TestNode[];
  round: OpenRound;
  clear: ClearReport[];
}

/** All nodes have reported, the round is closed, no helper has judged. */
async function collect(
  nodes: readonly number[],
  changes: Partial<ReturnType<typeof smallTask>> = {},
): Promise<Setting> {
  const floors = { nMin: 2, nTarget: nodes.length, minTwins: 2, maxTwins: 1_000 };
  const made = await createRoundWorld(smallTask({ floors, ...changes }), nodes);
  world = made.world;
  const clear: ClearReport[] = [];
  for (const [i, node] of made.nodes.entries()) {
    const report = await reportOf(node, made.round.config, made.round.rcHash, {
      gradient: [0.1 * i, 0.2, -0.3],
    });
    mustSucceed(await made.world.upload(node, made.round, report));
    clear.push(report);
  }
  return { ...made, clear };
}

async function lastResult({ world: at }: Setting, round: number = 1): Promise<RoundResult> {
  for (;;) {
    const result = (await at.offer('churn')).lastResult?.statement.body;
    if (result !== undefined && result.round >= round) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function sumHash(clear: readonly ClearReport[]): string {
  const total = new Int32Array(clear[0]!.steps.length);
  for (const { steps } of clear) steps.forEach((step, i) => (total[i] = (total[i] as number) + step));
  return bytesToBase64Url(sha256(new Uint8Array(total.buffer)));
}

async function dispositions({ world: at }: Setting): Promise<string[]> {
  const { rows } = await at.sql.query<{ disposition: string }>(
    'select disposition from reports order by place',
  );
  return rows.map(({ disposition }) => disposition);
}

async function onlyRound(helper: TestHelper): Promise<HelperRound> {
  const { rounds } = await helper.work();
  expect(rounds.length).toBe(1);
  return rounds[0] as HelperRound;
}

describe('a withdrawal', () => {
  it('between upload and set drops the whole report, and the sum is exactly that of the others', async () => {
    const setting = await collect([2, 3, 4]);
    const { nodes, clear } = setting;
    const twin = nodes[1]!.twins[2]!;
    await setting.world.sendConsents(nodes[1]!, [(await consentOf(nodes[1]!, twin, 'withdraw')).jws]);
    const again = await reportOf(nodes[1]!, setting.round.config, setting.round.rcHash, {
      members: nodes[1]!.twins.slice(0, 2),
    });
    expect(await setting.world.upload(nodes[1]!, setting.round, again)).toMatchObject({
      code: 'report/duplicate',
    });
    await setting.world.helpersJudge();
    expect(await dispositions(setting)).toEqual(['in-set', 'consent-withdrawn', 'in-set']);
    await setting.world.helpersReveal();
    const result = await lastResult(setting);
    expect(result).toMatchObject({
      status: 'sealed',
      count: 2,
      twins: 6,
      dropped: [{ reason: 'consent-withdrawn', count: 1 }],
    });
    expect(result.sumHash).toBe(sumHash([clear[0]!, clear[2]!]));
    // The log was read at the size that the withdrawal had made.
    const { rows } = await setting.world.sql.query<{ leaf_index: number }>(
      'select max(leaf_index)::int as leaf_index from consent_events',
    );
    expect(result.consent!.size).toBeGreaterThan(rows[0]!.leaf_index);
  });

  it('after the set counts from the next round', async () => {
    const setting = await collect([2, 3, 4]);
    const { nodes, clear } = setting;
    await setting.world.helpersJudge();
    await setting.world.sendConsents(nodes[1]!, [
      (await consentOf(nodes[1]!, nodes[1]!.twins[0]!, 'withdraw')).jws,
    ]);
    await setting.world.helpersReveal();
    expect(await lastResult(setting)).toMatchObject({
      status: 'sealed',
      count: 3,
      twins: 9,
      sumHash: sumHash(clear),
    });
    const next = await setting.world.openRound('churn', 2);
    const report = await reportOf(nodes[1]!, next.config, next.rcHash);
    expect(await setting.world.upload(nodes[1]!, next, report)).toMatchObject({ code: 'report/consent' });
    const rest = await reportOf(nodes[1]!, next.config, next.rcHash, { members: nodes[1]!.twins.slice(1) });
    expect(await setting.world.upload(nodes[1]!, next, rest)).toMatchObject({ status: 202 });
  });

  it('that leaves fewer than nMin reports opens nothing', async () => {
    const setting = await collect([2, 2]);
    await setting.world.sendConsents(setting.nodes[0]!, [
      (await consentOf(setting.nodes[0]!, setting.nodes[0]!.twins[0]!, 'withdraw')).jws,
    ]);
    await setting.world.helpersJudge();
    const result = await lastResult(setting);
    expect(result).toMatchObject({
      status: 'abandoned',
      reason: 'too-few-reports',
      scHash: null,
      sumHash: null,
      dropped: [{ reason: 'consent-withdrawn', count: 1 }],
      modelOut: setting.round.config.modelHash,
    });
    for (const helper of setting.world.helpers)
      expect((await helper.work()).rounds.every(({ set }) => set === null)).toBe(true);
  });

  it('by lapse of time counts like any other', async () => {
    const setting = await collect([2, 2, 2]);
    const [node] = setting.nodes as [TestNode];
    // Instants are whole seconds: the grant ends with this or the next one.
    const brief = await consentOf(node, node.twins[0]!, 'grant', { validUntil: Date.now() + 1_500 });
    await setting.world.sendConsents(node, [brief.jws]);
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    await setting.world.helpersJudge();
    expect(await dispositions(setting)).toEqual(['consent-lapsed', 'in-set', 'in-set']);
  });
});

describe('a withdrawal in the very moment in which the set is fixed', () => {
  it('waits for the set, and is then behind the size of the log that the set commit names', async () => {
    const setting = await collect([2, 3, 4]);
    const { nodes, clear } = setting;
    const [last, ...first] = setting.world.helpers as [TestHelper, ...TestHelper[]];
    await setting.world.helpersJudge(first);
    const work = await onlyRound(last);
    const { jws } = await consentOf(nodes[1]!, nodes[1]!.twins[0]!, 'withdraw');
    // The set is held up after it has begun to be fixed, before consent is read.
    const holder = await setting.world.sql.connect();
    await holder.query('begin; lock table report_members in access exclusive mode');
    const judged = last.judge(work);
    await pauseUntilBlocked(setting.world);
    let withdrawn = false;
    const withdrawal = setting.world.sendConsents(nodes[1]!, [jws]).then((receipts) => {
      withdrawn = true;
      return receipts;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(withdrawn).toBe(false);
    await holder.query('rollback');
    holder.release();
    mustSucceed(await judged);
    const { receipts } = await withdrawal;
    await setting.world.helpersReveal();
    const result = await lastResult(setting);
    expect(receipts[0]!.index).toBeGreaterThanOrEqual(result.consent!.size);
    expect(result).toMatchObject({ count: 3, twins: 9, dropped: [], sumHash: sumHash(clear) });
  });
});

async function pauseUntilBlocked({ sql }: World): Promise<void> {
  for (;;) {
    const { rows } = await sql.query(
      'select from pg_stat_activity where wait_event_type = $1 and datname = current_database()',
      ['Lock'],
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('helpers', () => {
  it('that refuse a report keep it out of the set', async () => {
    const setting = await collect([2, 3, 4]);
    const name = bytesToBase64Url(setting.clear[0]!.report.headerHash);
    for (const helper of setting.world.helpers)
      mustSucceed(await helper.judge(await onlyRound(helper), helper.j === 2 ? [name] : []));
    await setting.world.helpersReveal();
    expect(await lastResult(setting)).toMatchObject({
      status: 'sealed',
      count: 2,
      dropped: [{ reason: 'helper-refused', count: 1 }],
      sumHash: sumHash(setting.clear.slice(1)),
    });
  });

  it('one of four may be silent throughout', async () => {
    const setting = await collect([2, 3], { windows: { collect: 20_000, ack: 2_000, reveal: 5_000 } });
    const awake = setting.world.helpers.filter(({ j }) => j !== 3);
    await setting.world.helpersJudge(awake);
    for (let tries = 0; (await awake[0]!.work()).rounds[0]!.set === null && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await setting.world.helpersReveal(awake);
    expect(await lastResult(setting)).toMatchObject({
      status: 'sealed',
      count: 2,
      sumHash: sumHash(setting.clear),
    });
  });

  it('two of four silent: the round is abandoned, and the next one goes on with the same model', async () => {
    const setting = await collect([2, 3], { windows: { collect: 20_000, ack: 1_500, reveal: 5_000 } });
    await setting.world.helpersJudge(setting.world.helpers.slice(2));
    expect(await lastResult(setting)).toMatchObject({
      status: 'abandoned',
      reason: 'too-few-helpers',
      count: 0,
      consent: null,
    });
    await setting.world.helpersClose();
    const next = await setting.world.openRound('churn', 2);
    expect(next.config).toMatchObject({ kind: 'train', modelHash: setting.round.config.modelHash });
    expect(next.config.prevResultHash).toBe(
      bytesToBase64Url(statementHash((await setting.world.offer('churn')).lastResult!.statement)),
    );
  });

  it('that judge and then stay away leave the set unopened', async () => {
    const setting = await collect([2, 3], { windows: { collect: 20_000, ack: 5_000, reveal: 300 } });
    await setting.world.helpersJudge();
    expect(await lastResult(setting)).toMatchObject({
      status: 'abandoned',
      reason: 'helpers-silent',
      count: 2,
      sumHash: null,
    });
    const { rows } = await setting.world.sql.query('select from reports where vector is not null');
    expect(rows).toEqual([]);
  });

  it('one that lies about its sums is outvoted', async () => {
    const setting = await collect([2, 3]);
    await setting.world.helpersJudge();
    const [liar, ...honest] = setting.world.helpers as [TestHelper, ...TestHelper[]];
    mustSucceed(await liar.sums(await onlyRound(liar), (words) => (words[5] = (words[5] as number) + 1)));
    for (const helper of honest) await helper.sums(await onlyRound(helper));
    expect(await lastResult(setting)).toMatchObject({ status: 'sealed', sumHash: sumHash(setting.clear) });
  });

  it('two that lie alike about a sum are caught by its range', async () => {
    const setting = await collect([2, 3]);
    await setting.world.helpersJudge();
    const spoil = (words: Uint32Array): void => {
      // In the update block: what does not fit the evaluation is caught by that alone.
      words[1] = (words[1] as number) + 2 ** 26;
    };
    for (const helper of setting.world.helpers.slice(0, 2))
      mustSucceed(await helper.sums(await onlyRound(helper), spoil));
    for (const helper of setting.world.helpers.slice(2)) await helper.sums(await onlyRound(helper));
    const result = await lastResult(setting);
    expect(result.status).toBe('abandoned');
    expect(result.reason).toBe('sum-out-of-range');
    expect(result.modelOut).toBe(result.modelIn);
  });

  it('get the same answer for the same words, and a refusal for others', async () => {
    const setting = await collect([2, 3]);
    const [helper, second] = setting.world.helpers as [TestHelper, TestHelper];
    const before = await onlyRound(helper);
    const ofSecond = await onlyRound(second);
    mustSucceed(await helper.judge(before));
    mustSucceed(await helper.judge(before));
    const name = bytesToBase64Url(setting.clear[0]!.report.headerHash);
    expect(await helper.judge(before, [name])).toMatchObject({ code: 'helper/conflict' });
    expect((await onlyRound(helper)).reports).toEqual([]);
    await setting.world.helpersJudge(setting.world.helpers.slice(1));
    expect(await helper.judge(before)).toMatchObject({ status: 204 });
    const fixed = await onlyRound(helper);
    expect(fixed.phase).toBe('revealing');
    mustSucceed(await helper.ready(fixed));
    mustSucceed(await helper.ready(fixed));
    mustSucceed(await helper.sums(fixed));
    mustSucceed(await helper.sums(fixed));
    expect(await helper.sums(fixed, (words) => (words[0] = 1))).toMatchObject({ code: 'helper/conflict' });
    expect(await onlyRound(helper)).toMatchObject({ set: null });
    await setting.world.helpersReveal(setting.world.helpers.slice(1));
    expect(await lastResult(setting)).toMatchObject({ status: 'sealed' });
    expect(await helper.sums(fixed)).toMatchObject({ status: 204 });
    expect(await helper.ready(fixed)).toMatchObject({ status: 204 });
    expect(await second.judge(ofSecond)).toMatchObject({ code: 'round/closed' });
  });

  it('may not speak out of turn, for others, or of reports that there are not', async () => {
    const setting = await collect([2, 3]);
    const [helper] = setting.world.helpers as [TestHelper];
    const { rcHash } = setting.round;
    const keys = setting.world.parties.helpers;
    const put = (path: string, body: object, key = keys[0]!) =>
      setting.world.client.sendAsHelper(key, { method: 'PUT', path, body });
    const ack = { v: 1, rcHash, j: 1, accepted: ['A'.repeat(43)], refused: [] };
    expect(
      await put(PATHS.helperAck(1, rcHash), await signStatement('helper-ack', ack, keys[0]!)),
    ).toMatchObject({ code: 'helper/statement' });
    expect(
      await put(PATHS.helperAck(1, rcHash), await signStatement('helper-ack', { ...ack, j: 2 }, keys[0]!)),
    ).toMatchObject({ code: 'helper/statement' });
    expect(
      await put(PATHS.helperAck(1, rcHash), await signStatement('helper-ack', ack, keys[1]!)),
    ).toMatchObject({ code: 'helper/statement' });
    expect(
      await put(PATHS.helperAck(1, 'A'.repeat(43)), await signStatement('helper-ack', ack, keys[0]!)),
    ).toMatchObject({ code: 'round/unknown' });
    expect(
      await put(
        PATHS.helperAck(1, rcHash),
        await signStatement('helper-ack', { ...ack, rcHash: 'A'.repeat(43) }, keys[0]!),
      ),
    ).toMatchObject({ code: 'round/config-mismatch' });
    const twice = { ...ack, refused: [{ header: 'A'.repeat(43), code: 'report/box-hash' }] };
    expect(
      await put(PATHS.helperAck(1, rcHash), await signStatement('helper-ack', twice, keys[0]!)),
    ).toMatchObject({ code: 'helper/statement' });
    const ready = { v: 1, rcHash, scHash: 'A'.repeat(43), j: 1 };
    expect(
      await put(PATHS.helperReady(1, rcHash), await signStatement('helper-ready', ready, keys[0]!)),
    ).toMatchObject({ code: 'round/closed' });
    await setting.world.helpersJudge();
    expect(
      await put(PATHS.helperReady(1, rcHash), await signStatement('helper-ready', ready, keys[0]!)),
    ).toMatchObject({ code: 'helper/statement' });
    expect(
      await setting.world.client.sendAsHelper(keys[0]!, {
        method: 'PUT',
        path: PATHS.helperSums(1, rcHash),
        body: new Uint8Array(40),
        type: 'application/vnd.twinkeep.sums',
      }),
    ).toMatchObject({ code: 'helper/sum' });
    mustSucceed(await helper.sums(await onlyRound(helper)));
  });
});

describe('epochs', () => {
  it('are taken in order, from their own helper, and while they last', async () => {
    const setting = await collect([2, 3]);
    const [key, stranger] = setting.world.parties.helpers as [
      (typeof setting.world.parties.helpers)[0],
      (typeof setting.world.parties.helpers)[0],
    ];
    const epoch = (changes: object): object => ({
      v: 1,
      j: 1,
      e: 2,
      boxKey: bytesToBase64Url(createBoxKeyPair().publicKey),
      notBefore: Date.now(),
      notAfter: Date.now() + 60_000,
      ...changes,
    });
    const put = async (body: object, by = key) =>
      setting.world.client.sendAsHelper(key, {
        method: 'PUT',
        path: PATHS.helperEpoch(1),
        body: await signStatement('helper-epoch', body, by),
      });
    expect(await put(epoch({ notAfter: Date.now() - 1, notBefore: 0 }))).toMatchObject({
      code: 'helper/epoch',
    });
    expect(await put(epoch({ notAfter: 5, notBefore: 5 }))).toMatchObject({ code: 'helper/epoch' });
    expect(await put(epoch({ j: 2 }))).toMatchObject({ code: 'helper/epoch' });
    expect(await put(epoch({}), stranger)).toMatchObject({ code: 'helper/epoch' });
    const second = epoch({});
    expect(await put(second)).toMatchObject({ status: 204 });
    expect(await put(second)).toMatchObject({ status: 204 });
    expect(await put(epoch({}))).toMatchObject({ code: 'helper/conflict' });
    expect(await put(epoch({ e: 1 }))).toMatchObject({ code: 'helper/conflict' });
  });

  it('come with every offer, and no round opens before every helper has one', async () => {
    const { createWorld } = await import('./support/world.ts');
    const started = await createWorld();
    world = started;
    mustSucceed(await started.publish(smallTask()));
    for (const helper of started.helpers.slice(1)) mustSucceed(await helper.publishEpoch());
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await started.offer('churn')).toMatchObject({ state: 'waiting', config: null, epochs: [] });
    mustSucceed(await started.helpers[0]!.publishEpoch());
    const { config } = await started.openRound('churn');
    const { epochs } = await started.offer('churn');
    expect(epochs.map(({ body }) => body.boxKey)).toEqual(config.helpers.map(({ boxKey }) => boxKey));
  });
});

describe('tasks', () => {
  it('are published once, and say what is wrong with them', async () => {
    const setting = await collect([2, 3]);
    expect(
      await setting.world.publish(
        smallTask({
          floors:
            setting.round.config.nTarget === 2
              ? { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 }
              : smallTask().floors,
        }),
      ),
    ).toMatchObject({ status: 200 });
    expect(await setting.world.publish(smallTask({ title: 'Another' }))).toMatchObject({
      code: 'task/exists',
    });
    for (const changes of [
      { clipL2: -1 },
      { sector: 'shipping' as never },
      { helpers: { m: 5, c: 1, mode: 'quorum' as const, q: 4 } },
      { features: [] },
    ])
      expect(await setting.world.publish(smallTask({ taskId: 'wrong', ...changes }))).toMatchObject({
        code: 'task/invalid',
      });
  });
});
