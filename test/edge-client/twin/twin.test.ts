/** A whole twin in Node: the real page half and the real worker half, a store in memory, and a real coordinator over PostgreSQL. */
import type { RoundState, Twin } from '@twinkeep/edge-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, mustSucceed, reportOf, type World } from '../../coordinator/support/world.ts';
import { bankOptions, bankTask, fetchFrom, history } from './support/bank.ts';
import { createOrigin, type Origin } from './support/origin.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  for (const helper of world.helpers) mustSucceed(await helper.publishEpoch());
  mustSucceed(await world.publish(bankTask()));
});
afterAll(() => world.stop());

const stateOf = (twin: Twin, wanted: RoundState['state'], round?: number): Promise<RoundState> =>
  new Promise((resolve) => {
    const stop = twin.on('round', (state) => {
      if (state.state !== wanted || (round !== undefined && state.round !== round)) return;
      stop();
      resolve(state);
    });
  });

describe('a twin', () => {
  it('records, consents, contributes, predicts, explains, withdraws and is erased', async () => {
    const origin: Origin = createOrigin();
    const { twin } = await origin.openTab(bankOptions(world), { fetch: fetchFrom(world) });
    expect(twin.status()).toEqual({ state: 'ready' });
    const events = history(Date.now());
    expect(await twin.record(events[0])).toMatchObject({ recorded: false, reason: 'not-consented' });
    twin.on('problem', (problem) => console.log(problem));
    twin.on('round', (state) => console.log(state));

    const logged = new Promise<number>((resolve) =>
      twin.on('consent', ({ receipt }) => receipt !== null && resolve(receipt.index)),
    );
    expect(await twin.consent.grant()).toMatchObject({ changed: true });
    for (const event of events) expect(await twin.record(event)).toEqual({ recorded: true, fresh: true });
    expect(await twin.record(events[0])).toEqual({ recorded: true, fresh: false });
    await logged;

    const nodes = [await world.addNode(3, 'north'), await world.addNode(2, 'south')];
    const round = await world.openRound('churn', 1);
    const accepted = stateOf(twin, 'accepted', 1);
    twin.participate();
    await accepted;
    for (const node of nodes) {
      const clear = await reportOf(node, round.config, round.rcHash);
      mustSucceed(await world.upload(node, round, clear));
    }
    const ended = stateOf(twin, 'ended', 1);
    await world.helpersJudge();
    await world.helpersReveal();
    expect((await ended).result).toMatchObject({ status: 'sealed', count: 3, twins: 6, reported: true });
    const predicted = await twin.predict('churn');
    console.log(JSON.stringify(predicted, null, 1));
    console.log(JSON.stringify(await twin.explain('churn'), null, 1));
    console.log(JSON.stringify(await twin.export(), null, 1).slice(0, 3000));
    console.log(await twin.consent.withdraw());
    console.log(await twin.erase());
    expect(origin.databases.names()).toEqual([]);
  });
});
