import { PATHS } from '@twinkeep/protocol';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_URL } from '../support/parties.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let port: number;
beforeAll(async () => {
  world = await createWorld();
  ({ port } = (await world.startAnother()).coordinator);
});
afterAll(() => world.stop());

interface Raw {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Raw, since fetch does not let Origin be set. */
function send(method: string, path: string, headers: Record<string, string>): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

describe('web origins', () => {
  it('lets a listed origin read, with the headers that it needs', async () => {
    const { status, headers } = await send('GET', PATHS.nonce, { Origin: 'https://shop.test' });
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('https://shop.test');
    expect(headers['access-control-expose-headers']).toContain('DPoP-Nonce');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers['vary']).toContain('Origin');
  });

  it('answers the preflight of a listed origin', async () => {
    const { status, headers } = await send('OPTIONS', PATHS.consents, {
      Origin: 'https://shop.test',
      'Access-Control-Request-Method': 'POST',
    });
    expect(status).toBe(204);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      expect(headers['access-control-allow-methods']).toContain(method);
    expect(headers['access-control-allow-headers']).toMatch(/Authorization.*DPoP/);
  });

  it.each([
    'https://evil.test',
    'http://shop.test',
    'https://shop.test:8443',
    'https://shop.test.evil.test',
    'https://www.shop.test',
    'null',
    '*',
  ])('refuses %s, asked beforehand or not', async (origin) => {
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const { status, headers, body } = await send(method, PATHS.health, { Origin: origin });
      expect(status).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ code: 'request/origin' });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('lets its own pages and clients without an origin in', async () => {
    expect((await send('GET', PATHS.health, { Origin: new URL(PUBLIC_URL).origin })).status).toBe(200);
    expect((await send('GET', PATHS.health, {})).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('answers', () => {
  it('name nothing of what is inside, and are kept by nobody', async () => {
    const { headers } = await send('GET', PATHS.health, {});
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each([
    ['GET', '/', 404, 'request/not-found'],
    ['GET', '/v1/nothing', 404, 'request/not-found'],
    ['DELETE', PATHS.consents, 404, 'request/not-found'],
    ['GET', '/v1/tasks/%E0%A4%A', 400, 'request/malformed'],
    ['GET', '/v1/tasks/NOT-A-TASK', 404, 'task/unknown'],
    ['GET', '/v1/tasks/unknown/round?wait=25', 404, 'task/unknown'],
    ['GET', '/v1/tasks/unknown/results', 404, 'task/unknown'],
    ['GET', '/v1/tasks/unknown/progress', 404, 'task/unknown'],
    ['GET', `/v1/models/${'A'.repeat(43)}`, 404, 'model/unknown'],
    ['GET', '/v1/models/x', 404, 'model/unknown'],
    ['GET', `${PATHS.consistency}?from=0&to=1`, 400, 'log/range'],
    ['GET', `${PATHS.consistency}?from=1`, 400, 'request/malformed'],
    ['GET', `${PATHS.consistency}?from=1&to=-1`, 400, 'request/malformed'],
    ['GET', `${PATHS.consistency}?from=1&to=99999`, 400, 'log/range'],
    ['GET', '/v1/tasks/unknown/round?wait=26&after=1', 400, 'request/malformed'],
    ['GET', '/v1/tasks/unknown/round?after=one', 400, 'request/malformed'],
  ])('%s %s is a problem document', async (method, path, status, code) => {
    const answer = await send(method, path, {});
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect({ ...(JSON.parse(answer.body) as object), http: answer.status }).toMatchObject({
      http: status,
      status,
      code,
      type: `urn:twinkeep:problem:${code}`,
    });
  });
});
