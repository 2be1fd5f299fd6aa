/** The small parts of a twin, each by itself. */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import { CATEGORIES } from '@twinkeep/consent';
import { taskSpecSchema } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import type { Conditions } from '../../../edge-client/twin/calls.ts';
import { createBell } from '../../../edge-client/worker/bell.ts';
import { createClockWatch } from '../../../edge-client/worker/clock-watch.ts';
import { createConditionsWatch } from '../../../edge-client/worker/conditions.ts';
import { createCredentials } from '../../../edge-client/worker/credentials.ts';
import { checkSettings } from '../../../edge-client/worker/settings.ts';
import { TASK_FORM } from '../../../edge-client/worker/task-book.ts';
import { createParties } from '../../coordinator/support/parties.ts';
import { NOTICE } from './support/bank.ts';

describe('conditions of the device', () => {
  const fine: Conditions = { online: true, metered: false, battery: null, asleep: false };
  const pauseIn = (changes: Partial<Conditions>) => createConditionsWatch({ ...fine, ...changes }).pause();

  it('stop rounds where a battery or a data plan would pay for them', () => {
    expect(pauseIn({})).toBeNull();
    expect(pauseIn({ online: false })).toBe('offline');
    expect(pauseIn({ metered: true })).toBe('metered');
    expect(pauseIn({ asleep: true, online: false })).toBe('asleep');
    expect(pauseIn({ battery: { charging: false, level: 0.19 } })).toBe('low-battery');
    expect(pauseIn({ battery: { charging: true, level: 0.02 } })).toBeNull();
    expect(pauseIn({ battery: { charging: false, level: 0.2 } })).toBeNull();
  });
});

describe('the clocks', () => {
  const start = Date.parse('2026-03-01T12:00:00Z');

  it.each([
    ['pass as they should', 5_000, 5_000, false],
    ['pass a little late, on a busy machine', 25_000, 25_000, false],
    ['are set back a day', -86_400_000, 5_000, true],
    ['are set on an hour', 3_600_000, 5_000, true],
    ['stood still for ten minutes of sleep', 605_000, 5_000, true],
    ['ran on through ten minutes of sleep', 605_000, 605_000, true],
  ])('%s', (_, wall, ticks, jumped) => {
    let [now, monotonic] = [start, 0];
    const watch = createClockWatch(
      () => now,
      () => monotonic,
    );
    expect(watch.jumped(0)).toBe(false);
    [now, monotonic] = [now + wall, monotonic + ticks];
    expect(watch.jumped(5_000)).toBe(jumped);
    [now, monotonic] = [now + 5_000, monotonic + 5_000];
    expect(watch.jumped(5_000), 'only once').toBe(false);
  });
});

describe('a bell', () => {
  it('wakes who waits, and keeps a ring that nobody waited for', async () => {
    const bell = createBell();
    const { signal } = new AbortController();
    bell.ring();
    const started = performance.now();
    await bell.wait(60_000, signal);
    const second = bell.wait(60_000, signal);
    bell.ring();
    await second;
    expect(performance.now() - started).toBeLessThan(1_000);
    let woken = false;
    void bell.wait(60_000, signal).then(() => (woken = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(woken, 'one ring, one waking').toBe(false);
    bell.ring();
  });

  it('stops waiting when asked to', async () => {
    const bell = createBell();
    const ending = new AbortController();
    const waiting = bell.wait(60_000, ending.signal);
    ending.abort();
    await waiting;
  });
});

describe('credentials', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  const jwtUntil = (seconds: number, id = 'a'): string =>
    `h.${bytesToBase64Url(utf8ToBytes(JSON.stringify({ exp: now / 1000 + seconds, id })))}.s`;
  const pendingReport = (credential: string): { outcome: 'pending'; bytes: Uint8Array } => {
    const header = utf8ToBytes(JSON.stringify({ v: 1, credential }));
    const bytes = new Uint8Array(9 + header.length + 40);
    bytes.set(header, 9);
    new DataView(bytes.buffer).setUint32(5, header.length, true);
    return { outcome: 'pending', bytes };
  };

  it('are asked for once, and again when they run out', async () => {
    const given = [jwtUntil(3_600, 'first'), jwtUntil(7_200, 'second')];
    let asked = 0;
    let clock = now;
    const credentials = createCredentials(
      async () => given[asked++] ?? null,
      () => clock,
    );
    expect(() => credentials.current()).toThrow('no credential');
    await Promise.all([credentials.ensure(), credentials.ensure()]);
    expect([credentials.current(), asked]).toEqual([given[0], 1]);
    clock += 3_500_000;
    await credentials.ensure();
    expect(credentials.current()).toBe(given[0]);
    clock += 60_000;
    await credentials.ensure();
    expect([credentials.current(), asked]).toEqual([given[1], 2]);
    credentials.forget();
    await expect(credentials.ensure()).rejects.toMatchObject({ code: 'no-credential' });
  });

  it('of a report that waits is used again, since the report is taken with no other', async () => {
    const credentials = createCredentials(
      async () => jwtUntil(3_600, 'new'),
      () => now,
    );
    const old = jwtUntil(600, 'old');
    credentials.adopt([{ outcome: 'accepted', bytes: null }, pendingReport(old)]);
    await credentials.ensure();
    expect(credentials.current()).toBe(old);
    credentials.forget();
    credentials.adopt([pendingReport(jwtUntil(-1))]);
    await credentials.ensure();
    expect(credentials.current()).toBe(jwtUntil(3_600, 'new'));
    credentials.adopt([{ outcome: 'pending', bytes: new Uint8Array([1, 2, 3]) }]);
    expect(credentials.current()).toBe(jwtUntil(3_600, 'new'));
  });
});

describe('options', async () => {
  const { trust } = await createParties();
  const good = {
    coordinatorUrl: 'https://twin.bank.example',
    trust,
    controller: 'https://bank.example',
    subject: 'AAAAAAAAAAAAAAAAAAAAAA',
    tasks: ['churn'],
    notice: NOTICE,
  };

  it('are completed', () => {
    const settings = checkSettings({ ...good, retentionDays: { feedback: 30 } });
    if ('wrong' in settings) throw new Error(settings.wrong);
    expect(settings).toMatchObject({ jurisdiction: ['EU'], minReports: 2, activations: [] });
    expect(settings.retentionDays).toEqual({
      ...Object.fromEntries(CATEGORIES.map((category) => [category, 730])),
      feedback: 30,
    });
    expect(settings.name).toMatch(/^twin-[0-9a-f]{32}$/);
    expect(settings.name).not.toContain(good.subject);
    const other = checkSettings({ ...good, subject: 'AAAAAAAAAAAAAAAAAAAAAQ' });
    expect('name' in other && other.name).not.toBe(settings.name);
    const elsewhere = checkSettings({ ...good, coordinatorUrl: 'https://other.example' });
    expect('trustId' in elsewhere && elsewhere.trustId).not.toBe(settings.trustId);
  });

  it.each([
    ['coordinatorUrl', { coordinatorUrl: 'http://twin.bank.example' }],
    ['coordinatorUrl', { coordinatorUrl: 'https://twin.bank.example/' }],
    ['the trust file', { trust: { ...trust, helpers: [] } }],
    ['controller', { controller: 'the bank' }],
    ['subject', { subject: 'jane@bank.example' }],
    ['tasks', { tasks: [] }],
    ['notice.hash', { notice: { ...NOTICE, hash: 'sha-256:short' } }],
    ['retentionDays.feedback', { retentionDays: { feedback: -1 } }],
    ['minReports', { minReports: 1 }],
    ['activations.0.atLeast', { activations: [{ task: 'churn', atLeast: 1 }] }],
    ['colour', { colour: 'blue' }],
  ])('are refused by name: %s', (field, changes) => {
    const checked = checkSettings({ ...good, ...changes } as typeof good);
    expect('wrong' in checked ? checked.wrong : 'accepted').toContain(field);
  });

  it('take a coordinator of this machine without https', () => {
    for (const coordinatorUrl of ['http://127.0.0.1:8080', 'http://localhost:1', 'http://[::1]:1/base'])
      expect(checkSettings({ ...good, coordinatorUrl })).not.toHaveProperty('wrong');
    expect(checkSettings({ ...good, coordinatorUrl: 'http://localhost.evil.example' })).toHaveProperty(
      'wrong',
    );
  });
});

describe('a task that is kept', () => {
  it('is read without its schema: whoever changes its fields raises TASK_FORM, and then this line', () => {
    const fields: string[] = [];
    JSON.stringify(taskSpecSchema, (name, value: unknown) => {
      if (name === 'entries') fields.push(...Object.keys(value as object));
      return value;
    });
    const form = bytesToBase64Url(sha256(utf8ToBytes(fields.join())));
    expect([TASK_FORM, fields.length, form.slice(0, 11)]).toEqual([3, 179, 'jxcqGB7jP3D']);
  });
});
