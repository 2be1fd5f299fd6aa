/** `Sec-GPC: 1` on a request of a person's own device: recorded once, as received, and only ever narrowing. */
import { isPermitted, listCells, type ConsentEvent } from '@twinkeep/consent';
import { PATHS } from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { createSubject } from '../support/parties.ts';
import { createSpeaker, send, speak, synchronise, type Speaker } from '../support/speak.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
afterEach(() => world.stop());

const person = (): Promise<Speaker> => createSpeaker(world.parties, createSubject());

/** The request of a browser: nothing new to say, and the header. */
const visit = (who: Speaker, value = '1'): Promise<Answer> =>
  world.client.sendAs(who.device, {
    method: 'GET',
    path: PATHS.consents,
    headers: { 'Sec-GPC': value, 'User-Agent': 'a browser' },
  });

const allowed = ({ state }: Speaker): string[] =>
  listCells(state)
    .filter(({ cell }) => isPermitted(cell, Date.now()))
    .map(({ operation }) => operation);

async function signalsOf(who: Speaker): Promise<ConsentEvent[]> {
  const events = await synchronise(world.client, who);
  return events
    .map(({ jws }) => JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as ConsentEvent)
    .filter(({ event }) => event.type === 'signal');
}

describe('an opt-out signal', () => {
  it('ends sharing and selling, leaves training alone, is recorded once a device, and is lifted by a later yes', async () => {
    world = await createWorld();
    const who = await person();
    await visit(who);
    expect(await signalsOf(who)).toEqual([]);
    await send(world.client, who, await speak(who, { type: 'grant', operations: ['contribute', 'share'] }));
    await visit(who, '0');
    expect(await signalsOf(who)).toEqual([]);
    await Promise.all([visit(who), visit(who), visit(who)]);
    expect(await signalsOf(who)).toMatchObject([
      { event: { by: 'controller' }, signal: { kind: 'gpc', value: '1', profiling: false } },
    ]);
    expect(new Set(allowed(who))).toEqual(new Set(['contribute']));
    await send(world.client, who, await speak(who, { type: 'grant', operations: ['contribute', 'share'] }));
    await visit(who);
    expect(await signalsOf(who)).toHaveLength(1);
    expect(new Set(allowed(who))).toEqual(new Set(['contribute', 'share']));
    const tablet = await createSpeaker(world.parties, who.subject);
    await visit(tablet);
    expect(await signalsOf(tablet)).toHaveLength(2);
    expect(allowed(tablet)).not.toContain('share');
  });

  it('stops training too where the controller takes it for an objection to profiling', async () => {
    world = await createWorld({}, undefined, { gpcStopsTraining: true });
    const who = await person();
    await send(world.client, who, await speak(who, { type: 'grant' }));
    await visit(who);
    expect(await signalsOf(who)).toMatchObject([{ signal: { profiling: true } }]);
    expect(allowed(who)).toEqual([]);
  });

  it('of a region node says nothing about its customers', async () => {
    world = await createWorld();
    const node = await world.addNode(2);
    const answer = await world.client.sendAs(node.device, {
      method: 'GET',
      path: PATHS.consents,
      headers: { 'Sec-GPC': '1' },
    });
    expect(answer.status).toBe(200);
    expect((await world.sql.query('select from consent_events')).rowCount).toBe(2);
  });
});
