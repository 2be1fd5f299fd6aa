/** Every way in which a round may not be what it says, and the reason that the owner of the twin reads. */
import { bytesToBase64Url, openCheckpoint, sha256 } from '@twinkeep/audit';
import {
  checkRound,
  REASONS,
  type CheckedRound,
  type RoundContext,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import {
  createSigningKey,
  LOG_MODE_NEEDS_WITNESSES,
  type LoggedStatement,
  networkOf,
  ProblemError,
  randomBytes,
  type RoundConfig,
  type RoundOffer,
  signStatement,
  sodiumReady,
  statementHash,
  type TaskSpec,
} from '@twinkeep/protocol';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTask } from '../fixtures.ts';
import { createTestCoordinator, logStatement, ROUND_OPEN, type TestCoordinator } from './coordinator.ts';

let coordinator: TestCoordinator;
let task: LoggedStatement<TaskSpec>;

beforeAll(() => sodiumReady);
beforeEach(async () => {
  coordinator = await createTestCoordinator();
  task = await coordinator.publishTask(makeTask());
});

const context = (overrides: Partial<RoundContext> = {}): RoundContext => ({
  task,
  trust: coordinator.trust,
  seen: null,
  reports: [],
  nMin: 2,
  askConsistency: (from, to) =>
    coordinator.log.consistencyProof(from, to).catch(() => Promise.reject(new ProblemError('log/range'))),
  askResults: async (after) =>
    coordinator.results.filter(({ result }) => result.statement.body.round > after),
  now: ROUND_OPEN + 1_000,
  ...overrides,
});

const check = async (
  offer: RoundOffer,
  overrides: Partial<RoundContext> = {},
): Promise<CheckedRound | StayHome> => checkRound(offer, context(overrides));

const home = (reason: keyof typeof REASONS, detail?: string): object => ({
  stayHome: reason,
  why: REASONS[reason],
  ...(detail === undefined ? {} : { detail }),
});

describe('a round as it should be', () => {
  it('passes, and names task, configuration and the checkpoint to keep', async () => {
    const offer = await coordinator.openRound(task);
    const round = (await check(offer)) as CheckedRound;
    expect(round.config).toEqual(offer.config!.statement.body);
    expect(round.task).toEqual(task.statement.body);
    expect(round.rcHash).toEqual(statementHash(offer.config!.statement));
    expect(openCheckpoint(round.note, coordinator.trust.log.vkey).size).toBe(2);
    expect(round.released).toEqual([]);
  });

  it('passes after the rounds before it, sealed or abandoned, and the evaluating one at the end', async () => {
    const first = await coordinator.openRound(task);
    await coordinator.endRound(first);
    const second = await coordinator.openRound(task);
    expect(await check(second)).toHaveProperty('rcHash');
    const modelOut = bytesToBase64Url(randomBytes(32));
    await coordinator.endRound(second, { status: 'sealed', reason: null, modelOut, scHash: modelOut });
    const last = await coordinator.openRound(task, { config: { kind: 'evaluate', round: 3 } });
    expect(await check(last)).toMatchObject(home('config-mismatch', 'kind'));
    await coordinator.endRound(await coordinator.openRound(task), {
      status: 'sealed',
      reason: null,
      modelOut,
    });
    expect(await check(await coordinator.openRound(task, { config: { kind: 'evaluate' } }))).toHaveProperty(
      'rcHash',
    );
  });
});

describe('nothing to do', () => {
  it('is said plainly', async () => {
    const offer = await coordinator.openRound(task);
    expect(await check({ ...offer, state: 'finished' })).toMatchObject(home('task-finished'));
    expect(await check({ ...offer, config: null })).toMatchObject(home('no-round'));
    for (const phase of ['acking', 'revealing', 'sealed', 'abandoned', null] as const)
      expect(await check({ ...offer, phase })).toMatchObject(home('no-round'));
  });
});

describe('signatures and the log', () => {
  it('a configuration or task by another key is refused', async () => {
    const other = await createSigningKey();
    const offer = await coordinator.openRound(task);
    const { body } = offer.config!.statement;
    const forged = await logStatement(coordinator.log, await signStatement('round-config', body, other));
    expect(await check({ ...offer, config: forged })).toMatchObject(home('config-refused'));
    const posed = structuredClone(forged);
    posed.statement.signatures[0]!.kid = coordinator.key.id;
    expect(await check({ ...offer, config: posed })).toMatchObject(home('config-refused'));
    const forgedTask = await logStatement(
      coordinator.log,
      await signStatement('task', task.statement.body, other),
    );
    expect(await check(offer, { task: forgedTask })).toMatchObject(home('task-refused'));
  });

  it('a configuration that was changed after it was signed is refused', async () => {
    const offer = await coordinator.openRound(task);
    const changed = structuredClone(offer);
    changed.config!.statement.body.nTarget++;
    expect(await check(changed)).toMatchObject(home('config-refused'));
  });

  it('a configuration that is not in the log is refused', async () => {
    const offer = await coordinator.openRound(task);
    const unlogged = await signStatement(
      'round-config',
      { ...offer.config!.statement.body, closeAt: 1 },
      coordinator.key,
    );
    expect(await check({ ...offer, config: { ...offer.config!, statement: unlogged } })).toMatchObject(
      home('config-refused'),
    );
    const elsewhere = await createTestCoordinator();
    const otherLog = await logStatement(elsewhere.log, offer.config!.statement);
    expect(await check({ ...offer, config: otherLog })).toMatchObject(home('config-refused'));
    for (const broken of [{ salt: bytesToBase64Url(randomBytes(32)) }, { proof: 'x' }, { leaf: task.leaf }])
      expect(await check({ ...offer, config: { ...offer.config!, ...broken } })).toMatchObject(
        home('config-refused'),
      );
  });

  it('a leaf of another type does not stand for a configuration', async () => {
    const offer = await coordinator.openRound(task);
    const statement = offer.config!.statement;
    const mislabelled = await logStatement(coordinator.log, { ...statement, type: 'round-result' });
    expect(await check({ ...offer, config: { ...mislabelled, statement } })).toMatchObject(
      home('config-refused'),
    );
  });

  it('a task that does not hold together is refused', async () => {
    const bad = await coordinator.publishTask({
      ...makeTask(),
      model: { ...networkOf(makeTask()), inputs: 99 },
    });
    expect(await check(await coordinator.openRound(bad), { task: bad })).toMatchObject(home('task-refused'));
  });
});

describe('what the configuration says', () => {
  const fields: Partial<RoundConfig>[] = [
    { taskId: 'other' },
    { taskHash: bytesToBase64Url(sha256(new Uint8Array())) },
    { modelBytesLen: 8 },
    { archHash: bytesToBase64Url(sha256(new Uint8Array())) },
    { clientBuildHash: bytesToBase64Url(sha256(new Uint8Array())) },
    { d: 5 },
    { dPadded: 2 ** 12 },
    { evaluationLength: 403 },
    { clipLength: 1 },
    { b: 24 },
    { mode: 'log' },
    { clipL2: 100 },
    { unit: 1_024 },
    { evaluationUnit: 1_024 },
    { clipStep: 1 },
    {
      dp: {
        mech: 'discrete-gaussian',
        where: 'helpers',
        noiseMultiplier: 10,
        sigmaSquared: 100,
        trainings: 60,
        evaluations: 1,
        epsilon: 8,
        delta: 1e-5,
      },
    },
    { qTwin: 2 ** 19 },
    { nMin: 3 },
    { nTarget: 9 },
    { minTwins: 1 },
    { maxTwins: 2 },
    { c: 0 },
    { q: 2 },
    { issuerKeys: [bytesToBase64Url(sha256(new Uint8Array()))] },
    { purpose: 'https://example.com/other' },
    { operation: 'synthesise' },
    { sector: 'healthcare' },
    { categories: { required: ['transactional'], optional: ['behavioral', 'feedback'] } },
    { closeAt: ROUND_OPEN + 3_600_000 },
    { ackDeadline: ROUND_OPEN + 3_600_000 },
    { revealDeadline: ROUND_OPEN + 3_600_000 },
  ];

  it.each(fields.map((change) => [Object.keys(change)[0]!, change] as const))(
    'must agree with the task in %s',
    async (field, config) => {
      const offer = await coordinator.openRound(task, { config });
      const windows = ['closeAt', 'ackDeadline', 'revealDeadline'];
      expect(await check(offer)).toMatchObject(
        home('config-mismatch', windows.includes(field) ? 'windows' : field),
      );
    },
  );

  it('covers every field: a new one without a rule fails here', async () => {
    const { config } = await coordinator.openRound(task);
    const ruled = new Set(fields.flatMap(Object.keys));
    const elsewhere = ['round', 'kind', 'prevResultHash', 'modelHash', 'rotation', 'helpers', 'openAt'];
    const constant = ['v', 'rounding', 'groups'];
    expect([...ruled, ...elsewhere, ...constant].sort()).toEqual(Object.keys(config!.statement.body).sort());
  });

  it('must be open by this device’s own clock, give or take a minute', async () => {
    const offer = await coordinator.openRound(task);
    const { openAt, closeAt } = offer.config!.statement.body;
    for (const now of [openAt - 60_000, openAt, closeAt - 1, closeAt + 59_999])
      expect(await check(offer, { now })).toHaveProperty('rcHash');
    for (const now of [openAt - 60_001, closeAt + 60_000, openAt - 86_400_000, closeAt + 86_400_000])
      expect(await check(offer, { now })).toMatchObject(home('clock-mismatch'));
  });

  it('must meet this device’s own floor, above the task’s', async () => {
    expect(await check(await coordinator.openRound(task), { nMin: 3 })).toMatchObject(
      home('cohort-too-small'),
    );
  });
});

describe('log mode', () => {
  const inLogMode = async (): Promise<RoundOffer> => {
    task = await coordinator.publishTask(makeTask({ helpers: { m: 4, c: 1, mode: 'log', q: 2 } }));
    return coordinator.openRound(task);
  };

  it('is refused without witnesses, whom nobody here names', async () => {
    expect(await check(await inLogMode())).toMatchObject(home('no-witnesses', LOG_MODE_NEEDS_WITNESSES));
  });
});

describe('cosignatures', () => {
  it('of at least q helpers are on the configuration, each its own', async () => {
    const { openRound, helpers } = coordinator;
    expect(await check(await openRound(task, { cosigners: [1, 3, 4] }))).toHaveProperty('rcHash');
    for (const cosigners of [[], [1], [2, 4], [2, 4, 4, 4]])
      expect(await check(await openRound(task, { cosigners }))).toMatchObject(home('not-cosigned'));
    const { config, ...offer } = await openRound(task, { cosigners: [1, 2, 3] });
    const { statement } = config!;
    const other = (await openRound(task)).config!.statement;
    const stranger = await signStatement('round-config', statement.body, await createSigningKey());
    // Of another configuration, of a key that nobody pinned, and one helper's in the name of another.
    for (const third of [
      other.signatures.find(({ kid }) => kid === helpers[3]!.key.id)!,
      stranger.signatures[0]!,
      { ...statement.signatures[1]!, kid: helpers[3]!.key.id },
    ]) {
      const forged = { ...statement, signatures: [...statement.signatures.slice(0, 3), third] };
      const logged = await logStatement(coordinator.log, forged);
      expect(await check({ ...offer, config: logged })).toMatchObject(home('not-cosigned', '2 of 3'));
    }
  });
});

describe('helpers', () => {
  it('must be those of the trust root, all of them, in order', async () => {
    const good = (await coordinator.openRound(task)).config!.statement.body.helpers;
    const renumbered = good.map((helper, i) => ({ ...helper, j: i + 2 }));
    const stranger = { ...good[0]!, key: (await createSigningKey()).id };
    for (const helpers of [
      good.slice(0, 3),
      renumbered,
      [stranger, ...good.slice(1)],
      [good[1]!, good[0]!, good[2]!, good[3]!],
      [...good, good[0]!],
    ])
      expect(await check(await coordinator.openRound(task, { config: { helpers } }))).toMatchObject(
        home('helpers-refused'),
      );
  });

  it('must have signed their box keys themselves', async () => {
    const { openRound, helpers, key } = coordinator;
    const evil = { ...helpers[0]!.epoch.body, boxKey: bytesToBase64Url(randomBytes(32)) };
    const named = (await openRound(task)).config!.statement.body.helpers;
    const config = { helpers: [{ ...named[0]!, boxKey: evil.boxKey }, ...named.slice(1)] };
    const rest = helpers.slice(1).map(({ epoch }) => epoch);
    const byCoordinator = await signStatement('helper-epoch', evil, key);
    // The coordinator's own box key, with: the helper's true epoch, one that the coordinator signed, one in the helper's name, none.
    const inItsName = {
      ...byCoordinator,
      signatures: [{ ...byCoordinator.signatures[0]!, kid: helpers[0]!.key.id }],
    };
    for (const epoch of [helpers[0]!.epoch, byCoordinator, inItsName])
      expect(
        await check(await openRound(task, { config, offer: { epochs: [epoch, ...rest] } })),
      ).toMatchObject(home('helpers-refused'));
    expect(await check(await openRound(task, { config, offer: { epochs: [] } }))).toMatchObject(
      home('helpers-refused'),
    );
    expect(await check(await openRound(task, { offer: { epochs: [] } }))).toMatchObject(
      home('helpers-refused'),
    );
  });

  it('must have signed them for this epoch, this helper and this time', async () => {
    const { helpers, openRound } = coordinator;
    const { key, epoch } = helpers[0]!;
    const rest = helpers.slice(1).map((helper) => helper.epoch);
    for (const change of [
      { e: 2 },
      { j: 2 },
      { notAfter: ROUND_OPEN + 1 },
      { notBefore: ROUND_OPEN + 60_001 },
    ]) {
      const signed = await signStatement('helper-epoch', { ...epoch.body, ...change }, key);
      expect(await check(await openRound(task, { offer: { epochs: [signed, ...rest] } }))).toMatchObject(
        home('helpers-refused'),
      );
    }
    const swapped = [rest[0]!, epoch, ...rest.slice(1)];
    expect(await check(await openRound(task, { offer: { epochs: swapped } }))).toMatchObject(
      home('helpers-refused'),
    );
  });
});
