/** A person's twin in a real Chromium, from the first click to its erasure, in rounds with other clients, against real processes. */
import { utf8ToBytes } from '@twinkeep/audit';
import type { BrowserContext } from 'playwright-core';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromiumProfile } from '../support/chromium.ts';
import { contains } from '../support/haystack.ts';
import { smallTask } from '../support/world.ts';
import { createHouse, PATIENT, startOthers, type Begun, type House } from './support/house.ts';
import { history, openTwin, until, type TwinInPage } from './support/twin-tab.ts';

const task = smallTask('browser-round', {
  ...PATIENT,
  rounds: 4,
  floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1000 },
});

/** Planted in what the twin takes in and says; no file of the browser may ever show one of them. */
const CANARIES = {
  id: 'canary-id-5d1f0c',
  source: 'canary-source-Zr81kq',
  type: 'canary.type.Mw07vt',
  attribute: 'canaryAttributeLp52xs',
  value: 'canary value Hb39yd',
  flow: 'canary-flow-Uj64nc',
};

// One story in one world: a step that is tried again would find the next page of it, so none is.
describe('a twin in Chromium', { retry: 0, timeout: 300_000 }, () => {
  let house: House;
  let profile: string;
  let browser: BrowserContext;
  let twin: TwinInPage;
  let rounds: Begun;

  beforeAll(async () => {
    house = await createHouse();
    profile = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    browser = await launchChromiumProfile(profile);
  });
  afterEach(async () => {
    if (!twin.page.isClosed()) expect(await twin.uncaught()).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  async function open(subject?: string): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    return openTwin(house.app, house.world, await browser.newPage(), { task: task.taskId, ...who });
  }

  it('starts before its task is published, and records nothing that it may not', async () => {
    twin = await open();
    expect(twin.status).toEqual({ state: 'ready' });
    expect(await twin.record(history(9, 1))).toMatchObject([{ reason: 'no-task' }, { reason: 'no-task' }]);
    await house.world.publish(task);
    await twin.page.close();
    twin = await open(twin.subject);
    await twin.untilTask();
    expect(await twin.record(history(9, 1))).toMatchObject([
      { recorded: false, reason: 'not-consented' },
      { recorded: false, reason: 'not-consented' },
    ]);
    expect(await twin.call((twin) => twin.predict('browser-round'))).toMatchObject({
      predicted: false,
      reason: 'not-consented',
    });
  });

  it('takes signals in once the person allows it, each once, and tells what it does not take', async () => {
    const grant = (uiFlow: string): unknown =>
      twin.call((twin, uiFlow: string) => twin.consent.grant({ uiFlow }), uiFlow);
    expect(await grant(CANARIES.flow)).toMatchObject({ changed: true });
    expect(await grant(CANARIES.flow)).toEqual({ changed: false, events: [] });
    const { id, source, type, attribute, value } = CANARIES;
    const canary = { ...history(9, 1)[0], id, source, type, data: { [attribute]: value } };
    expect(await twin.record([...history(9, 1), history(9, 1)[0] as object, canary])).toEqual([
      { recorded: true, fresh: true },
      { recorded: true, fresh: true },
      { recorded: true, fresh: false },
      { recorded: true, fresh: true },
    ]);
    const odd = { ...history(9, 1)[0], id: 'odd', category: 'horoscope' };
    expect(await twin.record([odd])).toMatchObject([{ recorded: false, reason: 'malformed' }]);
    expect(
      await twin.call((twin) => twin.record({ id: 'f', data: { f: () => 1 } })),
      'a function cannot even be sent to the worker',
    ).toMatchObject({ recorded: false, reason: 'malformed' });
  });

  it('takes part in a round whose opened sum is exactly the sum of the clear numbers', async () => {
    rounds = await startOthers(house.world, task, 3);
    await twin.participate();
    await twin.untilState({ round: 1, state: 'accepted' });
    const first = await rounds.endRound(1, rounds.others.slice(0, 2));
    expect(first).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    const own = await twin.untilReport(first.rcHash);
    expect(first.sumHash).toBe(first.sumWith(own));
    expect(first.sumHash).not.toBe(first.sumWith());
    expect((await twin.untilState({ round: 1, state: 'ended' })).result).toMatchObject({
      reported: true,
      count: 3,
    });
  });

  it('predicts with the model that came out, and says why, adding up exactly', async () => {
    const { modelOut } = (await house.world.results(task.taskId))[0]!;
    const answer = await twin.call((twin) => twin.explain('browser-round'));
    if (!answer.explained) throw new Error(answer.why);
    const { prediction, baseline, contributions, method } = answer.explanation;
    expect(prediction.model).toEqual({ hash: modelOut, round: 1 });
    expect(prediction.consent.categories).toEqual(['transactional']);
    expect(method).toEqual({ name: 'shapley', kind: 'exact' });
    expect(contributions.map(({ feature }) => feature).toSorted()).toEqual(['a', 'b', 'c']);
    const total = contributions.reduce((sum, { contribution }) => sum + contribution, baseline);
    expect(total).toBeCloseTo(prediction.probability, 12);
    expect(await twin.call((twin) => twin.predict('browser-round'))).toMatchObject({
      predicted: true,
      prediction: { probability: prediction.probability, model: { hash: modelOut } },
    });
  });

  it('is in the sum although its tab is closed as soon as its report is accepted', async () => {
    await twin.untilState({ round: 2, state: 'accepted' });
    const own = await twin.untilReport();
    await twin.page.close({ runBeforeUnload: false });
    const second = await rounds.endRound(2, rounds.others.slice(0, 2));
    expect(second).toMatchObject({ status: 'sealed', count: 3 });
    expect(second.sumHash).toBe(second.sumWith(own));
  });

  it('contributes no more once the person has withdrawn, and says so', async () => {
    twin = await open(twin.subject);
    expect(await twin.call((twin) => twin.consent.withdraw())).toMatchObject({ changed: true });
    expect(await twin.call((twin) => twin.predict('browser-round'))).toMatchObject({
      reason: 'not-consented',
    });
    await twin.participate();
    expect(await twin.untilState({ round: 3, state: 'stays-home' })).toMatchObject({
      reason: 'not-consented',
      why: 'You have not allowed this, or have withdrawn it.',
    });
    const third = await rounds.endRound(3);
    expect(third).toMatchObject({ status: 'sealed', count: 3, twins: 6, dropped: [] });
    expect(third.sumHash).toBe(third.sumWith());
    expect(await twin.reports()).toBe(0);
    const logged = (): Promise<string[]> =>
      twin.call(async (twin) => {
        const known = await twin.consent.receipts();
        if (!known.available) throw new Error(known.why);
        return known.receipts.filter(({ receipt }) => receipt !== null).map(({ event }) => event.event.type);
      });
    await until('both words are in the log', async () => (await logged()).length === 2);
    expect(await logged()).toEqual(['grant', 'withdraw']);
  });

  it('gives the person a copy, and is erased: from its storage, and with no trace of a signal on the disk', async () => {
    const copy = await twin.call((twin) => twin.export());
    if (!copy.available) throw new Error(copy.why);
    expect(copy.data).toMatchObject({
      format: 'urn:twinkeep:twin-export:1',
      subject: twin.subject,
      events: [],
    });
    expect(copy.data.reports.map(({ round, outcome }) => [round, outcome])).toEqual([
      [2, 'accepted'],
      [1, 'accepted'],
    ]);
    expect(copy.data.predictions).toMatchObject([{ inferred: true, reason: 'not-consented' }]);
    expect(JSON.stringify(copy.data.consents), 'the search below looks for what was there').toContain(
      CANARIES.flow,
    );
    // Before the erasure too: what lies on the disk is sealed.
    expect(await canariesIn(profile)).toEqual([]);
    expect(await twin.call((twin) => twin.erase())).toEqual({ erased: true, withdrawn: true });
    expect(await twin.record(history(1, 0))).toMatchObject([
      { recorded: false, reason: 'erased' },
      { recorded: false, reason: 'erased' },
    ]);
    expect(await twin.page.evaluate(WHAT_IS_STORED)).toEqual([[], []]);
    await browser.close();
    expect(await canariesIn(profile)).toEqual([]);
  });

  /** Where canaries, or the pseudonym, stand in files of the profile, in one-byte or two-byte letters. */
  async function canariesIn(folder: string): Promise<string[]> {
    const files = await filesOf(folder);
    expect(files.length).toBeGreaterThan(20);
    const found = (text: string): string[] =>
      files
        .filter(({ bytes }) => spellings(text).some((spelling) => contains(bytes, spelling)))
        .map(({ name }) => `${text} in ${name}`);
    // The search finds what is there: the page's own address.
    expect(found(new URL(house.app.origin).host)).not.toEqual([]);
    return [...Object.values(CANARIES), twin.subject].flatMap(found);
  }
});

/** Databases and storage buckets of the origin; the types of a page are not those of this file. */
const WHAT_IS_STORED = 'Promise.all([indexedDB.databases(), navigator.storageBuckets.keys()])';

function spellings(text: string): Uint8Array[] {
  const wide = Buffer.from(text, 'utf16le');
  return [utf8ToBytes(text), wide, Buffer.from(wide).swap16()];
}

async function filesOf(folder: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  // The browser may be at work: a file of a moment ago may be gone.
  const read = (name: string): Promise<Uint8Array> => readFile(name).catch(() => new Uint8Array());
  return Promise.all(names.map(async (name) => ({ name: relative(folder, name), bytes: await read(name) })));
}
