/** Coordinators and networks that are not what they should be: no report leaves the browser, and the page says why in one sentence. */
import { createNoteKey, noteKeyToVkey, vkeyToNoteKey } from '@twinkeep/audit';
import { createSigningKey, type Trust } from '@twinkeep/protocol';
import { readFile, writeFile } from 'node:fs/promises';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configFile } from '../../demo/parties.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { randomSubjects } from '../support/world.ts';
import { createHouse, type Begun, type House } from './support/house.ts';
import { history, openTwin, type OpenOptions, type TwinInPage } from './support/twin-tab.ts';

describe('a twin in Chromium', { timeout: 300_000 }, () => {
  let house: House;
  let browser: Browser;
  let context: BrowserContext;
  let rounds: Begun;
  const tabs: TwinInPage[] = [];

  beforeAll(async () => {
    house = await createHouse();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    rounds = await house.begin(2, 0);
  });
  afterEach(async () => {
    for (const tab of tabs.splice(0)) if (!tab.page.isClosed()) expect(await tab.uncaught()).toEqual([]);
    house.calmDown();
    await context.close();
  });

  async function open(options: Partial<OpenOptions> = {}, app = house.app): Promise<TwinInPage> {
    const page = await context.newPage();
    const twin = await openTwin(app, house.world, page, { task: rounds.taskId, ...options });
    tabs.push(twin);
    return twin;
  }

  /** A twin that would report if all were well: with the coordinator as it is, this one does. */
  async function openReady(options: Partial<OpenOptions> = {}): Promise<TwinInPage> {
    const twin = await open(options);
    await twin.makeReady();
    return twin;
  }

  async function changedTrust(change: (trust: Trust) => void): Promise<Trust> {
    const trust = structuredClone(house.world.parties.trust);
    change(trust);
    return trust;
  }

  /** Takes part, and must end up home for this reason without having made or sent anything. */
  async function mustStayHome(twin: TwinInPage, reason: string, why: string): Promise<void> {
    await twin.participate();
    expect(await twin.untilState({ state: 'stays-home' })).toMatchObject({ reason, why });
    expect(house.proxy.reports).toEqual([]);
    expect(await twin.reports()).toBe(0);
  }

  const TASK_REFUSED = 'The task is not one that the coordinator signed and the public log holds.';

  it('takes no task from a coordinator with another key', async () => {
    const { id } = await createSigningKey();
    const trust = await changedTrust((trust) => void (trust.coordinator.key = id));
    const twin = await open({ trust });
    await mustStayHome(twin, 'task-refused', TASK_REFUSED);
    expect(await twin.call((twin) => twin.consent.grant())).toMatchObject({
      changed: false,
      reason: 'no-task',
    });
    expect(await twin.record(history(1, 1))).toMatchObject([{ reason: 'no-task' }, { reason: 'no-task' }]);
    expect(await twin.call((twin) => twin.predict('any'))).toMatchObject({ reason: 'no-task' });
  });

  it('takes no task from a log of another origin, though its key is the same', async () => {
    const trust = await changedTrust((trust) => {
      const { publicKey } = vkeyToNoteKey(trust.log.vkey);
      trust.log.vkey = noteKeyToVkey(createNoteKey('log.elsewhere.example', publicKey));
    });
    await mustStayHome(await open({ trust }), 'task-refused', TASK_REFUSED);
  });

  it('keeps to the helpers that it trusts', async () => {
    const { id } = await createSigningKey();
    const trust = await changedTrust((trust) => void (trust.helpers[2]!.key = id));
    await mustStayHome(
      await openReady({ trust }),
      'helpers-refused',
      'The mask helpers of the round are not those that this device trusts.',
    );
  });

  it('uses no model but the one that is named', async () => {
    house.proxy.tamper = ({ kind }, body) => {
      if (kind !== 'model') return body;
      const changed = Buffer.from(body);
      changed[7] = (changed[7] ?? 0) ^ 1;
      return changed;
    };
    await mustStayHome(await openReady(), 'model-refused', 'The model is not the one that the round names.');
  });

  it('believes no round whose configuration was changed on its way', async () => {
    house.proxy.tamper = ({ kind }, body) =>
      kind === 'round' ? Buffer.from(body.toString().replaceAll('"nMin":2', '"nMin":3')) : body;
    await mustStayHome(
      await openReady(),
      'config-refused',
      'The round is not one that the coordinator signed and the public log holds.',
    );
  });

  it('cannot be reached from a web site that the coordinator does not list, and says so', async () => {
    // The same page behind another name.
    const stranger = await open(
      {},
      { ...house.app, origin: house.app.origin.replace('127.0.0.1', 'localhost') },
    );
    await stranger.participate();
    expect(await stranger.untilState({ reason: 'origin-refused' })).toMatchObject({
      why: 'The coordinator does not take calls from this web site.',
    });
  });

  it('is shown the sign-in page of a network in place of the coordinator, and says so', async () => {
    house.proxy.tamper = () => Buffer.from('<!doctype html><title>Please sign in</title>');
    const twin = await open();
    await twin.participate();
    expect(await twin.untilState({ reason: 'not-the-coordinator' })).toMatchObject({
      state: 'waiting',
      why: 'Something else answers in place of the coordinator, for example a sign-in page of the network.',
    });
    expect(house.proxy.reports).toEqual([]);
  });

  it('trusts no log that has forgotten what it saw, nor one that tells another story', async () => {
    const { world, proxy } = house;
    const twin = await openReady();
    await twin.participate();
    await twin.untilState({ round: 1, state: 'accepted' });
    await twin.call((twin) => twin.close());
    expect(proxy.reports).toHaveLength(1);
    proxy.reset();

    // The same keys over empty databases: a house that starts its history anew, helpers included, who would not join another.
    await Promise.all([world.coordinator, ...world.helpers].map((party) => party.kill('SIGTERM')));
    for (const party of [world.parties.coordinator, ...world.parties.helpers]) {
      const file = configFile(party);
      const config = JSON.parse(await readFile(file, 'utf8')) as object;
      await writeFile(file, JSON.stringify({ ...config, databaseUrl: await createTestDatabase() }));
    }
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(rounds.task);
    const INCONSISTENT = 'The public log does not continue the one that this device saw before.';
    const shorter = await open({ subject: twin.subject });
    await mustStayHome(shorter, 'log-inconsistent', INCONSISTENT);
    expect((await shorter.untilState({ state: 'stays-home' })).detail).toBe('it is shorter than before');
    await shorter.page.close();

    // Longer than before, but another one.
    await world.startReporter(0, randomSubjects(40), rounds.task);
    const longer = await open({ subject: twin.subject });
    await mustStayHome(longer, 'log-inconsistent', INCONSISTENT);
    expect((await longer.untilState({ state: 'stays-home' })).detail).toBe('the proof does not hold');
  });
});
