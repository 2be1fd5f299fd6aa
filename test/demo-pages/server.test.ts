/** The small server behind the pages: what it serves, to whom, and what it does not. */
import { createSigningKey, exportSigningKey, verifyCredential } from '@twinkeep/protocol';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createParties, type Parties } from '../../demo/parties.ts';
import { createIssuer, type Issuer } from '../../demo/server/credentials.ts';
import type { DemoInfo } from '../../demo/server/info.ts';
import { startPagesServer, type PagesServer } from '../../demo/server/server.ts';

let folder: string;
let parties: Parties;
let keyFile: string;
let issuer: Issuer | null;
let info: DemoInfo;
let pages: PagesServer;
let coordinator: Server;
let asked: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-server-'));
  for (const page of ['account', 'status']) {
    await mkdir(join(folder, 'pages', page), { recursive: true });
    await writeFile(join(folder, 'pages', page, 'index.html'), `<!doctype html><title>${page}</title>`);
  }
  await mkdir(join(folder, 'pages/assets'));
  await writeFile(join(folder, 'pages/assets/page.js'), 'export {};');
  await writeFile(join(folder, 'pages/assets/secret.txt'), 'not a page');
  await writeFile(join(folder, 'secret.js'), 'outside');
  parties = await createParties(join(folder, 'run'), 2);
  keyFile = await readFile(join(folder, 'run/issuer/key.json'), 'utf8');
  issuer = await createIssuer(keyFile, parties.trust);
  coordinator = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${req.headers.cookie ?? 'no cookie'}`);
    res.writeHead(req.url?.includes('from=9') === true ? 400 : 200, { 'content-type': 'application/json' });
    res.end('{"from":"the coordinator"}');
  });
  await new Promise<void>((listening) => coordinator.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(coordinator.address() as AddressInfo).port}`;
  info = {
    ...{ stage: 'live', coordinatorUrl: url, trust: parties.trust, nodes: 2, task: 'demo-1' },
    ...{ liveTask: 'visitors', controller: 'urn:twinkeep:demo:telecom' },
  };
  pages = await startPagesServer({
    folder: join(folder, 'pages'),
    port: 0,
    info: () => info,
    issuer: () => issuer,
  });
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  await pages.close();
  coordinator.close();
  await rm(folder, { recursive: true, force: true });
});

describe('pages', () => {
  test('come with a policy that lets them send to themselves and to the coordinator alone', async () => {
    const account = await ask('GET', '/account/');
    expect(account).toMatchObject({ status: 200, text: '<!doctype html><title>account</title>' });
    const policy = account.headers['content-security-policy'] as string;
    expect(policy).toContain(`connect-src 'self' ${info.coordinatorUrl};`);
    expect(policy).toContain(`default-src 'self'`);
    expect(policy).toContain(`require-trusted-types-for 'script'`);
    const status = (await ask('GET', '/status/')).headers['content-security-policy'] as string;
    expect(status).toContain(`connect-src 'self';`);
    for (const each of [policy, status]) expect(each).not.toMatch(/'unsafe-|data:|blob:|\*/);
    expect(status).not.toContain('wasm');
  });

  test('assets are kept for ever, pages never', async () => {
    expect((await ask('GET', '/assets/page.js')).headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect((await ask('GET', '/account/')).headers['cache-control']).toBe('no-store');
  });

  test.each([
    '/assets/secret.txt',
    '/secret.js',
    '/../secret.js',
    '/assets/../../secret.js',
    '/assets/%2e%2e/%2e%2e/secret.js',
    '/account',
    '/run/issuer/key.json',
  ])('%s is not found', async (path) => {
    expect((await ask('GET', path)).status).toBe(404);
  });

  test('the address alone leads to the customer page, and localhost to the one name that the coordinator knows', async () => {
    expect((await ask('GET', '/')).headers.location).toBe('/account/');
    const { port } = new URL(pages.origin);
    const other = await ask('GET', '/status/', { host: `localhost:${port}` });
    expect(other).toMatchObject({ status: 302, headers: { location: `${pages.origin}/status/` } });
  });

  test('no other method', async () => {
    expect((await ask('POST', '/account/', {}, '{}')).status).toBe(405);
  });

  test('are refused where they were not built', async () => {
    const empty = { folder: join(folder, 'run'), port: 0, info: () => info, issuer: () => issuer };
    await expect(startPagesServer(empty)).rejects.toThrow(/npm run build/);
  });

  test('a taken port is no obstacle', async () => {
    const { port } = new URL(pages.origin);
    const second = await startPagesServer({
      folder: join(folder, 'pages'),
      port: Number(port),
      info: () => info,
      issuer: () => issuer,
    });
    expect(second.origin).not.toBe(pages.origin);
    await second.close();
  });
});

describe('a name of somebody else that was bound to this machine', () => {
  test.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1.nip.example:1'])(
    '%s gets nothing',
    async (host) => {
      for (const path of ['/account/', '/api/demo', '/api/session', '/coordinator/v1/tasks'])
        expect((await ask('GET', path, { host })).status).toBe(421);
      expect((await ask('POST', '/api/session', { host, origin: `http://${host}` }, '{}')).status).toBe(421);
      expect(asked).toEqual([]);
    },
  );
});

describe('the host app', () => {
  const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
    ask('POST', path, { origin: pages.origin, ...headers }, JSON.stringify(body));
  const session = async (): Promise<{ subject: string; cookie: string }> => {
    const answer = await post('/api/session', {});
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; Path=\/api; HttpOnly; SameSite=Strict$/);
    return {
      subject: (JSON.parse(answer.text) as { subject: string }).subject,
      cookie: cookie.split(';')[0]!,
    };
  };

  test('gives each browser a pseudonym of its own, and knows it again', async () => {
    expect(JSON.parse((await ask('GET', '/api/session')).text)).toEqual({ subject: null });
    const [one, two] = [await session(), await session()];
    expect(one.subject).toMatch(/^[A-Za-z0-9_-]{21}[AQgw]$/);
    expect(one.subject).not.toBe(two.subject);
    const again = await ask('GET', '/api/session', { cookie: one.cookie });
    expect(JSON.parse(again.text)).toEqual({ subject: one.subject });
    // After a restart too, and no longer where another run made another issuer.
    issuer = await createIssuer(keyFile, parties.trust);
    expect((await ask('GET', '/api/session', { cookie: one.cookie })).text).toBe(again.text);
    issuer = await createIssuer(
      JSON.stringify(await exportSigningKey(await createSigningKey(true))),
      parties.trust,
    );
    const other = await ask('GET', '/api/session', { cookie: one.cookie });
    expect(JSON.parse(other.text)).toEqual({ subject: null });
    issuer = await createIssuer(keyFile, parties.trust);
  });

  test('issues a credential of one twin for this pseudonym and this key, which the coordinator accepts', async () => {
    const { subject, cookie } = await session();
    const key = await createSigningKey(false);
    const answer = await post('/api/credential', { deviceKey: key.id }, { cookie });
    const { credential } = JSON.parse(answer.text) as { credential: string };
    expect(await verifyCredential(credential, parties.trust, new Date())).toMatchObject({
      ...{ sub: subject, maxTwins: 1, scope: 'device' },
    });
  });

  test('tells what the business knows to the browser of that customer alone', async () => {
    const { cookie } = await session();
    const records = JSON.parse((await ask('GET', '/api/records', { cookie })).text) as unknown[];
    expect(records.length).toBeGreaterThan(30);
    expect((await ask('GET', '/api/records')).status).toBe(403);
  });

  test('does nothing for a page of another origin, or for none', async () => {
    const { cookie } = await session();
    const deviceKey = (await createSigningKey(false)).id;
    for (const origin of ['https://evil.example', 'null', `${pages.origin}.evil.example`]) {
      expect((await post('/api/session', {}, { origin })).status).toBe(403);
      expect((await post('/api/credential', { deviceKey }, { origin, cookie })).status).toBe(403);
    }
    expect((await ask('POST', '/api/session', {}, '{}')).status).toBe(403);
    expect((await ask('PUT', '/api/session', { origin: pages.origin }, '{}')).status).toBe(403);
  });

  test('knows no pseudonym that it did not give', async () => {
    const { cookie } = await session();
    const deviceKey = (await createSigningKey(false)).id;
    const forged = cookie.replace(/=[\w-]{22}/, '=AAAAAAAAAAAAAAAAAAAAAA');
    for (const each of [forged, 'twinkeep-demo=x', '']) {
      expect(JSON.parse((await ask('GET', '/api/session', { cookie: each })).text)).toEqual({
        subject: null,
      });
      expect((await post('/api/credential', { deviceKey }, { cookie: each })).status).toBe(401);
    }
  });

  test.each([
    ['no JSON', '{'],
    ['no key', '{}'],
    ['something else than a key', '{"deviceKey":"x"}'],
    ['more than a key', `{"deviceKey":"${'A'.repeat(43)}","maxTwins":9}`],
    ['far too much', `{"deviceKey":"${'A'.repeat(5_000)}"}`],
  ])('refuses %s', async (_, body) => {
    const { cookie } = await session();
    expect((await ask('POST', '/api/credential', { origin: pages.origin, cookie }, body)).status).toBe(400);
  });

  test('knows nobody and issues nothing before its key is made', async () => {
    const { cookie } = await session();
    const kept = issuer;
    issuer = null;
    const deviceKey = (await createSigningKey(false)).id;
    expect((await post('/api/credential', { deviceKey }, { cookie })).status).toBe(503);
    expect((await post('/api/session', {})).status).toBe(503);
    issuer = kept;
  });
});

describe('reads of the coordinator', () => {
  test.each([
    '/healthz',
    '/v1/tasks',
    '/v1/tasks/demo-1',
    '/v1/tasks/demo-1/round?after=3',
    '/v1/tasks/demo-1/results?after=0',
    '/v1/tasks/demo-1/progress?after=7',
    '/v1/log/checkpoint',
    '/v1/log/consistency?from=1&to=2',
  ])('%s is passed on, without the visitor’s cookie', async (path) => {
    const answer = await ask('GET', `/coordinator${path}`, { cookie: 'twinkeep-demo=secret' });
    expect(answer).toMatchObject({ status: 200, text: '{"from":"the coordinator"}' });
    expect(asked).toEqual([`GET ${path} no cookie`]);
  });

  test.each([
    '/v1/consents',
    '/v1/log/export',
    '/v1/models/x',
    '/v1/helpers/1/work',
    '/v1/nonce',
    '/v1/tasks/UPPER',
    '/v1/tasks/demo-1/other',
    '/v1/tasks/../consents',
    '//evil.example/v1/tasks',
  ])('%s is not', async (path) => {
    expect((await ask('GET', `/coordinator${path}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  test('what the coordinator refuses is refused; where it is not there, that is said', async () => {
    expect((await ask('GET', '/coordinator/v1/log/consistency?from=9&to=1')).status).toBe(400);
    const kept = info;
    info = { ...info, coordinatorUrl: null };
    expect((await ask('GET', '/coordinator/v1/tasks')).status).toBe(502);
    info = { ...info, coordinatorUrl: 'http://127.0.0.1:1' };
    expect((await ask('GET', '/coordinator/v1/tasks')).status).toBe(502);
    info = kept;
  });

  test('nothing but a GET', async () => {
    expect((await ask('POST', '/coordinator/v1/tasks', { origin: pages.origin }, '{}')).status).toBe(405);
    expect(asked).toEqual([]);
  });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Paths and hosts go out exactly as given, which `fetch` would not do. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const { hostname, port, host } = new URL(pages.origin);
  return new Promise((resolve, reject) => {
    const req = request({ hostname, port, method, path, headers: { host, ...headers } }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part: string) => (text += part));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}
