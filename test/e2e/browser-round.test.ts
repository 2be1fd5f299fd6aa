/** A person's twin in a real Chromium, from the first click to its erasure, in rounds with other clients, against real processes. */
import { utf8ToBytes } from '@twinkeep/audit';
import type { BrowserContext } from 'playwright-core';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearSumHash } from '../faults/clear-sum.ts';
import { launchChromiumProfile } from '../support/chromium.ts';
import { contains } from '../support/haystack.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';
import { history, openTwin, startBankApp, type BankApp, type TwinInPage } from './support/app.ts';

/** Everybody is asked to train, so that the test knows what the twin does. */
const task = smallTask('browser-round', {
  rounds: 4,
  evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0 },
  floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1000 },
  windows: { collect: 8_000, ack: 6_000, reveal: 8_000 },
});
const { taskId } = task;

/** Planted in what the twin takes in; nothing on the disk may ever show it. */
const CANARY = 'canary-5d1f0c';

describe('a twin in Chromium', () => {
  let app: BankApp;
  let world: World;
  let profile: string;
  let browser: BrowserContext;
  let twin: TwinInPage;
  let reporters: Reporter[];

  beforeAll(async () => {
    app = await startBankApp();
    world = await createWorld(2, undefined, [app.origin]);
    app.serve(world);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    profile = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    browser = await launchChromiumProfile(profile);
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
    await app.stop();
    await rm(profile, { recursive: true, force: true });
  });

  it('starts before its task is published, and records nothing that it may not', async () => {
    twin = await openTwin(app, world, await browser.newPage(), { task: taskId });
    expect(twin.status).toEqual({ state: 'ready' });
    expect(await twin.record(history(9, 1))).toMatchObject([{ reason: 'no-task' }, { reason: 'no-task' }]);
    await world.publish(task);
    await twin.page.reload();
    twin = await openTwin(app, world, twin.page, { task: taskId, subject: twin.subject });
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
    expect(await twin.call((twin) => twin.consent.grant({ uiFlow: 'test' }))).toMatchObject({
      changed: true,
    });
    expect(await twin.call((twin) => twin.consent.grant())).toEqual({ changed: false, events: [] });
    const canary = { ...history(9, 1)[0], id: CANARY, type: 'note.written', data: { text: CANARY } };
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
    reporters = await Promise.all([0, 1].map((i) => world.startReporter(i, randomSubjects(2), task)));
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    await twin.call((twin) => void twin.participate());
    await twin.untilState({ round: 1, state: 'accepted' });
    for (const reporter of reporters) reporter.upload(1);
    const [first] = await world.untilEnded(taskId, 1, 30);
    expect(first).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    const own = await twin.clear();
    expect(own).toHaveLength(1);
    const others = vectors.map(({ values }) => values);
    expect(first?.sumHash).toBe(clearSumHash([...others, ...own]));
    expect(first?.sumHash).not.toBe(clearSumHash(others));
    expect((await twin.untilState({ round: 1, state: 'ended' })).result).toMatchObject({
      reported: true,
      count: 3,
    });
  });

  it('predicts with the model that came out, and says why, adding up exactly', async () => {
    const { modelOut } = (await world.results(taskId))[0]!;
    const answer = await twin.call((twin) => twin.explain('browser-round'));
    if (!answer.explained) throw new Error(answer.why);
    const { prediction, baseline, contributions, method } = answer.explanation;
    expect(prediction.model).toEqual({ hash: modelOut, round: 1 });
    expect(prediction.consent.categories).toEqual(['transactional']);
    expect(method).toEqual({ name: 'shapley', kind: 'exact' });
    expect(contributions.map(({ feature }) => feature).toSorted()).toEqual(['a', 'b', 'c']);
    const sum = contributions.reduce((total, { contribution }) => total + contribution, baseline);
    expect(sum).toBeCloseTo(prediction.probability, 12);
    expect(await twin.call((twin) => twin.predict('browser-round'))).toMatchObject({
      predicted: true,
      prediction: { probability: prediction.probability, model: { hash: modelOut } },
    });
  });

  it('is in the sum although its tab is closed as soon as its report is accepted', async () => {
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(2)));
    await twin.untilState({ round: 2, state: 'accepted' });
    const own = (await twin.clear())[1] as Int32Array;
    await twin.page.close({ runBeforeUnload: false });
    for (const reporter of reporters) reporter.upload(2);
    const second = (await world.untilEnded(taskId, 2, 30))[1];
    expect(second).toMatchObject({ status: 'sealed', count: 3 });
    expect(second?.sumHash).toBe(clearSumHash([...vectors.map(({ values }) => values), own]));
  });

  it('contributes no more once the person has withdrawn, and says so', async () => {
    twin = await openTwin(app, world, await browser.newPage(), { task: taskId, subject: twin.subject });
    expect(await twin.call((twin) => twin.consent.withdraw())).toMatchObject({ changed: true });
    expect(await twin.call((twin) => twin.predict('browser-round'))).toMatchObject({
      reason: 'not-consented',
    });
    await twin.call((twin) => void twin.participate());
    const state = await twin.untilState({ round: 3, state: 'stays-home' });
    expect(state).toMatchObject({
      reason: 'not-consented',
      why: 'You have not allowed this, or have withdrawn it.',
    });
    for (const reporter of reporters) {
      await reporter.quantized(3);
      reporter.upload(3);
    }
    const third = (await world.untilEnded(taskId, 3, 40))[2];
    expect(third).toMatchObject({ status: 'sealed', count: 2, twins: 4, dropped: [] });
    expect(await twin.clear()).toEqual([]);
    const receipts = await twin.call((twin) => twin.consent.receipts());
    if (!receipts.available) throw new Error(receipts.why);
    expect(receipts.receipts.map(({ event, receipt }) => [event.event.type, receipt === null])).toEqual([
      ['grant', false],
      ['withdraw', false],
    ]);
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
    expect(await twin.call((twin) => twin.erase())).toEqual({ erased: true, withdrawn: true });
    expect(await twin.record(history(1, 0))).toMatchObject([
      { recorded: false, reason: 'erased' },
      { recorded: false, reason: 'erased' },
    ]);
    expect(await twin.page.evaluate(WHAT_IS_STORED)).toEqual([[], []]);
    await browser.close();
    const files = await filesOf(profile);
    expect(files.length).toBeGreaterThan(20);
    const found = files.filter(({ bytes }) => contains(bytes, utf8ToBytes(CANARY)));
    expect(found.map(({ name }) => name)).toEqual([]);
    // The search finds what is there: the page's own address.
    expect(files.some(({ bytes }) => contains(bytes, utf8ToBytes(new URL(app.origin).host)))).toBe(true);
  });
});

/** Databases and storage buckets of the origin; the types of a page are not those of this file. */
const WHAT_IS_STORED = 'Promise.all([indexedDB.databases(), navigator.storageBuckets.keys()])';

async function filesOf(folder: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => ({ name, bytes: await readFile(join(parentPath, name)) })),
  );
}
