/** A round against what came before it: the log, the last result, and this device's own reports. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  checkRound,
  REASONS,
  type CheckedRound,
  type ReportRecord,
  type RoundContext,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import {
  noiseMultiplierFor,
  ProblemError,
  randomBytes,
  sodiumReady,
  statementHash,
  type LoggedStatement,
  type RoundEnd,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTask } from '../fixtures.ts';
import {
  createTestCoordinator,
  logStatement,
  ROUND_OPEN,
  type Close,
  type TestCoordinator,
} from './coordinator.ts';

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

const record = (offer: RoundOffer, overrides: Partial<ReportRecord> = {}): ReportRecord => {
  const config = offer.config!.statement.body;
  return {
    taskId: config.taskId,
    round: config.round,
    kind: config.kind,
    rcHash: bytesToBase64Url(statementHash(offer.config!.statement)),
    modelHash: config.modelHash,
    headerHash: bytesToBase64Url(randomBytes(32)),
    outcome: 'accepted',
    bytes: null,
    ...overrides,
  };
};

describe('the log over time', () => {
  it('must continue what was seen', async () => {
    const first = (await check(await coordinator.openRound(task))) as CheckedRound;
    await coordinator.endRound(await coordinator.openRound(task));
    const next = await coordinator.openRound(task);
    expect(await check(next, { seen: first.note })).toHaveProperty('rcHash');
  });

  it('may not be shorter than what was seen, though it be the same log', async () => {
    const early = await coordinator.openRound(task);
    const late = (await check(await coordinator.openRound(task))) as CheckedRound;
    expect(await check(early, { seen: late.note })).toMatchObject(
      home('log-inconsistent', 'it is shorter than before'),
    );
  });

  it('may not be another one, whatever proof comes with it', async () => {
    const seen = ((await check(await coordinator.openRound(task))) as CheckedRound).note;
    // The same keys over another history: as if the coordinator's operator had started the log anew.
    const rewritten = await rewriteHistory(coordinator, task);
    for (const askConsistency of [
      rewritten.log.consistencyProof,
      async (from: number, to: number) => ({ size1: from, size2: to, proof: [] }),
      async (from: number, to: number) => ({ size1: from, size2: to, proof: [randomBytes(32)] }),
    ]) {
      expect(
        await check(rewritten.offer, {
          seen,
          askConsistency,
          task: rewritten.task,
        }),
      ).toMatchObject(home('log-inconsistent'));
    }
    expect(
      await check(rewritten.offer, { task: rewritten.task, askConsistency: rewritten.log.consistencyProof }),
    ).toHaveProperty('rcHash');
  });

  it('of which the coordinator has no proof is refused; of which the network has none is not decided', async () => {
    const { note } = (await check(await coordinator.openRound(task))) as CheckedRound;
    const next = await coordinator.openRound(task);
    const noProof = async (): Promise<never> => Promise.reject(new ProblemError('log/range'));
    expect(await check(next, { seen: note, askConsistency: noProof })).toMatchObject(
      home('log-inconsistent', 'log/range'),
    );
    const offline = async (): Promise<never> => Promise.reject(new TypeError('offline'));
    await expect(check(next, { seen: note, askConsistency: offline })).rejects.toThrow('offline');
  });

  it('must be one for task, configuration and results alike', async () => {
    const first = await coordinator.openRound(task);
    const result = await coordinator.endRound(first);
    const offer = await coordinator.openRound(task);
    const rewritten = await rewriteHistory(coordinator, task);
    expect(await check(offer, { task: rewritten.task })).toMatchObject(home('log-inconsistent'));
    const elsewhere = await logStatement(rewritten.log, result.statement);
    expect(await check({ ...offer, lastResult: elsewhere })).toMatchObject(home('log-inconsistent'));
    const { closes } = coordinator.results[0]!;
    const answered = { reports: [record(first)], askResults: async () => [{ result: elsewhere, closes }] };
    expect(await check(offer, answered)).toMatchObject(home('log-inconsistent'));
    expect(await check(offer)).toHaveProperty('rcHash');
  });

  it('of two that have one length must be one', async () => {
    const seen = ((await check(await coordinator.openRound(task))) as CheckedRound).note;
    const rewritten = await rewriteHistory(coordinator, task, 0);
    expect(
      await check(rewritten.offer, {
        seen,
        task: rewritten.task,
        askConsistency: rewritten.log.consistencyProof,
      }),
    ).toMatchObject(home('log-inconsistent', 'two logs of one length'));
  });
});

describe('history', () => {
  it('begins with the public initial weights', async () => {
    const modelHash = bytesToBase64Url(randomBytes(32));
    expect(await check(await coordinator.openRound(task, { config: { modelHash } }))).toMatchObject(
      home('history-broken'),
    );
    expect(await check(await coordinator.openRound(task, { config: { round: 2 } }))).toMatchObject(
      home('history-broken'),
    );
    expect(
      await check(
        await coordinator.openRound(task, { config: { prevResultHash: bytesToBase64Url(randomBytes(32)) } }),
      ),
    ).toMatchObject(home('history-broken'));
  });

  it('goes on with the model of the last result, which is signed and logged', async () => {
    await coordinator.endRound(await coordinator.openRound(task));
    const other = bytesToBase64Url(randomBytes(32));
    for (const config of [
      { prevResultHash: other },
      { prevResultHash: null },
      { modelHash: other },
      { round: 3 },
    ])
      expect(await check(await coordinator.openRound(task, { config }))).toMatchObject(
        home('history-broken'),
      );
    const offer = await coordinator.openRound(task);
    const forged = structuredClone(offer);
    forged.lastResult!.statement.body.count = 7;
    expect(await check(forged)).toMatchObject(home('history-broken'));
    expect(await check({ ...offer, lastResult: null })).toMatchObject(home('history-broken'));
  });
});

describe('one report per round and per model', () => {
  it('none for a round that was reported to, whatever became of it', async () => {
    const offer = await coordinator.openRound(task);
    for (const outcome of ['pending', 'accepted', 'refused', 'released'] as const)
      expect(await check(offer, { reports: [record(offer, { outcome })] })).toMatchObject(
        home('already-reported'),
      );
    const otherConfig = await coordinator.openRound(task);
    expect(await check(otherConfig, { reports: [record(offer)] })).toMatchObject(home('already-reported'));
  });

  it('none on a model that was reported on, unless the log calls that very round abandoned', async () => {
    const first = await coordinator.openRound(task);
    const reports = [record(first)];
    await coordinator.endRound(first);
    const second = await coordinator.openRound(task);
    expect(((await check(second, { reports })) as CheckedRound).released).toEqual([reports[0]!.rcHash]);

    expect(await check(second, { reports, askResults: async () => [] })).toMatchObject(
      home('model-reported'),
    );
    const elsewhere = [record(first, { rcHash: bytesToBase64Url(randomBytes(32)) })];
    expect(await check(second, { reports: elsewhere })).toMatchObject(home('model-reported'));
    const forged = structuredClone(coordinator.results[0]!);
    forged.result.statement.body.count = 9;
    expect(await check(second, { reports, askResults: async () => [forged] })).toMatchObject(
      home('history-broken'),
    );
  });

  it('none on a model whose round was abandoned, until so many helpers say that they answered nothing', async () => {
    const first = await coordinator.openRound(task);
    const reports = [record(first)];
    await coordinator.endRound(first);
    const second = await coordinator.openRound(task);
    const [end] = coordinator.results;
    const valid = async (...closes: Close[]): Promise<RoundEnd> => {
      await coordinator.endRound(first, {}, closes);
      return { result: end!.result, closes: coordinator.results.pop()!.closes };
    };
    const checkWith = async (answer: RoundEnd): Promise<CheckedRound | StayHome> =>
      check(second, { reports, askResults: async () => [answer] });
    const ready = { ready: true };
    // Any three of four that were not ready for a set; or all four, ready or not.
    expect(await checkWith(await valid({ j: 1 }, { j: 3 }, { j: 4 }))).toHaveProperty('rcHash');
    const all = await valid({ j: 1, ...ready }, { j: 2, ...ready }, { j: 3, ...ready }, { j: 4, ...ready });
    expect(await checkWith(all)).toHaveProperty('rcHash');

    const [one, two, three] = (await valid({ j: 1 }, { j: 2 }, { j: 3 })).closes;
    const otherRound = await coordinator.endRound(second, {}, [{ j: 3 }]);
    const ofOther = coordinator.results.pop()!.closes[0]!;
    expect(otherRound.statement.body.rcHash).toBe(ofOther.body.rcHash);
    const notReady = structuredClone(all.closes[2]!);
    notReady.body.ready = false;
    for (const closes of [
      [],
      [one!, two!],
      [one!, two!, two!],
      [one!, two!, all.closes[2]!],
      [one!, two!, { ...three!, body: { ...three!.body, j: 4 } }],
      [one!, two!, notReady],
      [one!, two!, ofOther],
    ])
      expect(await checkWith({ result: end!.result, closes })).toMatchObject(home('model-reported'));
  });

  it('none on a model whose round was sealed, though the model stayed the same', async () => {
    const first = await coordinator.openRound(task);
    await coordinator.endRound(first, { status: 'sealed', reason: null });
    expect(
      await check(await coordinator.openRound(task), {
        reports: [record(first)],
      }),
    ).toMatchObject(home('model-reported'));
  });

  it('an evaluating round may use the model of a training round, since its twins are others', async () => {
    for (let round = 1; round <= 3; round++) await coordinator.endRound(await coordinator.openRound(task));
    const evaluating = await coordinator.openRound(task, { config: { kind: 'evaluate' } });
    const trained = record(evaluating, { round: 1, kind: 'train' });
    expect(await check(evaluating, { reports: [trained] })).toHaveProperty('rcHash');
    const evaluated = record(evaluating, { round: 3 });
    expect(await check(evaluating, { reports: [evaluated] })).toMatchObject(home('model-reported'));
  });

  it('no more training reports than the task announced rounds', async () => {
    const offer = await coordinator.openRound(task);
    const reports = [11, 12, 13].map((round) =>
      record(offer, { round, rcHash: `rc-${round}`, modelHash: bytesToBase64Url(randomBytes(32)) }),
    );
    expect(await check(offer, { reports })).toMatchObject(home('too-many-rounds'));
    expect(await check(offer, { reports: reports.slice(1) })).toHaveProperty('rcHash');
    const released = [...reports.slice(1), { ...reports[0]!, outcome: 'released' as const }];
    expect(await check(offer, { reports: released })).toHaveProperty('rcHash');
  });
});

describe('the privacy budget', () => {
  const noisy = (trainings: number, evaluations: number): Promise<LoggedStatement<TaskSpec>> =>
    coordinator.publishTask(
      makeTask({
        privacy: {
          mech: 'discrete-gaussian',
          noiseMultiplier: noiseMultiplierFor({ epsilon: 8, delta: 1e-5, participations: trainings }),
          epsilon: 8,
          delta: 1e-5,
          trainings,
          evaluations,
          adaptiveClip: null,
        },
      }),
    );
  const spent = (offer: RoundOffer, kind: 'train' | 'evaluate', rounds: number[]): ReportRecord[] =>
    rounds.map((round) =>
      record(offer, { round, kind, rcHash: `rc-${round}`, modelHash: bytesToBase64Url(randomBytes(32)) }),
    );

  it('allows as many reports of each kind as the task says, whatever became of them', async () => {
    task = await noisy(2, 1);
    const offer = await coordinator.openRound(task);
    const evaluating = await coordinator.openRound(task, { config: { kind: 'evaluate' } });
    for (const [round, kind, cap] of [
      [offer, 'train', 2],
      [evaluating, 'evaluate', 1],
    ] as const) {
      const before = spent(round, kind, [11, 12].slice(0, cap));
      const other = spent(round, kind === 'train' ? 'evaluate' : 'train', [21, 22, 23]);
      expect(await check(round, { reports: [...before.slice(1), ...other] })).toHaveProperty('rcHash');
      for (const outcome of ['pending', 'accepted', 'refused', 'counted'] as const) {
        const reports = before.map((report) => ({ ...report, outcome }));
        expect(await check(round, { reports })).toMatchObject(home('budget-spent', `${cap} of ${cap}`));
      }
      const released = before.map((report, i) =>
        i === 0 ? { ...report, outcome: 'released' as const } : report,
      );
      expect(await check(round, { reports: released })).toHaveProperty('rcHash');
    }
  });

  it('does not pay for a report whose round helpers show to be unopened', async () => {
    task = await noisy(1, 1);
    const first = await coordinator.openRound(task);
    await coordinator.endRound(first);
    const second = await coordinator.openRound(task);
    const round = (await check(second, { reports: [record(first)] })) as CheckedRound;
    expect(round.released).toEqual([record(first).rcHash]);
    expect(round.counted).toEqual([]);
  });

  it('pays for a second report on the same model where helpers do not show that', async () => {
    task = await noisy(2, 1);
    const first = await coordinator.openRound(task);
    await coordinator.endRound(first, {}, []);
    const second = await coordinator.openRound(task);
    const reports = [record(first)];
    const round = (await check(second, { reports })) as CheckedRound;
    expect(round.counted).toEqual([reports[0]!.rcHash]);
    expect(round.released).toEqual([]);
    const counted = [{ ...reports[0]!, outcome: 'counted' as const }];
    const full = { reports: [...counted, ...spent(first, 'train', [9])] };
    expect(await check(second, full)).toMatchObject(home('budget-spent'));
    // Unless its helpers say that they answered nothing, at last.
    coordinator.results.pop();
    await coordinator.endRound(first);
    const offer = await coordinator.openRound(task);
    const later = (await check(offer, { reports })) as CheckedRound;
    expect([later.released, later.counted]).toEqual([[reports[0]!.rcHash], []]);
    expect(await check(offer, full)).toHaveProperty('rcHash');
  });
});

/** A second log under the very keys of the first, with `padding` entries more than the first had before its task. */
async function rewriteHistory(
  original: TestCoordinator,
  published: LoggedStatement<TaskSpec>,
  padding = 3,
): Promise<{ offer: RoundOffer; task: LoggedStatement<TaskSpec>; log: TestCoordinator['log'] }> {
  const log = original.emptyLog();
  for (let i = 0; i < padding; i++) await logStatement(log, published.statement);
  const again = await logStatement(log, published.statement);
  const offer = await original.openRound(again);
  const config = await logStatement(log, offer.config!.statement);
  return { offer: { ...offer, config }, task: again, log };
}
