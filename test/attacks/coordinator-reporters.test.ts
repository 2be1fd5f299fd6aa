/** Reporters with credentials of their own who cheat, against a real coordinator: what they send is signed, sealed and well-formed. */
import {
  epsilonFor,
  randomBytes,
  type PrivacySpec,
  type RoundResult,
  type TaskSpec,
} from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { consentOf, createNode, type TestNode } from '../coordinator/support/node.ts';
import { createDevice } from '../coordinator/support/parties.ts';
import { smallTask } from '../coordinator/support/task.ts';
import {
  createRoundWorld,
  mustSucceed,
  reportOf,
  type OpenRound,
  type World,
} from '../coordinator/support/world.ts';

let world: World;
afterEach(() => world.stop());

/** One training each: whoever was in a set is spent. */
const PRIVACY: PrivacySpec = {
  mech: 'discrete-gaussian',
  noiseMultiplier: 2,
  delta: 1e-5,
  epsilon: epsilonFor({ noiseMultiplier: 2, participations: 1, delta: 1e-5 }),
  trainings: 1,
  evaluations: 1,
  adaptiveClip: null,
};

async function open(
  nodes: readonly number[],
  changes: Partial<TaskSpec> = {},
): Promise<{ nodes: TestNode[]; round: OpenRound }> {
  const floors = { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 };
  const made = await createRoundWorld(smallTask({ floors, ...changes }), nodes);
  world = made.world;
  return made;
}

async function result(round: number): Promise<RoundResult> {
  for (;;) {
    const last = (await world.offer('churn')).lastResult?.statement.body;
    if (last !== undefined && last.round >= round) return last;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** The same credential subject with a fresh key. A twin's consent binds it to the key that spoke for it: this one brings twins of its own. */
async function secondDevice({ device: { sub } }: TestNode): Promise<TestNode> {
  const node = await createNode(world.parties, 2, 'fresh');
  const second = { ...node, device: await createDevice(world.parties, { sub }) };
  const events = await Promise.all(second.twins.map((twin) => consentOf(second, twin)));
  await world.sendConsents(
    second,
    events.map(({ jws }) => jws),
  );
  return second;
}

describe('random bytes as a vector', () => {
  // Defence: coordinator/aggregate/unmask.ts, `openSum`: every coordinate of what opens must be within reach of the twins and the noise.
  it('spoil the round and not the model, even where noise hides much', async () => {
    const { nodes, round } = await open([2, 3, 2, 3], { privacy: PRIVACY });
    const [honest, attacker] = nodes as [TestNode, TestNode];
    // Boxes, commitments and hashes are in order: the words are masked with what no seed gives.
    const prg = (_key: Uint8Array, words: number): Promise<Uint32Array> =>
      Promise.resolve(new Uint32Array(randomBytes(4 * words).buffer));
    const sealed = await reportOf(attacker, round.config, round.rcHash, { prg });
    mustSucceed(await world.upload(honest, round, await reportOf(honest, round.config, round.rcHash)));
    mustSucceed(await world.upload(attacker, round, sealed));
    await world.helpersJudge();
    await world.helpersReveal();
    const { status, reason, modelIn, modelOut, sumHash } = await result(1);
    expect({ status, reason, sumHash }).toEqual({
      status: 'abandoned',
      reason: 'sum-out-of-range',
      sumHash: null,
    });
    expect(modelOut).toBe(modelIn);
    // Noise makes a second report on the same model a second participation: the others go on.
    expect((await world.openRound('churn', 2)).config.modelHash).toBe(modelIn);
  });
});

describe('more reports than one participant has', () => {
  // Defence: coordinator/rounds/intake.ts, `takeReport`: one report of a `sub` in a round, whichever key signs.
  it('in one round, by a second device of the same credential subject', async () => {
    const { nodes, round } = await open([2, 3]);
    const [attacker] = nodes as [TestNode];
    mustSucceed(await world.upload(attacker, round, await reportOf(attacker, round.config, round.rcHash)));
    const twice = await secondDevice(attacker);
    expect(await world.upload(twice, round, await reportOf(twice, round.config, round.rcHash))).toMatchObject(
      {
        code: 'report/duplicate',
      },
    );
  });

  // Defence: coordinator/rounds/intake.ts, `isSpent`: participations are counted by `sub`, over rounds and devices.
  it('in more rounds than the budget allows, with a fresh key', async () => {
    const { nodes, round } = await open([2, 3, 2], { privacy: PRIVACY });
    const [attacker, honest, other] = nodes as [TestNode, TestNode, TestNode];
    for (const node of [attacker, honest])
      mustSucceed(await world.upload(node, round, await reportOf(node, round.config, round.rcHash)));
    await world.helpersJudge();
    await world.helpersReveal();
    expect(await result(1)).toMatchObject({ status: 'sealed' });
    const next = await world.openRound('churn', 2);
    const fresh = await secondDevice(attacker);
    const again = await reportOf(fresh, next.config, next.rcHash);
    expect(await world.upload(fresh, next, again)).toMatchObject({
      status: 403,
      code: 'report/budget-spent',
    });
    expect(await world.upload(other, next, await reportOf(other, next.config, next.rcHash))).toMatchObject({
      status: 202,
    });
  });

  // Defence: edge-client/protocol/report.ts, `decodeReport`: a report names its round.
  it('by sending a report of an earlier round again', async () => {
    const { nodes, round } = await open([2, 3]);
    const reports = await Promise.all(nodes.map((node) => reportOf(node, round.config, round.rcHash)));
    for (const [i, node] of nodes.entries()) mustSucceed(await world.upload(node, round, reports[i]!));
    await world.helpersJudge();
    await world.helpersReveal();
    const next = await world.openRound('churn', 2);
    expect(await world.upload(nodes[0]!, next, reports[0]!)).toMatchObject({ code: 'round/config-mismatch' });
  });
});

describe('twins of somebody else', () => {
  // Defence: coordinator/consents/ledger.ts: a twin is summed by the key that its consent binds it to.
  it('are summed by nobody but the key that speaks for them', async () => {
    const { nodes, round } = await open([2, 3]);
    const [attacker, victim] = nodes as [TestNode, TestNode];
    const stolen = await reportOf(attacker, round.config, round.rcHash, {
      members: [attacker.twins[0]!, victim.twins[0]!],
    });
    expect(await world.upload(attacker, round, stolen)).toMatchObject({ code: 'report/consent' });
  });
});
