/** What lost answers, crashes, races and stale nonces leave behind, and how the next call goes on from there. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  checkRound,
  participate,
  resendPending,
  type CheckedRound,
  type Contributed,
  type Participant,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import {
  createSigningKey,
  randomBytes,
  sodiumReady,
  statementHash,
  type LoggedStatement,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTask } from '../fixtures.ts';
import { json, problem } from '../transport/server.ts';
import { createTestCoordinator, ROUND_OPEN, type TestCoordinator } from './coordinator.ts';
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
