/** Helpers who lie, and helpers who are away, against a real coordinator: (4, 1), so one of them may be corrupt and one may be missing. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { progressPath, taskProgressSchema } from '@twinkeep/coordinator';
import type { HelperRound, RoundResult, TaskSpec } from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { TestHelper } from '../coordinator/support/helper.ts';
import type { ClearReport } from '../coordinator/support/node.ts';
import { smallTask } from '../coordinator/support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type World } from '../coordinator/support/world.ts';

type Four = [TestHelper, TestHelper, TestHelper, TestHelper];

let world: World;
afterEach(() => world.stop());

async function collect(windows: TaskSpec['windows'] = smallTask().windows): Promise<ClearReport[]> {
  const floors = { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 };
  const made = await createRoundWorld(smallTask({ floors, windows }), [2, 3]);
  world = made.world;
  const clear: ClearReport[] = [];
  for (const node of made.nodes) {
    const report = await reportOf(node, made.round.config, made.round.rcHash, { gradient: [0.2, 0.1, -0.1] });
    mustSucceed(await world.upload(node, made.round, report));
    clear.push(report);
  }
  return clear;
}

function sumHash(clear: readonly ClearReport[]): string {
  const total = new Int32Array(clear[0]!.steps.length);
  for (const { steps } of clear) steps.forEach((step, i) => (total[i] = (total[i] as number) + step));
  return bytesToBase64Url(sha256(new Uint8Array(total.buffer)));
}

async function until<T>(look: () => Promise<T | null | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

const result = (): Promise<RoundResult> =>
  until(async () => (await world.offer('churn')).lastResult?.statement.body);
const setOf = (helper: TestHelper): Promise<HelperRound> =>
  until(async () => (await helper.work()).rounds.find(({ set }) => set !== null));

/** What a lie does to a sum of masks, in the update block, where no whole counts would give it away. */
const byOne = (words: Uint32Array): void => void (words[0] = (words[0] as number) + 1);
const byMuch = (words: Uint32Array): void => void (words[0] = (words[0] as number) + 2 ** 27);

describe('a lying helper', () => {
  // Defence: coordinator/rounds/machine.ts, `votesOf`: c + 1 equal sums, of which one is from an honest helper.
  it('that answers first, a little wrong everywhere, is outvoted and named', async () => {
    const clear = await collect();
    await world.helpersJudge();
    const [liar, ...honest] = world.helpers as Four;
    mustSucceed(await liar.sums(await setOf(liar), byOne));
    for (const helper of honest.slice(0, 2)) mustSucceed(await helper.sums(await setOf(helper)));
    await honest[2]!.sums(await setOf(honest[2]!));
    expect(await result()).toMatchObject({ status: 'sealed', sumHash: sumHash(clear), disputed: [1] });
  });

  // Defence: coordinator/rounds/votes.ts, `explainSums`: which group of at most c liars makes the rest agree.
  it('while another is away, so that votes are tied, is found by what the honest say of the other sets', async () => {
    const clear = await collect({ collect: 20_000, ack: 2_000, reveal: 20_000 });
    const [liar, second, third] = world.helpers as Four;
    await world.helpersJudge([liar, second, third]);
    for (const helper of [liar, second, third]) await setOf(helper);
    mustSucceed(await liar.sums(await setOf(liar), byOne));
    mustSucceed(await second.sums(await setOf(second)));
    mustSucceed(await third.sums(await setOf(third)));
    expect(await result()).toMatchObject({ status: 'sealed', sumHash: sumHash(clear), disputed: [1] });
  });

  // Defence: coordinator/rounds/reveal.ts, `openRoundSum`: where two stories open to a sum, none is believed.
  it('that lies of one set only, a little, so that it is its word against another’s, gets nothing opened', async () => {
    await collect({ collect: 20_000, ack: 2_000, reveal: 20_000 });
    const [liar, second, third] = world.helpers as Four;
    await world.helpersJudge([liar, second, third]);
    // Set 1 is that of helpers 1, 3 and 4; the fourth is away.
    const lie = (words: Uint32Array, set: number): void => void (set === 1 && byOne(words));
    mustSucceed(await liar.sums(await setOf(liar), lie));
    mustSucceed(await second.sums(await setOf(second)));
    mustSucceed(await third.sums(await setOf(third)));
    const { status, reason, modelIn, modelOut } = await result();
    expect({ status, reason }).toEqual({ status: 'abandoned', reason: 'sums-disagree' });
    expect(modelOut).toBe(modelIn);
  });

  // Defence: coordinator/aggregate/unmask.ts, `openSum`: a sum that reports of so many twins cannot make is none.
  it('that lies of one set only, by much, is found by the sum itself', async () => {
    const clear = await collect({ collect: 20_000, ack: 2_000, reveal: 20_000 });
    const [liar, second, third] = world.helpers as Four;
    await world.helpersJudge([liar, second, third]);
    const lie = (words: Uint32Array, set: number): void => void (set === 1 && byMuch(words));
    mustSucceed(await liar.sums(await setOf(liar), lie));
    mustSucceed(await second.sums(await setOf(second)));
    mustSucceed(await third.sums(await setOf(third)));
    expect(await result()).toMatchObject({ status: 'sealed', sumHash: sumHash(clear), disputed: [1] });
  });

  // Defence: coordinator/rounds/close.ts, `takeClose`: the next round waits for more closes than liars can give.
  it('that closes a round which others have answered does not get them to report on the same model again', async () => {
    await collect({ collect: 20_000, ack: 5_000, reveal: 4_000 });
    await world.helpersJudge();
    const [liar, second] = world.helpers as Four;
    mustSucceed(await second.ready(await setOf(second)));
    mustSucceed(await second.sums(await setOf(second)));
    expect(await result()).toMatchObject({ status: 'abandoned', reason: 'helpers-silent' });
    const closing = await until(async () => (await liar.work()).closing[0]);
    mustSucceed(await liar.close(closing));
    const { body } = await world.client.send({ method: 'GET', path: progressPath('churn') });
    expect(v.parse(taskProgressSchema, body)).toMatchObject({
      state: 'waiting',
      waitsFor: 'helper-closes',
      open: null,
    });
  });
});

describe('an absent helper', () => {
  // Defence: coordinator/rounds/machine.ts, `takeCosignature`, `tick` and `takeSums`: nobody waits for all.
  it.each(['before it signs', 'before it judges', 'before it answers'])(
    '%s does not hold the others up',
    async (moment) => {
      const floors = { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 };
      // Nobody can wait for the last deadline to help.
      const windows = { collect: 600_000, ack: 2_000, reveal: 600_000 };
      const made = await createRoundWorld(smallTask({ floors, windows }), [2, 3]);
      world = made.world;
      const [absent, ...others] = world.helpers as Four;
      // The first round is signed by the first three; the second one is the one that is looked at.
      for (const node of made.nodes)
        mustSucceed(
          await world.upload(node, made.round, await reportOf(node, made.round.config, made.round.rcHash)),
        );
      await world.helpersJudge();
      await world.helpersReveal();
      await until(async () => (await others[0]!.work()).proposals[0]);
      await world.helpersCosign(moment === 'before it signs' ? others : world.helpers);
      expect((await world.offer('churn')).phase).toBe('collecting');
      const round = await world.openRound('churn', 2);
      for (const node of made.nodes)
        mustSucceed(await world.upload(node, round, await reportOf(node, round.config, round.rcHash)));
      await world.helpersJudge(moment === 'before it answers' ? [absent, ...others] : others);
      for (const helper of others) await setOf(helper);
      await world.helpersReveal(others);
      const second = await until(async () => {
        const last = (await world.offer('churn')).lastResult?.statement.body;
        return last?.round === 2 ? last : null;
      });
      expect(second).toMatchObject({ status: 'sealed', count: 2, disputed: [] });
    },
  );
});
