import { base64UrlToBytes, createSigner, verifyProof } from '@twinkeep/audit';
import { readConsentChain } from '@twinkeep/edge-client/fleet';
import { CATEGORIES, consentEventId, decide, type Category, type ConsentEvent } from '@twinkeep/consent';
import { createOutbox, createTransport, submitConsents } from '@twinkeep/edge-client/fleet';
import { randomBytes } from '@twinkeep/protocol';
import { customerBinding, importEventFile, openRegion, withdrawConsent, type Region } from '@twinkeep/region';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startConsentServer, type ConsentServer } from './support/coordinator.ts';
import { createParties, createRegionFiles, type Parties, type RegionFiles } from './support/parties.ts';

const PURPOSE = 'https://w3id.org/dpv#ServiceOptimisation';
const BIN = fileURLToPath(new URL('../../edge-client/region/bin/twinkeep-region.js', import.meta.url));

let parties: Parties;
let server: ConsentServer;
let files: RegionFiles;
let region: Region;
beforeAll(async () => {
  parties = await createParties();
  server = await startConsentServer(parties.logSigner);
});
afterAll(() => server.close());
beforeEach(async () => {
  Object.assign(server, {
    batches: [],
    log: new Map(),
    mode: 'answer',
    tasks: 'unknown',
    bad: () => null,
    lie: (all: unknown) => all,
  });
  files = await createRegionFiles(parties, { coordinatorUrl: server.url, tasks: ['some-task'] });
  region = await openRegion(files.config);
  return () => region.store.close();
});

describe('a file of events', () => {
  const event = (
    id: string,
    category: Category,
    time: string = new Date(Date.now() - 1_000).toISOString(),
  ) => ({
    id,
    source: 'app',
    type: 'page.view',
    time,
    category,
    data: { page: id },
  });

  it('is kept as far as its customers consented, whatever the order of its lines', async () => {
    const summary = await importLines([
      { customer: 'a', event: event('1', 'behavioral') },
      { customer: 'a', consent: { granted: ['behavioral'] } },
      { customer: 'a', event: event('2', 'feedback') },
      { customer: 'b', consent: { refused: true } },
      { customer: 'b', event: event('1', 'behavioral') },
      { customer: 'c', event: event('1', 'behavioral') },
      { customer: 'a', event: event('3', 'behavioral') },
      { customer: 'a', event: event('1', 'behavioral') },
    ]);
    expect(summary).toMatchObject({
      customers: 4,
      added: 3,
      consents: 2,
      events: 2,
      refused: { 'not-consented': 3 },
    });
    expect(await may('a', 'behavioral')).toBe(true);
    expect(await may('a', 'feedback')).toBe(false);
    expect(await may('b', 'behavioral')).toBe(false);
  });

  it('drops what lies in the future or is past its retention', async () => {
    const lines = [
      { customer: 'a', consent: { granted: ['behavioral'] } },
      { customer: 'a', event: event('1', 'behavioral', '2999-01-01T00:00:00Z') },
      { customer: 'a', event: event('2', 'behavioral', '1999-01-01T00:00:00Z') },
    ];
    expect((await importLines(lines)).refused).toMatchObject({ 'in-the-future': 1, 'past-retention': 1 });
  });

  it.each([
    ['no JSON', '{"customer":', 'import/format', /line 2: this is not JSON/],
    ['an unknown field', '{"customer":"a","events":[]}', 'import/format', /line 2/],
    [
      'a category that does not exist',
      '{"customer":"a","consent":{"granted":["money"]}}',
      'import/format',
      /line 2/,
    ],
    ['an event without time', '{"customer":"a","event":{"id":"1"}}', 'import/value', /line 2: .*source/],
  ])('with %s is refused with file and line, and leaves nothing behind', async (_what, line, code, words) => {
    const first = { customer: 'a', consent: { granted: ['behavioral'] } };
    const error: unknown = await importText(`${JSON.stringify(first)}\n${line}\n`).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(await region.store.counts()).toMatchObject({ twins: 0, consents: 0 });
  });

  it('with consents needs to be told what customers were asked', async () => {
    const path = join(files.folder, 'e.ndjson');
    await writeFile(path, `${JSON.stringify({ customer: 'a', consent: { refused: true } })}\n`);
    await expect(importEventFile(region, path, null)).rejects.toMatchObject({ code: 'mapping/invalid' });
  });
});

describe('what the law asks for a category', () => {
  it('is in the events: a notice before third-party data, an explicit consent to what is special, and no longer than a year', async () => {
    await importLines([{ customer: 'a', consent: { granted: CATEGORIES } }], 'CRM', { validDays: 700 });
    const events = (await chain('a')).map(({ jws }) => payloadOf(jws));
    const said = events.map(({ regime, event, grants }) => ({
      regime,
      type: event.type,
      categories: grants.map(({ category }) => category),
      types: [...new Set(grants.map(({ consentType }) => consentType))],
    }));
    const ordinary = CATEGORIES.filter((category) => category !== 'psychographic');
    expect(said.map(({ categories, ...rest }) => ({ ...rest, categories: categories.toSorted() }))).toEqual([
      {
        regime: 'gdpr-optin@1',
        type: 'notify',
        types: [undefined],
        categories: ['third_party_enrichment'],
      },
      { regime: 'gdpr-optin@1', type: 'grant', types: ['expressed'], categories: ordinary.toSorted() },
      { regime: 'gdpr-art9@1', type: 'grant', types: ['explicit'], categories: ['psychographic'] },
    ]);
    const days = events.flatMap(({ event: { at }, grants }) =>
      grants.flatMap(({ validUntil }) => (Date.parse(validUntil ?? at) - Date.parse(at)) / 86_400_000),
    );
    expect([...new Set(days)]).toEqual([0, 700, 365]);
    for (const category of CATEGORIES) expect(await may('a', category)).toBe(true);
  });
});

describe('a withdrawal', () => {
  it('counts at once, takes the events along, and cannot be lifted by an import', async () => {
    await grant('a');
    const subject = region.store.subjectOf('a');
    expect(await region.store.counts()).toMatchObject({ events: 1 });
    expect(await withdrawConsent(region, subject, [{ kind: 'ticket', value: '77' }])).toBe(true);
    expect(await may('a', 'behavioral')).toBe(false);
    expect(await region.store.counts()).toMatchObject({ twins: 1, events: 0, consents: 2 });
    expect(await withdrawConsent(region, subject, [{ kind: 'ticket', value: '78' }])).toBe(false);
    await grant('a');
    expect(await may('a', 'behavioral')).toBe(false);
    expect(await region.store.counts()).toMatchObject({ events: 0, consents: 2 });
  });

  it('names what it takes back, follows the grant in the chain, and rests on its evidence', async () => {
    await grant('a');
    await withdrawConsent(region, region.store.subjectOf('a'), [{ kind: 'ticket', value: '77' }]);
    const [first, second] = await chain('a');
    const payload = JSON.parse(Buffer.from(second!.jws.split('.')[1]!, 'base64url').toString());
    expect(payload).toMatchObject({
      seq: 2,
      prev: first!.id,
      event: { type: 'withdraw', by: 'collector' },
      evidence: [{ kind: 'ticket', value: '77' }],
      grants: [{ category: 'behavioral', state: 'withdrawn', purpose: PURPOSE }],
    });
    expect(payload.grants[0].operations).toContain('contribute');
  });

  it('by two officers at the same moment is one chain', async () => {
    await grant('a');
    const subject = region.store.subjectOf('a');
    const again = await openRegion(files.config);
    await Promise.all(
      [region, again].map((each) => withdrawConsent(each, subject, [{ kind: 'ticket', value: '1' }])),
    );
    await again.store.close();
    expect((await chain('a')).length).toBe(2);
    expect(await may('a', 'behavioral')).toBe(false);
  });
});

describe('the outbox', () => {
  const outbox = (onRefused: (error: Error) => void = () => {}) => {
    const transport = createTransport({
      baseUrl: server.url,
      key: files.device,
      credential: () => 'credential',
      fetch,
      clock: Date.now,
      random: randomBytes,
      retry: { attempts: 1, base: 1, longest: 1 },
    });
    return createOutbox({
      store: region.store,
      submit: (events) => submitConsents(transport, events, parties.trust.log.vkey),
      onRefused,
    });
  };

  it('delivers each consent once, in batches, and keeps the receipts', async () => {
    const customers = Array.from({ length: 300 }, (_, i) => `c${i}`);
    await grant(...customers);
    expect(await outbox().flush()).toBe(300);
    expect(server.batches.map(({ length }) => length)).toEqual([256, 44]);
    expect((await region.store.counts()).undelivered).toBe(0);
    for (const entry of await chain('c7'))
      expect(entry.receipt).toMatchObject({ index: server.log.get(entry.id)!.index });
    expect(await outbox().flush()).toBe(0);
    expect(server.batches).toHaveLength(2);
  });

  it('keeps what could not be delivered, and what was delivered without an answer', async () => {
    await grant('a', 'b');
    server.mode = 'down';
    await expect(outbox().flush()).rejects.toMatchObject({ code: 'transport/offline' });
    expect((await region.store.counts()).undelivered).toBe(2);
    server.mode = 'answer';
    expect(await outbox().flush()).toBe(2);
  });

  it('keeps no receipt that does not show its event in the trusted log', async () => {
    await grant('a', 'b');
    const lies: ConsentServer['lie'][] = [
      (receipts) => receipts.slice(1),
      (receipts) => receipts.toReversed(),
      ([first, second]) => [first!, { ...second!, salt: first!.salt }],
      ([first, second]) => [first!, { ...second!, index: first!.index }],
      ([first, second]) => [first!, { ...second!, leaf: first!.leaf }],
      ([first, second]) => [first!, { ...second!, proof: first!.proof }],
      ([first, second]) => [first!, { ...second!, proof: damaged(second!.proof) }],
    ];
    for (const lie of lies) {
      server.lie = lie;
      await expect(outbox().flush()).rejects.toMatchObject({ code: 'transport/malformed' });
      expect((await region.store.counts()).undelivered).toBe(2);
    }
    server.lie = (receipts) => receipts;
    expect(await outbox().flush()).toBe(2);
    for (const customer of ['a', 'b'])
      for (const { jws, receipt } of await chain(customer))
        expect(
          verifyProof(receipt!.proof, base64UrlToBytes(receipt!.leaf), parties.trust.log.vkey).index,
        ).toBe(server.log.get(consentEventId(jws))!.index);
  });

  it('keeps no receipt of another log', async () => {
    await grant('a');
    const other = await startConsentServer(createSigner(randomBytes(32)));
    server.lie = () => [...other.log.values()];
    const { jws } = (await chain('a'))[0]!;
    const taken = await fetch(`${other.url}/v1/consents`, {
      method: 'POST',
      body: JSON.stringify({ events: [jws] }),
    });
    expect(taken.status).toBe(200);
    await expect(outbox().flush()).rejects.toMatchObject({ code: 'transport/malformed' });
    expect((await region.store.counts()).undelivered).toBe(1);
    await other.close();
  });

  it('finds the one consent that is refused, delivers the others, and says so once', async () => {
    await grant(...Array.from({ length: 20 }, (_, i) => `c${i}`));
    const bad = (await chain('c13'))[0]!.jws;
    server.bad = (jws) => (jws === bad ? 'consent/foreign' : null);
    const refusals: string[] = [];
    const sender = outbox((error) => refusals.push((error as Error & { code: string }).code));
    expect(await sender.flush()).toBe(19);
    expect(refusals).toEqual(['consent/foreign']);
    const tried = server.batches.length;
    expect(await sender.flush()).toBe(0);
    expect(server.batches.length).toBe(tried);
    expect((await region.store.counts()).undelivered).toBe(1);
  });

  it('sends no request that is longer than a coordinator takes', async () => {
    await grant(...Array.from({ length: 256 }, (_, i) => `c${i}`), {
      evidence: 'x'.repeat(999),
      granted: CATEGORIES,
    });
    await outbox().flush();
    const sizes = server.batches.map((events) => JSON.stringify({ events }).length);
    expect(Math.max(...sizes)).toBeLessThan(1_048_576);
    expect(sizes.reduce((a, b) => a + b)).toBeGreaterThan(1_048_576);
    // For each: the notice of third-party data, the grants, and an explicit one for what is special.
    expect(server.log.size).toBe(3 * 256);
  });
});

describe('the process of a node', () => {
  let child: ChildProcess;
  const start = (): ChildProcess => {
    child = fork(BIN, ['run', '--config', files.config], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    return child;
  };
  afterEach(() => {
    child?.kill('SIGKILL');
  });

  it('killed while it waits for an answer sends the same events again when it is back', async () => {
    await grant('a', 'b', 'c');
    server.mode = 'hang';
    start();
    await until(() => server.batches.length > 0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await region.store.counts()).undelivered).toBe(3);

    server.mode = 'answer';
    const [message] = (await once(start(), 'message')) as [{ type: string }];
    expect(message.type).toBe('ready');
    expect(server.batches.at(-1)!.toSorted()).toEqual(server.batches[0]!.toSorted());
    expect(server.log.size).toBe(3);
    expect((await region.store.counts()).undelivered).toBe(0);
  });

  it('delivers a withdrawal that the command line makes while it runs, at once', async () => {
    await grant('a');
    await once(start(), 'message');
    expect(server.log.size).toBe(1);
    const started = Date.now();
    const command = fork(BIN, ['withdraw', '--config', files.config, '--customer', 'a'], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      execArgv: [],
    });
    const [code] = (await once(command, 'exit')) as [number];
    expect(code).toBe(0);
    await until(() => server.log.size === 2);
    expect(Date.now() - started).toBeLessThan(4_000);
    expect(await may('a', 'behavioral')).toBe(false);
  });

  it('ends with status 1 where one of its parts can go on no more', async () => {
    server.tasks = 'nonsense';
    const [status] = (await once(start(), 'exit')) as [number];
    expect(status).toBe(1);
  });

  it('ends within two seconds when it is told to, and when its parent is gone', async () => {
    for (const end of [() => child.kill('SIGTERM'), () => child.kill('SIGINT'), () => child.disconnect()]) {
      await once(start(), 'message');
      const started = Date.now();
      end();
      await once(child, 'exit');
      expect(Date.now() - started).toBeLessThan(2_000);
    }
  });
});

/** Another signature under the same checkpoint. */
function damaged(proof: string): string {
  return proof.replace(/.(.{8}\n)$/, (end, rest: string) => (end.startsWith('A') ? 'B' : 'A') + rest);
}

async function grant(
  ...customers: (string | { evidence: string; granted: readonly Category[] })[]
): Promise<void> {
  const more = customers.find((customer) => typeof customer !== 'string');
  const granted = more?.granted ?? ['behavioral'];
  const lines = customers
    .filter((customer) => typeof customer === 'string')
    .flatMap((customer) => [
      { customer, consent: { granted } },
      {
        customer,
        event: {
          id: '1',
          source: 'app',
          type: 't',
          time: new Date(Date.now() - 1_000).toISOString(),
          category: 'behavioral',
          data: {},
        },
      },
    ]);
  await importLines(lines, more?.evidence);
}

const importLines = (lines: object[], evidence?: string, terms?: object) =>
  importText(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), evidence, terms);

async function importText(text: string, evidence: string = 'CRM', more: object = {}) {
  const [events, terms] = [join(files.folder, 'e.ndjson'), join(files.folder, 't.json')];
  await writeFile(events, text);
  const notice = { id: 'n', version: '1', lang: 'en', text: 'May we?' };
  await writeFile(terms, JSON.stringify({ purpose: PURPOSE, notice, evidence, ...more }));
  return importEventFile(region, events, terms);
}

function payloadOf(jws: string): ConsentEvent {
  return JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as ConsentEvent;
}

async function chain(customer: string) {
  const subject = (await region.store.findTwin(customerBinding(customer))) as string;
  return (await region.store.readTwins([subject]))[0]!.consents;
}

async function may(customer: string, category: Category): Promise<boolean> {
  const state = readConsentChain(await chain(customer)).signed;
  const categories = { required: [category], optional: [] };
  const subject = region.store.subjectOf(customer);
  return decide(
    { subject, categories, purpose: PURPOSE, sector: 'general', operation: 'contribute' },
    state,
    Date.now(),
  ).allow;
}

async function until(what: () => boolean): Promise<void> {
  for (const started = Date.now(); !what(); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() - started > 15_000) throw new Error('it did not happen in time');
}
