/** The page's half by itself: a worker that does not start, a host app that misbehaves, a browser that tells little. */
import { createTwin, type Conditions, type Twin, type TwinOptions } from '@twinkeep/edge-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FromWorker, ToWorker } from '../../../edge-client/twin/calls.ts';
import { watchPage } from '../../../edge-client/twin/page.ts';

const ALL_THAT_CAN_BE_ASKED = [
  ['record', (twin: Twin) => twin.record({})],
  ['cells', (twin: Twin) => twin.consent.cells()],
  ['grant', (twin: Twin) => twin.consent.grant()],
  ['refuse', (twin: Twin) => twin.consent.refuse()],
  ['withdraw', (twin: Twin) => twin.consent.withdraw()],
  ['receipts', (twin: Twin) => twin.consent.receipts()],
  ['predict', (twin: Twin) => twin.predict('churn')],
  ['explain', (twin: Twin) => twin.explain('churn')],
  ['export', (twin: Twin) => twin.export()],
] as const;

/** A worker that a test speaks for. */
function createWorker(): {
  worker: Worker;
  sent: ToWorker[];
  say(message: FromWorker): void;
  fail(message: string): void;
} {
  const target = new EventTarget();
  const sent: ToWorker[] = [];
  const worker = Object.assign(target, {
    postMessage: (message: unknown) => void sent.push(structuredClone(message) as ToWorker),
    terminate: () => {},
  }) as unknown as Worker;
  return {
    worker,
    sent,
    say: (data) => void target.dispatchEvent(Object.assign(new Event('message'), { data })),
    fail: (message) => void target.dispatchEvent(Object.assign(new Event('error'), { message })),
  };
}

const options = { credential: async () => 'jwt' } as unknown as Omit<TwinOptions, 'worker'>;
const page = { watchConditions: () => () => {} };

/** A twin whose worker has said that it is ready. */
async function open(changes: Partial<TwinOptions> = {}) {
  const line = createWorker();
  const opening = createTwin({ ...options, ...changes, worker: () => line.worker }, page);
  answerOpening(line, { status: { state: 'ready' }, deviceKey: 'key', database: 'twin-1' });
  return { ...line, twin: await opening };
}

function answerOpening({ sent, say }: ReturnType<typeof createWorker>, answer: unknown): void {
  const call = sent.find((message) => message.kind === 'call' && message.name === 'open');
  say({ kind: 'answer', id: call?.kind === 'call' ? call.id : -1, answer });
}

describe('a worker', () => {
  it.each([
    [
      'that cannot be made',
      () => {
        throw new Error('blocked by a policy');
      },
    ],
    [
      'whose script does not load',
      () => {
        const line = createWorker();
        setTimeout(() => line.fail('not found'));
        return line.worker;
      },
    ],
  ])('%s leaves a twin that says so whatever it is asked', async (_, worker) => {
    const twin = await createTwin({ ...options, worker }, page);
    expect(twin.status()).toMatchObject({ state: 'unavailable', reason: 'worker-lost' });
    for (const [name, ask] of ALL_THAT_CAN_BE_ASKED) {
      const answer = (await ask(twin)) as { reason?: string; why?: string };
      expect([name, answer.reason]).toEqual([name, 'worker-lost']);
      expect(answer.why).toMatch(/^[A-Z].*\.$/);
    }
    expect(await twin.erase()).toMatchObject({ erased: false, reason: 'worker-lost' });
    expect(await twin.persist()).toBe(false);
    expect(twin.participate().rounds()).toEqual([]);
    await twin.participate().stop();
    await twin.close();
  });

  it('that says the options are wrong makes `createTwin` reject, as a mistake of the programmer', async () => {
    const line = createWorker();
    const opening = createTwin({ ...options, worker: () => line.worker }, page);
    answerOpening(line, { options: 'tasks: expected >=1' });
    await expect(opening).rejects.toMatchObject({ code: 'twin/options', message: 'tasks: expected >=1' });
  });

  it('whose error it survives is reported, and goes on', async () => {
    const { twin, fail, say, sent } = await open();
    const problems: unknown[] = [];
    twin.on('problem', (problem) => problems.push(problem));
    fail('a fault');
    expect(problems).toMatchObject([{ code: 'failed', detail: 'a fault' }]);
    const predicting = twin.predict('churn');
    const call = sent.at(-1);
    say({
      kind: 'answer',
      id: call?.kind === 'call' ? call.id : -1,
      answer: { predicted: false, reason: 'no-task' },
    });
    expect(await predicting).toMatchObject({ reason: 'no-task' });
  });

  it('that is closed answers what still waits', async () => {
    const { twin, say, sent } = await open();
    const waiting = twin.predict('churn');
    const closing = twin.close();
    await Promise.resolve();
    const call = sent.findLast((message) => message.kind === 'call');
    say({ kind: 'answer', id: call?.kind === 'call' ? call.id : -1, answer: null });
    await closing;
    expect(await waiting).toMatchObject({ predicted: false, reason: 'closed' });
    expect(await twin.record({})).toMatchObject({ recorded: false, reason: 'closed' });
  });
});

describe('the host app', () => {
  it('may give what cannot be sent to a worker: it is told, and nothing throws', async () => {
    const { twin } = await open();
    expect(await twin.record({ data: () => 1 })).toMatchObject({ recorded: false, reason: 'malformed' });
    expect(await twin.consent.grant({ uiFlow: Symbol('no') as unknown as string })).toMatchObject({
      changed: false,
      events: [],
      reason: 'malformed',
    });
  });

  it('may throw in a listener: the others still hear, and the error is reported as uncaught', async () => {
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
    const { twin, say } = await open();
    const heard: string[] = [];
    twin.on('problem', () => {
      throw new Error('of the app');
    });
    const end = twin.on('problem', ({ code }) => heard.push(code));
    say({ kind: 'event', name: 'problem', event: { code: 'one', why: '' } });
    end();
    say({ kind: 'event', name: 'problem', event: { code: 'two', why: '' } });
    expect(heard).toEqual(['one']);
    expect(reported.map(String)).toEqual(['Error: of the app', 'Error: of the app']);
    vi.unstubAllGlobals();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('signed out');
      },
    ],
    ['rejects', () => Promise.reject(new Error('signed out'))],
    ['gives nothing', async () => undefined as unknown as string],
    ['gives an object', async () => ({}) as unknown as string],
  ])('that %s when asked for a credential gives none', async (_, credential) => {
    const { twin, say, sent } = await open({ credential });
    const problems: unknown[] = [];
    twin.on('problem', (problem) => problems.push(problem));
    say({ kind: 'ask-credential', id: 7, deviceKey: 'key' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(sent).toContainEqual({ kind: 'credential', id: 7, token: null });
    expect(problems).toMatchObject([{ code: 'no-credential' }]);
  });

  it('that listens to predictions is known to do so, and no longer than it does', async () => {
    const { twin, sent } = await open();
    const listening = (): unknown[] =>
      sent.flatMap((message) => (message.kind === 'listening' ? [message.predictions] : []));
    const end = twin.on('activation', () => {});
    end();
    expect(listening()).toEqual([true, false]);
  });
});

describe('what a browser tells', () => {
  afterEach(() => vi.unstubAllGlobals());

  const watch = (): { told: Conditions[]; end: () => void } => {
    const told: Conditions[] = [];
    return { told, end: watchPage((conditions) => told.push(conditions)) };
  };

  it('may be nothing at all', () => {
    vi.stubGlobal('navigator', undefined);
    const { told, end } = watch();
    expect(told).toEqual([{ online: true, metered: false, battery: null, asleep: false }]);
    end();
  });

  it('is followed as it changes, until that is ended', async () => {
    const connection = Object.assign(new EventTarget(), { saveData: false, type: 'wifi' });
    const battery = Object.assign(new EventTarget(), { charging: true, level: 0.9 });
    const navigator = { onLine: true, connection, getBattery: async () => battery };
    const scope = new EventTarget();
    const document = new EventTarget();
    vi.stubGlobal('navigator', navigator);
    vi.stubGlobal('document', document);
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope));
    const { told, end } = watch();
    await new Promise((resolve) => setTimeout(resolve));
    expect(told.at(-1)).toEqual({
      online: true,
      metered: false,
      battery: { charging: true, level: 0.9 },
      asleep: false,
    });

    navigator.onLine = false;
    scope.dispatchEvent(new Event('offline'));
    expect(told.at(-1)?.online).toBe(false);
    connection.type = 'cellular';
    connection.dispatchEvent(new Event('change'));
    expect(told.at(-1)?.metered).toBe(true);
    Object.assign(connection, { type: 'wifi', saveData: true });
    connection.dispatchEvent(new Event('change'));
    expect(told.at(-1)?.metered).toBe(true);
    Object.assign(battery, { charging: false, level: 0.1 });
    battery.dispatchEvent(new Event('levelchange'));
    expect(told.at(-1)?.battery).toEqual({ charging: false, level: 0.1 });
    document.dispatchEvent(new Event('freeze'));
    expect(told.at(-1)?.asleep).toBe(true);
    document.dispatchEvent(new Event('resume'));
    expect(told.at(-1)?.asleep).toBe(false);
    scope.dispatchEvent(new Event('pagehide'));
    expect(told.at(-1)?.asleep).toBe(true);
    scope.dispatchEvent(new Event('pageshow'));
    expect(told.at(-1)?.asleep).toBe(false);

    end();
    const count = told.length;
    scope.dispatchEvent(new Event('online'));
    expect(told).toHaveLength(count);
  });

  it('of the battery may be refused', async () => {
    vi.stubGlobal('navigator', {
      onLine: true,
      getBattery: () => Promise.reject(new Error('NotAllowedError')),
    });
    const { told, end } = watch();
    await new Promise((resolve) => setTimeout(resolve));
    expect(told).toHaveLength(1);
    end();
  });
});
