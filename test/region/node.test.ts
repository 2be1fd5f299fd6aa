import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { randomBytes } from '@twinkeep/protocol';
import {
  cacheModels,
  createChanges,
  createLogger,
  createPreparation,
  drawConsent,
  openRegion,
  seededRole,
  taskFromMapping,
  type Mapping,
} from '@twinkeep/region';
import { planOf, readConsentChain } from '@twinkeep/edge-client/fleet';
import type { RoundOffer } from '@twinkeep/protocol';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importCsvFile } from '@twinkeep/region';
import { createParties, createRegionFiles } from './support/parties.ts';

describe('models', () => {
  const served = (
    bytes: Uint8Array,
    headers: Record<string, string> = { 'content-length': String(bytes.length) },
  ) => {
    const calls: string[] = [];
    const fetch = cacheModels(async (input) => {
      calls.push(String(input));
      return new Response(new Uint8Array(bytes), {
        headers: { 'content-type': 'application/octet-stream', ...headers },
      });
    });
    return { fetch, calls };
  };
  const get = async (fetch: typeof globalThis.fetch, url: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(url, { method: 'GET' })).arrayBuffer());

  it('are fetched once', async () => {
    const bytes = randomBytes(64);
    const url = `https://c.test/v1/models/${bytesToBase64Url(sha256(bytes))}`;
    const { fetch, calls } = served(bytes);
    expect(await get(fetch, url)).toEqual(bytes);
    expect(await get(fetch, url)).toEqual(bytes);
    expect(calls).toHaveLength(1);
  });

  it('are fetched again where the bytes are not those of their name, or their length is not said', async () => {
    const bytes = randomBytes(64);
    const wrong = served(bytes);
    await get(wrong.fetch, `https://c.test/v1/models/${'A'.repeat(43)}`);
    await get(wrong.fetch, `https://c.test/v1/models/${'A'.repeat(43)}`);
    expect(wrong.calls).toHaveLength(2);
    const unsaid = served(bytes, {});
    const url = `https://c.test/v1/models/${bytesToBase64Url(sha256(bytes))}`;
    await get(unsaid.fetch, url);
    await get(unsaid.fetch, url);
    expect(unsaid.calls).toHaveLength(2);
  });

  it('are the only thing that is cached', async () => {
    const { fetch, calls } = served(randomBytes(8));
    await fetch('https://c.test/v1/tasks/a', { method: 'GET' });
    await fetch('https://c.test/v1/tasks/a', { method: 'GET' });
    await fetch('https://c.test/v1/models/a', { method: 'PUT' });
    expect(calls).toHaveLength(3);
  });
});

describe('draws from a seed', () => {
  const task = { taskId: 'task', evaluation: { bins: 200, logitRange: 8, maxLoss: 8, holdout: 0.2 } };
  const many = Array.from({ length: 5_000 }, (_, i) => `subject-${i}`);

  it('of roles hold out the share that the task names, the same for the same seed', () => {
    const roles = many.map((subject) => seededRole('a', task, subject));
    expect(roles.filter((role) => role === 'hold-out').length / many.length).toBeCloseTo(0.2, 1);
    expect(many.map((subject) => seededRole('a', task, subject))).toEqual(roles);
    expect(many.map((subject) => seededRole('b', task, subject))).not.toEqual(roles);
    expect(many.map((subject) => seededRole('a', { ...task, taskId: 'other' }, subject))).not.toEqual(roles);
  });

  it('of consents grant at their rate, and withdraw among those who granted only', () => {
    const drawn = many.map((customer) => drawConsent('a', customer, { granted: 0.9, withdrawMidway: 0.1 }));
    const share = (of: typeof drawn): number => of.length / many.length;
    expect(share(drawn.filter(({ granted }) => granted))).toBeCloseTo(0.9, 1);
    expect(share(drawn.filter(({ withdrawsAt }) => withdrawsAt !== null))).toBeCloseTo(0.09, 1);
    for (const { granted, withdrawsAt } of drawn) {
      if (!granted) expect(withdrawsAt).toBeNull();
      if (withdrawsAt !== null) expect(withdrawsAt).toBeGreaterThanOrEqual(0.1);
      if (withdrawsAt !== null) expect(withdrawsAt).toBeLessThan(0.9);
    }
  });
});

describe('before a round', () => {
  const MAPPING: Mapping = {
    title: 'Who leaves?',
    source: 'crm',
    format: {},
    subject: 'id',
    columns: { spend: { category: 'transactional', type: 'number', bounds: [0, 100] } },
    label: {
      column: 'left',
      category: 'transactional',
      positive: ['yes'],
      negative: ['no'],
      horizonDays: 30,
    },
    consent: {
      purpose: 'https://w3id.org/dpv#ServiceOptimisation',
      notice: { id: 'n', version: '1', lang: 'en', text: 'May we?' },
      rate: { granted: 1, withdrawMidway: 0.5 },
      evidence: 'invented',
    },
  };

  it('the invented withdrawals of a demo come when they are due, and features follow what is kept', async () => {
    const files = await createRegionFiles(await createParties(), { seed: 's' });
    const region = await openRegion(files.config);
    const customers = Array.from({ length: 100 }, (_, i) => `c${i}`);
    const [data, map] = [join(files.folder, 'd.csv'), join(files.folder, 'm.json')];
    await writeFile(data, `id,spend,left\n${customers.map((id) => `${id},5,yes\n`).join('')}`);
    await writeFile(map, JSON.stringify(MAPPING));
    expect(await importCsvFile(region, data, map)).toMatchObject({ added: 100, consents: 100, events: 200 });

    const task = taskFromMapping(MAPPING, { rounds: 10 });
    const changes = createChanges();
    const prepare = createPreparation({
      region,
      // Nobody else has said anything.
      inbox: { read: () => Promise.resolve({ added: [], leftOut: 0 }) },
      plan: planOf([task]),
      policy: region.policyFor([task]),
      changes,
      log: Object.assign(createLogger('test'), { level: 'silent' }),
      clock: Date.now,
    });
    const offer = (round: number) =>
      ({ phase: 'collecting', config: { statement: { body: { round } } } }) as unknown as RoundOffer;
    const withdrawn = async (): Promise<number> => {
      const twins = await region.store.readTwins(customers.map(region.store.subjectOf));
      return twins.filter(
        ({ consents }) => readConsentChain(consents).signed.heads.length > 0 && consents.length === 2,
      ).length;
    };
    const due = (round: number): number =>
      customers.filter((customer) => {
        const at = drawConsent('s', customer, MAPPING.consent.rate!).withdrawsAt;
        return at !== null && at <= (round - 1) / 10;
      }).length;

    for (const round of [1, 4, 4, 11]) {
      await prepare(task, offer(round));
      changes.notice();
      expect(await withdrawn()).toBe(due(round));
      expect((await region.store.counts()).events).toBe(2 * (100 - due(round)));
    }
    expect(due(4)).toBeGreaterThan(0);
    expect(due(11)).toBeGreaterThan(due(4));
    await prepare(task, offer(11));
    const twins = await region.store.readTwins(customers.map(region.store.subjectOf));
    expect(twins.every(({ features }) => features !== null)).toBe(true);
    await region.store.close();
  });
});

describe('changes', () => {
  it('wake whoever waits, and whoever comes after one that they had not seen', async () => {
    const changes = createChanges();
    const stop = new AbortController();
    const waiting = changes.after(changes.count(), 60_000, stop.signal);
    changes.notice();
    await waiting;
    await changes.after(0, 60_000, stop.signal);
    const quiet = changes.after(changes.count(), 20, stop.signal);
    await quiet;
    const stopped = changes.after(changes.count(), 60_000, stop.signal);
    stop.abort();
    await stopped;
  });
});
