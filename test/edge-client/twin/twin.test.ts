/** A whole twin in Node: the real page half and the real worker half, a store in memory, and a real coordinator over PostgreSQL. */
import type { Conditions, RoundState, Twin, TwinEvents, TwinOptions } from '@twinkeep/edge-client';
import { PATHS, type TaskSpec } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Platform } from '../../../edge-client/worker/platform.ts';
import { createWorld, mustSucceed, reportOf, type World } from '../../coordinator/support/world.ts';
import { bankOptions, bankTask, fetchFrom, history } from './support/bank.ts';
import { createOrigin, type Origin, type Tab } from './support/origin.ts';

let world: World;
let tasks = 0;
/** Helpers sign what is proposed, and close what was abandoned, for as long as the tests run. */
let attendance: { over: boolean; done: Promise<void> };
beforeAll(async () => {
  world = await createWorld();
  for (const helper of world.helpers) mustSucceed(await helper.publishEpoch());
  attendance = { over: false, done: Promise.resolve() };
  attendance.done = attend();
});
afterAll(async () => {
  attendance.over = true;
  await attendance.done;
  await world.stop();
});

async function attend(): Promise<void> {
  while (!attendance.over) {
    await world.helpersCosign();
    await world.helpersClose();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Scene {
  task: TaskSpec;
  origin: Origin;
  options: Omit<TwinOptions, 'worker'>;
  tab: Tab;
  twin: Twin;
  /** What the twin has told so far. */
  told: { [Name in keyof TwinEvents]: TwinEvents[Name][] };
}

/** A twin of a task of its own. */
async function open(
  changes: Partial<TaskSpec> = {},
  options: Partial<Omit<TwinOptions, 'worker'>> = {},
  platform: Partial<Platform> = {},
): Promise<Scene> {
  const task = bankTask({ taskId: `churn-${tasks++}`, ...changes });
  mustSucceed(await world.publish(task));
  const origin = createOrigin();
  const completed = bankOptions(world, { tasks: [task.taskId], ...options });
  return openTab({ task, origin, options: completed }, platform);
}

async function openTab(
  { task, origin, options }: Pick<Scene, 'task' | 'origin' | 'options'>,
  platform: Partial<Platform> = {},
): Promise<Scene> {
  const tab = await origin.openTab(options, { fetch: fetchFrom(world), ...platform });
  const told: Scene['told'] = {
    recorded: [],
    consent: [],
    round: [],
    prediction: [],
    activation: [],
    problem: [],
    status: [],
  };
  for (const name of ['recorded', 'consent', 'round', 'problem', 'status'] as const)
    tab.twin.on(name, (event) => (told[name] as unknown[]).push(event));
  return { task, origin, options, tab, twin: tab.twin, told };
}

/** Consenting, with something to learn from; resolves once the log has the consent. */
async function makeReady({ twin, told }: Scene, spend?: number): Promise<void> {
  await twin.consent.grant();
  for (const event of history(Date.now(), spend))
    expect(await twin.record(event)).toMatchObject({ fresh: true });
  await until(() => told.consent.some(({ receipt }) => receipt !== null));
}

async function until(condition: () => boolean, seconds = 15): Promise<void> {
  const last = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > last) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function untilRound({ told }: Scene, wanted: Partial<RoundState>): Promise<RoundState> {
  const matches = (state: RoundState): boolean =>
    Object.entries(wanted).every(([name, value]) => state[name as keyof RoundState] === value);
  await until(() => told.round.some(matches)).catch(() => {
    throw new Error(`never ${JSON.stringify(wanted)}: ${JSON.stringify(told.round)}`);
  });
  return told.round.find(matches) as RoundState;
}

/** Two more reporters, helpers, and so the end of the round. */
async function endRound(taskId: string, round: number): Promise<void> {
  const open = await world.openRound(taskId, round);
  for (const name of ['north', 'south']) {
    const node = await world.addNode(2, `${name}-${taskId}-${round}`);
    mustSucceed(await world.upload(node, open, await reportOf(node, open.config, open.rcHash)));
  }
  await world.helpersJudge();
  await world.helpersReveal();
}

describe('what a person chooses', () => {
  it('is kept cell by cell, signed by the device, and has its place in the log', async () => {
    const scene = await open();
    const { twin } = scene;
    const before = await twin.consent.cells();
    if (!before.available) throw new Error(before.why);
    expect(before.cells).toHaveLength(10);
    expect(new Set(before.cells.map(({ status }) => status))).toEqual(new Set(['unknown']));

    await twin.consent.grant({ categories: ['behavioral'], operations: ['collect'] });
    await twin.consent.refuse({ categories: ['transactional'], method: 'button', uiFlow: 'settings' });
    await until(() => scene.told.consent.filter(({ receipt }) => receipt !== null).length === 2);
    const after = await twin.consent.cells();
    if (!after.available) throw new Error(after.why);
    const statusOf = (category: string, operation: string): unknown =>
      after.cells.find((cell) => cell.category === category && cell.operation === operation);
    expect(statusOf('behavioral', 'collect')).toMatchObject({ status: 'given', logged: true, mayAsk: true });
    expect(statusOf('behavioral', 'contribute')).toMatchObject({ status: 'unknown' });
    expect(statusOf('transactional', 'contribute')).toMatchObject({ status: 'refused', mayAsk: false });
    const receipts = await twin.consent.receipts();
    if (!receipts.available) throw new Error(receipts.why);
    expect(
      receipts.receipts.map(({ event }) => [event.event.type, event.event.by, event.event.method, event.seq]),
    ).toEqual([
      ['grant', 'subject', 'toggle', 1],
      ['refuse', 'subject', 'button', 2],
    ]);
    expect(receipts.receipts[1]?.event.prev).toBe(receipts.receipts[0]?.id);
    expect(receipts.receipts.every(({ receipt }) => (receipt?.index ?? -1) >= 0)).toBe(true);
    // What changes nothing is not signed again.
    expect(await twin.consent.grant({ categories: ['behavioral'], operations: ['collect'] })).toEqual({
      changed: false,
      events: [],
    });
    expect(await twin.consent.refuse({ categories: ['transactional'] })).toEqual({
      changed: false,
      events: [],
    });
  });

  it('cannot be what no task asks for', async () => {
    const { twin } = await open();
    expect(await twin.consent.grant({ categories: ['psychographic'] })).toMatchObject({
      changed: false,
      reason: 'malformed',
      detail: 'categories: no task of this app uses psychographic for this purpose',
    });
    expect(await twin.consent.grant({ purpose: 'https://w3id.org/dpv#TargetedAdvertising' })).toMatchObject({
      reason: 'malformed',
    });
    expect(await twin.consent.grant({ validUntil: 'tomorrow' })).toMatchObject({ reason: 'malformed' });
    expect(await twin.consent.withdraw()).toEqual({ changed: false, events: [] });
  });

  it('to withdraw counts at once: signals and guesses go, without a network', async () => {
    const scene = await open();
    const { twin, tab } = scene;
    await makeReady(scene);
    expect(await twin.predict(scene.task.taskId)).toMatchObject({ predicted: true });
    tab.setConditions({ online: false });
    await twin.consent.withdraw({ categories: ['transactional'] });
    expect(await twin.predict(scene.task.taskId)).toMatchObject({
      predicted: false,
      reason: 'not-consented',
    });
    const copy = await twin.export();
    if (!copy.available) throw new Error(copy.why);
    expect(copy.data.events.map(({ category }) => category)).toEqual([
      'behavioral',
      'behavioral',
      'behavioral',
    ]);
    expect(copy.data.features.find(({ feature }) => feature === 'spend')).toMatchObject({ value: null });
    expect(await twin.record(history(Date.now())[2])).toMatchObject({ reason: 'not-consented' });
  });

  it('reaches the coordinator also behind a yes that it refuses', async () => {
    const origin = createOrigin();
    const options = bankOptions(world, { tasks: [`churn-${tasks++}`] });
    mustSucceed(await world.publish(bankTask({ taskId: options.tasks[0] as string })));
    const scene = await openTab({ task: bankTask({ taskId: options.tasks[0] as string }), origin, options });
    // Ten minutes ahead: late enough that proofs are not taken, and a grant is dated in the future.
    origin.clockError = 600_000;
    await scene.twin.consent.grant();
    await until(() => scene.told.problem.some(({ code }) => code === 'clock-off'));
    await scene.twin.consent.withdraw();
    origin.clockError = 0;
    scene.tab.setConditions({ online: false });
    scene.tab.setConditions({ online: true });
    await until(() => scene.told.consent.some(({ receipt }) => receipt !== null));
    expect(
      scene.told.consent.map(({ event, receipt, refused }) => [event.event.type, receipt !== null, refused]),
    ).toEqual([
      ['grant', false, undefined],
      ['withdraw', false, undefined],
      ['grant', false, 'consent/invalid'],
      ['withdraw', true, undefined],
    ]);
  });

  it('sets a smallest cohort, below which the twin stays home', async () => {
    const scene = await open();
    await makeReady(scene);
    await scene.twin.consent.grant({ minCohort: 50 });
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'stays-home', reason: 'not-consented' })).toBeTruthy();
  });

  it('sets a largest epsilon, which a round without any privacy budget does not keep', async () => {
    const scene = await open();
    await makeReady(scene);
    for (const maxEpsilon of [0, -1, 1_001, Number.NaN])
      expect(await scene.twin.consent.grant({ maxEpsilon })).toMatchObject({ reason: 'malformed' });
    await scene.twin.consent.grant({ maxEpsilon: 1.5 });
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'stays-home', reason: 'not-consented' })).toBeTruthy();
  });
});

describe('what is kept', () => {
  it('is gone when its time is over, or when the consent that it rests on has run out', async () => {
    const scene = await open({}, { retentionDays: { transactional: 60 } });
    const { twin, origin } = scene;
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString().replace(/\.\d+/, '');
    await twin.consent.grant({ categories: ['behavioral'], validUntil: until });
    await twin.consent.grant({ categories: ['transactional'] });
    for (const event of history(Date.now()))
      expect(await twin.record(event)).toMatchObject({ recorded: true });
    const categories = async (): Promise<string[]> => {
      const copy = await twin.export();
      if (!copy.available) throw new Error(copy.why);
      return copy.data.events.map(({ category }) => category);
    };
    expect(await categories()).toHaveLength(4);
    origin.clockError = 20 * 86_400_000;
    await twin.record({ id: 'x' });
    expect(await categories()).toEqual(['behavioral', 'behavioral', 'behavioral']);
    origin.clockError = 31 * 86_400_000;
    await twin.record({ id: 'x' });
    expect(await categories()).toEqual([]);
  });
});

describe('a round', () => {
  it('has the twin in it, and its result is told with the model that came out', async () => {
    const scene = await open();
    const { twin, task } = scene;
    await makeReady(scene);
    twin.participate();
    expect(await untilRound(scene, { round: 1, state: 'accepted' })).toMatchObject({
      role: 'train',
      here: true,
    });
    await endRound(task.taskId, 1);
    const { result } = await untilRound(scene, { round: 1, state: 'ended' });
    expect(result).toMatchObject({ status: 'sealed', count: 3, twins: 5, reported: true });
    expect(await twin.predict(task.taskId)).toMatchObject({
      predicted: true,
      prediction: { inferred: true, model: { hash: result?.model, round: 1 } },
    });
  });

  it('asks a twin that is held out to score the model, and says so', async () => {
    const { evaluation } = bankTask();
    const scene = await open(
      { evaluation: { ...evaluation, holdout: 0.9 } },
      {},
      {
        random: (n) => new Uint8Array(n).fill(1).map((_, i) => (i * 7) % 256),
      },
    );
    await makeReady(scene);
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'accepted' })).toMatchObject({ role: 'hold-out' });
    await endRound(scene.task.taskId, 1);
    expect((await untilRound(scene, { state: 'ended' })).result?.evaluation).toMatchObject({ twins: 1 });
  });

  it('goes on without a twin that has seen nothing to learn from', async () => {
    const scene = await open();
    await scene.twin.consent.grant();
    await scene.twin.record(history(Date.now())[0]);
    await until(() => scene.told.consent.some(({ receipt }) => receipt !== null));
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'stays-home' })).toMatchObject({ reason: 'no-label' });
  });

  it('is waited for until the consent is in the log, and then joined at once', async () => {
    let blocked = true;
    const through = fetchFrom(world);
    const scene = await open(
      {},
      {},
      {
        fetch: (input, init) =>
          blocked && String(input).endsWith('/consents')
            ? Promise.reject(new TypeError('blocked'))
            : through(input, init),
      },
    );
    await scene.twin.consent.grant();
    for (const event of history(Date.now())) await scene.twin.record(event);
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'stays-home' })).toMatchObject({ reason: 'consent-not-logged' });
    blocked = false;
    await untilRound(scene, { round: 1, state: 'accepted' });
  });

  it('opens no sum over fewer reports than the device asks for', async () => {
    const scene = await open({}, { minReports: 3 });
    await makeReady(scene);
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'stays-home' })).toMatchObject({ reason: 'cohort-too-small' });
  });

  it('is not joined without a credential; the app may still come up with one', async () => {
    let refuse = true;
    const honest = bankOptions(world);
    const scene = await open(
      {},
      {
        subject: honest.subject,
        credential: (deviceKey) =>
          refuse ? Promise.reject(new Error('not signed in')) : honest.credential(deviceKey),
      },
    );
    await scene.twin.consent.grant();
    for (const event of history(Date.now())) await scene.twin.record(event);
    scene.twin.participate();
    expect(await untilRound(scene, { reason: 'no-credential' })).toMatchObject({ state: 'waiting' });
    expect(scene.told.problem).toContainEqual(expect.objectContaining({ code: 'no-credential' }));
    refuse = false;
    await untilRound(scene, { state: 'accepted' });
  });

  it.each<[string, Partial<Conditions>]>([
    ['offline', { online: false }],
    ['metered', { metered: true }],
    ['low-battery', { battery: { charging: false, level: 0.1 } }],
  ])('is left alone while the device is %s', async (reason, conditions) => {
    const scene = await open();
    await makeReady(scene);
    scene.tab.setConditions(conditions);
    scene.twin.participate();
    expect(await untilRound(scene, { state: 'waiting', reason: reason as 'offline' })).toBeTruthy();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(scene.told.round.some(({ state }) => state === 'working')).toBe(false);
    scene.tab.setConditions({ online: true, metered: false, battery: null });
    await untilRound(scene, { state: 'accepted' });
  });

  it('is worked on by one tab; when that falls asleep another goes on', async () => {
    const first = await open();
    await makeReady(first);
    const second = await openTab(first);
    first.twin.participate();
    await untilRound(first, { state: 'accepted', here: true });
    second.twin.participate();
    await untilRound(second, { state: 'accepted', here: false });
    first.tab.setConditions({ asleep: true });
    await endRound(first.task.taskId, 1);
    expect(await untilRound(second, { round: 2, state: 'accepted' })).toMatchObject({ here: true });
    await untilRound(first, { round: 2, state: 'accepted', here: false });
    second.tab.kill();
    first.tab.setConditions({ asleep: false });
    await endRound(first.task.taskId, 2);
    await untilRound(first, { round: 2, state: 'ended', here: true });
  });

  it('is left when the app says stop, and can be taken up again', async () => {
    const scene = await open();
    await makeReady(scene);
    const participation = scene.twin.participate();
    await untilRound(scene, { state: 'accepted' });
    await participation.stop();
    expect(participation.rounds()).toMatchObject([{ task: scene.task.taskId, state: 'off' }]);
    await endRound(scene.task.taskId, 1);
    expect(scene.told.round.some(({ state }) => state === 'ended')).toBe(false);
    scene.twin.participate();
    await untilRound(scene, { round: 2, state: 'accepted' });
  });
});

describe('a prediction', () => {
  it('is made anew as signals come, only while somebody listens, and calls the app once for each rise', async () => {
    const scene = await open();
    const { twin, task, told } = scene;
    await scene.tab.twin.close();
    const options = { ...scene.options, activations: [{ task: task.taskId, atLeast: 0.5 }] };
    const listening = await openTab({ ...scene, options });
    expect(await twin.predict(task.taskId)).toMatchObject({ predicted: false, reason: 'closed' });
    listening.twin.on('prediction', (prediction) => told.prediction.push(prediction));
    listening.twin.on('activation', (activation) => told.activation.push(activation));
    await listening.twin.consent.grant();
    await until(() => told.prediction.length === 1);
    const [first] = told.prediction;
    for (const event of history(Date.now(), 5).slice(0, 3)) await listening.twin.record(event);
    await until(() => told.prediction.length >= 2);
    expect(told.prediction.at(-1)?.logit).not.toBe(first?.logit);
    const rises = told.prediction.filter(
      ({ probability }, i) => probability >= 0.5 && !((told.prediction[i - 1]?.probability ?? 0) >= 0.5),
    );
    expect(told.activation.map(({ prediction }) => prediction)).toEqual(rises);
    const heard = told.prediction.length;
    await listening.twin.consent.withdraw({ operations: ['personalise'] });
    await until(() => told.prediction.length > heard);
    expect(told.prediction.at(-1)?.personalise).toEqual({ allow: false, reason: 'withdrawn' });
  });

  it('is explained by what moved it, and adds up', async () => {
    const scene = await open();
    await makeReady(scene, 90);
    const explained = await scene.twin.explain(scene.task.taskId);
    if (!explained.explained) throw new Error(explained.why);
    const { baseline, contributions, prediction } = explained.explanation;
    expect(contributions.map(({ feature, value }) => `${feature} ${value}`).toSorted()).toEqual([
      'calls 2',
      'spend 90',
    ]);
    const sum = contributions.reduce((total, { contribution }) => total + contribution, baseline);
    expect(sum).toBeCloseTo(prediction.probability, 12);
    expect(await scene.twin.explain('another')).toMatchObject({ explained: false, reason: 'no-task' });
  });

  it('is there offline too, with the model that was seen last', async () => {
    const scene = await open();
    await makeReady(scene);
    scene.twin.participate();
    await untilRound(scene, { state: 'accepted' });
    await endRound(scene.task.taskId, 1);
    await untilRound(scene, { state: 'ended' });
    const online = await scene.twin.predict(scene.task.taskId);
    await scene.twin.close();
    const offline = await openTab(scene, { fetch: () => Promise.reject(new TypeError('offline')) });
    offline.tab.setConditions({ online: false });
    const predicted = await offline.twin.predict(scene.task.taskId);
    if (!online.predicted || !predicted.predicted) throw new Error(JSON.stringify([online, predicted]));
    expect(predicted.prediction.model).toEqual(online.prediction.model);
    expect(predicted.prediction.probability).toBeCloseTo(online.prediction.probability, 12);
  });
});

describe('the end of a twin', () => {
  it('offline: the data goes at once, the rest when the withdrawal is delivered, in a later tab too', async () => {
    const scene = await open();
    const { twin, tab, origin } = scene;
    await makeReady(scene);
    await twin.close();
    let blocked = true;
    const through = fetchFrom(world);
    const fetch: typeof globalThis.fetch = (input, init) =>
      blocked ? Promise.reject(new TypeError('no network')) : through(input, init);
    const away = await openTab(scene, { fetch });
    away.tab.setConditions({ online: false });
    expect(await away.twin.erase()).toMatchObject({ erased: 'data', reason: 'offline' });
    expect(await away.twin.record(history(Date.now())[0])).toMatchObject({ reason: 'erased' });
    expect(origin.databases.names()).toHaveLength(1);
    away.tab.kill();
    tab.kill();
    const later = await openTab(scene, { fetch });
    expect(later.twin.status()).toEqual({ state: 'erasing' });
    expect(await later.twin.export()).toMatchObject({ available: false, reason: 'erased' });
    blocked = false;
    later.tab.setConditions({ online: false });
    later.tab.setConditions({ online: true });
    await until(() => later.twin.status().state === 'unavailable');
    expect(later.twin.status()).toMatchObject({ reason: 'erased' });
    await until(() => origin.databases.names().length === 0);
  });

  it.each(['hears of it first', 'misses its storage first'])(
    'in two tabs, where the other delivers the withdrawal faster and this one %s, is one erasure',
    async (order) => {
      const scene = await open();
      const { twin, origin } = scene;
      await makeReady(scene);
      const through = fetchFrom(world);
      const isGone = (): boolean => origin.databases.names().length === 0;
      // What this tab delivers does not arrive, so that the other one does all the work.
      const stuck: typeof globalThis.fetch = async (input, init) => {
        if (!String(input).includes(PATHS.consents)) return through(input, init);
        if (order.startsWith('misses')) await until(isGone);
        else await new Promise((resolve) => init?.signal?.addEventListener('abort', resolve));
        return new Response('', { status: 403 });
      };
      const slow = await openTab(scene, { fetch: stuck });
      if (order.startsWith('misses')) origin.messageDelay = 200;
      expect(await slow.twin.erase()).toEqual({ erased: true, withdrawn: true });
      expect(origin.databases.names()).toEqual([]);
      const ended = (each: Twin): boolean => each.status().state === 'unavailable';
      await until(() => ended(twin) && ended(slow.twin));
      for (const each of [twin, slow.twin]) expect(each.status()).toMatchObject({ reason: 'erased' });
    },
  );

  it('needs no word to the coordinator where nothing was ever chosen', async () => {
    const { twin, origin } = await open({}, {}, { fetch: () => Promise.reject(new TypeError('no network')) });
    expect(await twin.erase()).toEqual({ erased: true, withdrawn: false });
    expect(origin.databases.names()).toEqual([]);
  });
});

describe('a browser that keeps nothing', () => {
  it.each([
    ['store/unavailable', 'no-storage'],
    ['store/corrupt', 'storage-corrupt'],
  ] as const)('says %s, and every call answers: nothing throws', async (code, reason) => {
    const { origin, options, task, twin: first } = await open();
    await first.close();
    origin.databases.failWith = code;
    const { twin } = await openTab({ origin, options, task });
    expect(twin.status()).toMatchObject({ state: 'unavailable', reason });
    expect(twin.deviceKey).toBeNull();
    expect(await twin.record(history(Date.now())[0])).toMatchObject({ recorded: false, reason });
    expect(await twin.consent.grant()).toMatchObject({ changed: false, reason });
    expect(await twin.consent.cells()).toMatchObject({ available: false, reason });
    expect(await twin.predict(task.taskId)).toMatchObject({ predicted: false, reason });
    expect(await twin.export()).toMatchObject({ available: false, reason });
    expect(twin.participate().rounds()).toEqual([]);
    origin.databases.failWith = null;
    expect(await twin.erase()).toEqual({ erased: true, withdrawn: false });
    await twin.close();
  });

  it('or has damaged what it kept: the twin ends, and can be cleared away', async () => {
    const scene = await open();
    const { twin, origin, told } = scene;
    await makeReady(scene);
    origin.databases.failWith = 'store/corrupt';
    expect(await twin.predict(scene.task.taskId)).toMatchObject({
      predicted: false,
      reason: 'storage-corrupt',
    });
    await until(() => told.status.length > 0);
    expect(twin.status()).toMatchObject({ state: 'unavailable', reason: 'storage-corrupt' });
    expect(await twin.record(history(Date.now())[0])).toMatchObject({ reason: 'storage-corrupt' });
    expect(await twin.erase()).toEqual({ erased: true, withdrawn: false });
    expect(origin.databases.names()).toEqual([]);
  });

  it('or finds it damaged only when it is to be erased', async () => {
    const scene = await open();
    await makeReady(scene);
    scene.origin.databases.failWith = 'store/corrupt';
    expect(await scene.twin.erase()).toEqual({ erased: true, withdrawn: false });
    expect(scene.origin.databases.names()).toEqual([]);
  });

  it('or has it cleared while the twin lives', async () => {
    const scene = await open();
    await makeReady(scene);
    const [name] = scene.origin.databases.names();
    await scene.origin.databases.destroy(name as string);
    await until(() => scene.told.status.length > 0);
    expect(scene.twin.status()).toMatchObject({ state: 'unavailable', reason: 'storage-lost' });
  });

  it('or no more: what is there still works', async () => {
    const scene = await open();
    await makeReady(scene);
    scene.origin.databases.failWith = 'store/full';
    expect(await scene.twin.record({ ...history(Date.now())[0], id: 'more' })).toMatchObject({
      recorded: false,
      reason: 'storage-full',
    });
    scene.origin.databases.failWith = null;
    expect(await scene.twin.predict(scene.task.taskId)).toMatchObject({ predicted: true });
    expect(scene.twin.status()).toEqual({ state: 'ready' });
  });

  it('or keeps the twin of somebody else under that name', async () => {
    const scene = await open({}, { name: 'family' });
    const { subject } = bankOptions(world);
    const { twin } = await openTab({ ...scene, options: { ...scene.options, subject } });
    expect(twin.status()).toMatchObject({ state: 'unavailable', reason: 'other-person' });
    expect(await twin.erase()).toMatchObject({ erased: false, reason: 'other-person' });
    expect(scene.origin.databases.names()).toHaveLength(1);
  });
});
