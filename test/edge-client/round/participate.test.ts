/** A fleet's part in a round, over HTTP, against a coordinator and helpers that the test plays. */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  checkRound,
  createReport,
  gatherTwins,
  participate,
  recordEvents,
  resendPending,
  type CheckedRound,
  type Contributed,
  type GatheredTwins,
  type Participant,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import {
  addEvaluation,
  createSigningKey,
  initialWeights,
  randomBytes,
  readEvaluation,
  rotate,
  rotationSigns,
  sodiumReady,
  statementHash,
  webCryptoPrg,
  type LoggedStatement,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY, makeChain, makeEvent, makeTask, NOW, POLICY, subjectOf } from '../fixtures.ts';
import { json, problem } from '../transport/server.ts';
import { createTestCoordinator, openSum, ROUND_OPEN, type TestCoordinator } from './coordinator.ts';
import { createKeeper, type KeeperOptions } from './keeper.ts';
import { serveCoordinator, type TestWorld } from './server.ts';

let coordinator: TestCoordinator;
let task: LoggedStatement<TaskSpec>;
let world: TestWorld;

beforeAll(() => sodiumReady);
beforeEach(async () => {
  coordinator = await createTestCoordinator();
  task = await coordinator.publishTask(makeTask());
  world = await serveCoordinator(coordinator, ROUND_OPEN + 1_000);
});
afterEach(() => world.server.close());

const keeper = (options: Partial<KeeperOptions> = {}): Promise<Participant> =>
  createKeeper(coordinator, { url: world.server.url, task: makeTask(), twins: 12, ...options });

const open = async (change = {}): Promise<RoundOffer> =>
  (world.offer = await coordinator.openRound(task, change));

const join = (participant: Participant, offer: RoundOffer): Promise<Contributed | StayHome> =>
  participate(participant, task, offer);

/** Sum of clear-text updates and evaluation blocks in grid steps, before rounding. */
async function clearText(
  participants: Participant[],
  offer: RoundOffer,
  twins: GatheredTwins[],
): Promise<Float64Array> {
  const config = offer.config!.statement.body;
  const spec = task.statement.body;
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), config.dPadded, webCryptoPrg);
  const total = new Float64Array(config.dPadded + config.evaluationLength);
  for (const [i, { engine }] of participants.entries()) {
    const { trainers, heldOut } = twins[i]!;
    const weights = initialWeights(spec.model);
    const { sum } = await engine.clippedSum(weights, trainers, config.clipL2);
    rotate(sum, signs).forEach(
      (value, at) => (total[at] = total[at]! + (value / config.clipL2) * config.unit),
    );
    const logits = await engine.scores(weights, heldOut);
    addEvaluation(logits, heldOut.labels, config.unit, spec.evaluation).values.forEach(
      (value, at) => (total[config.dPadded + at] = total[config.dPadded + at]! + value),
    );
  }
  return total;
}

describe('a round', () => {
  it('opens to the clear-text sum of all reports, within one step of rounding each', async () => {
    const fleets = [
      await keeper({ nth: 1 }),
      await keeper({ nth: 2, twins: 7 }),
      await keeper({ nth: 3, twins: 30 }),
    ];
    const offer = await open();
    const outcomes: Contributed[] = [];
    for (const fleet of fleets) outcomes.push((await join(fleet, offer)) as Contributed);
    expect(outcomes.map(({ reported }) => reported)).toEqual(['accepted', 'accepted', 'accepted']);

    const { sum, decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    const expected = await clearText(
      fleets,
      offer,
      outcomes.map(({ twins }) => twins),
    );
    const worst = Math.max(...sum.map((value, i) => Math.abs(value - expected[i]!)));
    expect(worst).toBeLessThanOrEqual(fleets.length);
    // Float32 sums aside, the sum is far from empty, so closeness says something.
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e5);

    const members = decoded.flatMap((report) => report.members);
    expect(members.length).toBe(12 + 7 + 30);
    expect(new Set(members).size).toBe(members.length);
    expect(decoded.map(({ header }) => header.twins)).toEqual([12, 7, 30]);
    const { dPadded, unit } = offer.config!.statement.body;
    const figures = readEvaluation(sum.subarray(dPadded), unit, task.statement.body.evaluation);
    expect(figures.twins).toBe(4 + 3 + 10);
  });

  it('that only evaluates gets held-out twins and a zero update', async () => {
    for (let round = 0; round < 3; round++) await coordinator.endRound(await coordinator.openRound(task));
    const offer = await open({ config: { kind: 'evaluate' } });
    const outcome = (await join(await keeper(), offer)) as Contributed;
    expect(outcome).toMatchObject({ reported: 'accepted', twins: { trainers: { n: 0 }, heldOut: { n: 4 } } });
    const { sum, decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    expect(sum.subarray(0, offer.config!.statement.body.dPadded).every((value) => value === 0)).toBe(true);
    expect(decoded[0]!.members).toHaveLength(4);
  });

  it('leaves out twins without consent, without a logged consent, withdrawn, or without a label', async () => {
    const fleet = await keeper({
      consents: (twin) => {
        if (twin === 1) return [];
        if (twin === 2) return [{ type: 'grant', index: null }];
        if (twin === 3)
          return [
            { type: 'grant', index: 3 },
            { type: 'withdraw', index: null },
          ];
        return [{ type: 'grant', index: twin }];
      },
      labelled: (twin) => twin !== 4,
    });
    const offer = await open();
    const { twins } = (await join(fleet, offer)) as Contributed;
    expect(Object.fromEntries(twins.denied)).toEqual({ 'never-asked': 2, withdrawn: 1 });
    expect(twins.unlabelled).toBe(1);
    const { decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    const expected = [0, 5, 6, 7, 8, 9, 10, 11].map(subjectOf).sort();
    expect(decoded[0]!.members).toEqual(expected);
  });

  it('keeps each twin in the role that it drew, from round to round', async () => {
    const fleet = await keeper();
    const first = (await join(fleet, await open())) as Contributed;
    fleet.draw = () => 'hold-out';
    await coordinator.endRound(world.offer!);
    world.reports.clear();
    const second = (await join(fleet, await open())) as Contributed;
    expect(second.reported).toBe('accepted');
    expect(second.twins.heldOut.subjects).toEqual(first.twins.heldOut.subjects);
  });

  it('sees what a twin recorded, and what its subject withdrew, since the round before', async () => {
    const fleet = await keeper();
    const rowOf = async (offer: RoundOffer, subject: string): Promise<number[]> => {
      const { trainers, heldOut } = await gatherTwins(fleet, (await checked(fleet, offer)) as CheckedRound);
      const width = task.statement.body.model.inputs;
      const set = trainers.subjects.includes(subject) ? trainers : heldOut;
      const at = set.subjects.indexOf(subject);
      return [...set.features.subarray(at * width, (at + 1) * width)];
    };
    const offer = await open();
    const subject = subjectOf(4);
    const before = await rowOf(offer, subject);
    expect(await rowOf(offer, subject)).toEqual(before);

    const deps = { ...fleet, policy: POLICY, clock: () => NOW };
    const order = makeEvent('order', 'transactional', NOW - 40 * DAY, { amount: 100 });
    expect((await recordEvents(deps, subject, [order])).fresh).toBe(1);
    const after = await rowOf(offer, subject);
    expect(after[3]).toBeGreaterThan(before[3]!);

    const [, withdrawn] = makeChain(subject, [
      { type: 'grant', index: 4 },
      { type: 'withdraw', categories: ['behavioral'], index: null },
    ]);
    await fleet.store.appendConsents(subject, 1, [withdrawn!]);
    expect(after.slice(4)).not.toEqual([0, 0]);
    expect(await rowOf(offer, subject)).toEqual([...after.slice(0, 4), 0, 0]);
  });

  it('takes no leave of an earlier round', async () => {
    const fleet = await keeper();
    const early = await gatherTwins(fleet, (await checked(fleet, await open())) as CheckedRound);
    await coordinator.endRound(world.offer!);
    const late = (await checked(fleet, await open({ now: ROUND_OPEN + 30_000 }))) as CheckedRound;
    const device = { key: fleet.device.key, credential: fleet.device.credential() };
    const report = createReport(late, early, initialWeights(late.task.model), { ...fleet, device });
    await expect(report).rejects.toThrow(/an earlier round/);
  });
});

describe('a keeper stays home', () => {
  it('where the offer does not pass, and nothing was asked of its twins', async () => {
    const outcome = await join(await keeper(), { ...(await open()), phase: 'acking' });
    expect(outcome).toMatchObject({ stayHome: 'no-round' });
    expect(world.reports.size).toBe(0);
  });

  it('with too few twins of its own, unless it is a person’s device', async () => {
    const offer = await open();
    expect(await join(await keeper({ twins: 1 }), offer)).toMatchObject({ stayHome: 'too-few-twins' });
    const few = await keeper({ twins: 5 });
    few.floors.minTwins = 6;
    expect(await join(few, offer)).toMatchObject({ stayHome: 'too-few-twins', detail: '5 of 6' });
    expect(await join(await keeper({ twins: 0, maxTwins: 1 }), offer)).toMatchObject({
      stayHome: 'too-few-twins',
    });
    expect(world.reports.size).toBe(0);
    expect(await join(await keeper({ twins: 1, maxTwins: 1 }), offer)).toMatchObject({
      reported: 'accepted',
    });
  });

  it('with more twins than its credential allows', async () => {
    expect(await join(await keeper({ maxTwins: 11 }), await open())).toMatchObject({
      stayHome: 'too-many-twins',
    });
    expect(world.reports.size).toBe(0);
  });

  it('with a credential of another key, another issuer, or an old one', async () => {
    const offer = await open();
    const other = await createTestCoordinator();
    const old = { now: ROUND_OPEN - 10 * 86_400_000 };
    for (const credentialOf of [
      async () => coordinator.credentialFor(await createSigningKey()),
      async (fleet: Participant) => other.credentialFor(fleet.device.key),
      async (fleet: Participant) => coordinator.credentialFor(fleet.device.key, old),
    ]) {
      const fleet = await keeper({ twins: 2 });
      const credential = await credentialOf(fleet);
      fleet.device.credential = () => credential;
      expect(await join(fleet, offer)).toMatchObject({ stayHome: 'credential-refused' });
    }
  });

  it('where the model is another than the round names, or there is none', async () => {
    const offer = await open();
    const { modelHash } = offer.config!.statement.body;
    const model = coordinator.models.get(modelHash)!;
    const tampered = model.slice();
    tampered[0]! ^= 1;
    for (const served of [tampered, model.slice(4), new Uint8Array([...model, 0]), null]) {
      if (served === null) coordinator.models.delete(modelHash);
      else coordinator.models.set(modelHash, served);
      expect(await join(await keeper({ twins: 2 }), offer)).toMatchObject({ stayHome: 'model-refused' });
    }
  });

  it('when it has reported already, here or in another process', async () => {
    const fleet = await keeper();
    const offer = await open();
    await join(fleet, offer);
    expect(await join(fleet, offer)).toMatchObject({ stayHome: 'already-reported' });
    expect(world.reports.size).toBe(1);
  });

  it('in the second of two processes that share one store', async () => {
    const fleet = await keeper();
    const offer = await open();
    const outcomes = await Promise.all([join(fleet, offer), join({ ...fleet }, offer)]);
    expect(outcomes.filter((outcome) => 'reported' in outcome)).toHaveLength(1);
    expect(outcomes.filter((outcome) => 'stayHome' in outcome)).toMatchObject([
      { stayHome: 'already-reported' },
    ]);
  });
});

describe('what networks and crashes leave behind', () => {
  it('a lost answer is asked for again with the same bytes', async () => {
    const fleet = await keeper();
    const sent: Buffer[] = [];
    world.intercept = ({ body }) => {
      sent.push(body);
      return false;
    };
    const lost = dropAnswers(1);
    expect(await join(fleet, await open())).toMatchObject({ reported: 'accepted' });
    expect(lost()).toBe(1);
    // Once into the void, once with the nonce that was lost with the answer, once with the next.
    expect(sent).toHaveLength(3);
    expect(sent.every((body) => body.equals(sent[0]!))).toBe(true);
    const [record] = await fleet.store.readReports('churn');
    expect(record).toMatchObject({ outcome: 'accepted', bytes: null });
  });

  it('a report that could not be sent stays pending and goes out with the next offer, the same bytes', async () => {
    const fleet = await keeper();
    world.intercept = (_, response) => {
      response.socket?.destroy();
      return true;
    };
    const offer = await open();
    expect(await join(fleet, offer)).toMatchObject({ reported: 'pending', code: 'transport/offline' });
    const [pending] = await fleet.store.readReports('churn');
    expect(pending).toMatchObject({ outcome: 'pending', bytes: expect.any(Uint8Array) });

    world.intercept = () => false;
    expect(await join(fleet, offer)).toMatchObject({ stayHome: 'already-reported' });
    expect([...world.reports.values()]).toEqual([pending!.bytes]);
    expect((await fleet.store.readReports('churn'))[0]).toMatchObject({ outcome: 'accepted' });
  });

  it('a report whose round has closed meanwhile is refused for good', async () => {
    const fleet = await keeper();
    world.intercept = (_, response) => {
      response.socket?.destroy();
      return true;
    };
    await join(fleet, await open());
    world.intercept = () => false;
    world.offer = { ...world.offer!, phase: 'acking' };
    expect(await resendPending(fleet, 'churn')).toMatchObject([
      { reported: 'refused', code: 'round/closed' },
    ]);
    expect((await fleet.store.readReports('churn'))[0]).toMatchObject({ outcome: 'refused', bytes: null });
    expect(await resendPending(fleet, 'churn')).toEqual([]);
  });

  it('a refusal that is not about the report leaves it pending', async () => {
    const fleet = await keeper();
    world.intercept = (_, response) => {
      problem(response, 401, 'auth/credential-expired');
      return true;
    };
    expect(await join(fleet, await open())).toMatchObject({
      reported: 'pending',
      code: 'auth/credential-expired',
    });
    expect((await fleet.store.readReports('churn'))[0]).toMatchObject({ outcome: 'pending' });
  });

  it('a receipt for other bytes is none', async () => {
    const fleet = await keeper();
    const offer = await open();
    const rcHash = bytesToBase64Url(statementHash(offer.config!.statement));
    const elsewhere = bytesToBase64Url(randomBytes(32));
    for (const receipt of [
      { rcHash, headerHash: elsewhere },
      { rcHash: elsewhere, headerHash: elsewhere },
    ]) {
      world.intercept = (_, response) => {
        json(response, { status: 'accepted', ...receipt });
        return true;
      };
      const outcome = await ((await fleet.store.readReports('churn')).length === 0
        ? join(fleet, offer)
        : resendPending(fleet, 'churn').then(([first]) => first));
      expect(outcome).toMatchObject({ reported: 'pending', code: 'transport/malformed' });
    }
  });

  it('a pending report of a key that is gone is given up', async () => {
    const fleet = await keeper();
    world.intercept = (_, response) => {
      response.socket?.destroy();
      return true;
    };
    await join(fleet, await open());
    fleet.device = { ...fleet.device, key: await createSigningKey() };
    expect(await resendPending(fleet, 'churn')).toEqual([]);
    expect((await fleet.store.readReports('churn'))[0]).toMatchObject({ outcome: 'refused' });
  });

  it('an abandoned round releases the model, and the checkpoint moves on', async () => {
    const fleet = await keeper();
    await join(fleet, await open());
    const before = await fleet.store.readCheckpoint();
    await coordinator.endRound(world.offer!);
    world.reports.clear();
    expect(await join(fleet, await open())).toMatchObject({ reported: 'accepted', round: 2 });
    const reports = await fleet.store.readReports('churn');
    expect(reports.map(({ round, outcome }) => [round, outcome])).toEqual([
      [2, 'accepted'],
      [1, 'released'],
    ]);
    expect(await fleet.store.readCheckpoint()).not.toBe(before);
  });

  it('a checkpoint that another process kept meanwhile is checked against, too', async () => {
    const fleet = await keeper();
    const first = await open();
    const store = { ...fleet.store };
    let raced = false;
    fleet.store = {
      ...store,
      saveCheckpoint: async (previous, next) => {
        if (!raced) {
          raced = true;
          await store.saveCheckpoint(
            null,
            ((await checked({ ...fleet, store }, first)) as CheckedRound).note,
          );
        }
        await store.saveCheckpoint(previous, next);
      },
    };
    const second = await open();
    expect(await join(fleet, second)).toMatchObject({ reported: 'accepted' });
    expect(raced).toBe(true);
  });

  it('nothing is sent where the store cannot record it first', async () => {
    const fleet = await keeper();
    fleet.store = { ...fleet.store, addReport: async () => Promise.reject(new RangeError('disk full')) };
    await expect(join(fleet, await open())).rejects.toThrow('disk full');
    expect(world.reports.size).toBe(0);
  });
});

describe('the nonce', () => {
  it('is fetched before the first body, and renewed by a refusal without the caller noticing', async () => {
    const fleet = await keeper();
    const offer = await open();
    let stale = 0;
    world.intercept = (_, response) => {
      if (stale++ > 0) return false;
      world.nonces.push('fresh-nonce-0001');
      problem(response, 401, 'auth/nonce', { 'dpop-nonce': 'fresh-nonce-0001' });
      return true;
    };
    expect(await join(fleet, offer)).toMatchObject({ reported: 'accepted' });
    const asked = world.server.received.filter(({ url }) => url === '/v1/nonce');
    const puts = world.server.received.filter(({ method }) => method === 'PUT');
    expect(asked.length).toBeLessThanOrEqual(1);
    expect(puts).toHaveLength(2);
    expect(puts[0]!.headers['dpop']).not.toBe(puts[1]!.headers['dpop']);
  });

  it('that is refused again and again ends as a problem', async () => {
    const fleet = await keeper();
    world.intercept = (_, response, nth) => {
      problem(response, 401, 'auth/nonce', { 'dpop-nonce': `nonce-${nth}-0123456789` });
      return true;
    };
    expect(await join(fleet, await open())).toMatchObject({ reported: 'pending', code: 'auth/nonce' });
    expect(world.server.received.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });
});

async function checked(fleet: Participant, offer: RoundOffer): Promise<CheckedRound | StayHome> {
  return checkRound(offer, {
    task,
    trust: fleet.trust,
    seen: null,
    reports: [],
    nMin: 2,
    askConsistency: (from, to) => coordinator.log.consistencyProof(from, to),
    askResults: async () => [],
    now: ROUND_OPEN + 1_000,
  });
}

/** Lets requests through and destroys the connection in place of the first answers to a PUT. */
function dropAnswers(count: number): () => number {
  let dropped = 0;
  const intercept = world.intercept;
  world.intercept = (request, response, nth) => {
    if (intercept(request, response, nth)) return true;
    if (dropped >= count) return false;
    dropped++;
    response.end = ((): typeof response => {
      response.socket?.destroy();
      return response;
    }) as typeof response.end;
    return false;
  };
  return () => dropped;
}
