/** What networks do between a device and its coordinator, each on a real connection. */
import { fetchTask, pollRound, TransportError, watchRound } from '@twinkeep/edge-client/fleet';
import { ProblemError, sodiumReady, type RoundOffer } from '@twinkeep/protocol';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, json, problem, serve, type Script, type TestServer } from './server.ts';

const OFFER: RoundOffer = {
  rev: 7,
  taskId: 'churn',
  state: 'waiting',
  ended: null,
  phase: null,
  config: null,
  epochs: [],
  lastResult: null,
};

let open: { close(): Promise<void> }[] = [];
const start = async (script: Script): Promise<TestServer> => {
  const server = await serve(script);
  open.push(server);
  return server;
};
beforeAll(() => sodiumReady);
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  open = [];
});

const failure = async (
  script: Script,
  options = {},
): Promise<{ code: string; tries: number; waits: number[] }> => {
  const server = await start(script);
  const { transport, waits } = connect(server.url, options);
  const error: unknown = await pollRound(transport, 'churn', 0).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error instanceof TransportError || error instanceof ProblemError).toBe(true);
  return { code: (error as TransportError).code, tries: server.received.length, waits };
};

describe('an answer that is not the coordinator’s', () => {
  it.each<[string, Script]>([
    [
      'the sign-in page of a hotel',
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>'),
    ],
    ['a page without a type', (_, response) => void response.writeHead(200).end('{}')],
    [
      'a redirect',
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/login' }).end(),
    ],
    ['511, network authentication', (_, response) => void response.writeHead(511).end()],
    [
      '404 by somebody else',
      (_, response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('no'),
    ],
  ])('%s is named so, and not tried again', async (_, script) => {
    expect(await failure(script)).toEqual({ code: 'transport/not-the-coordinator', tries: 1, waits: [] });
  });

  it('407 is a connection that fails: fetch tells no more, so the message names both causes', async () => {
    const server = await start((_, response) => void response.writeHead(407).end());
    await expect(pollRound(connect(server.url).transport, 'churn', 0)).rejects.toMatchObject({
      code: 'transport/offline',
      message: expect.stringContaining('a proxy asks for a password'),
    });
    expect(server.received).toHaveLength(4);
  });

  it('a redirect is not followed, so nothing reaches another host', async () => {
    const elsewhere = await start((_, response) => json(response, OFFER));
    const { transport } = connect(
      (await start((_, response) => void response.writeHead(307, { location: `${elsewhere.url}/x` }).end()))
        .url,
    );
    await expect(pollRound(transport, 'churn', 0)).rejects.toMatchObject({
      code: 'transport/not-the-coordinator',
    });
    expect(elsewhere.received).toEqual([]);
  });
});

describe('an answer that breaks', () => {
  const broken = (head: string): Script => {
    return (_, response) => {
      response.socket?.write(head);
      response.socket?.destroy();
    };
  };

  it.each<[string, Script, string]>([
    [
      'a body cut before its announced end',
      broken('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"rev":'),
      'transport/truncated',
    ],
    [
      'a chunked body without its last chunk',
      broken(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"rev\r\n',
      ),
      'transport/truncated',
    ],
    [
      'a connection closed before the answer',
      (_, response) => void response.socket?.destroy(),
      'transport/offline',
    ],
  ])('%s is tried again, then reported', async (_, script, code) => {
    const { waits, ...rest } = await failure(script);
    expect(rest).toEqual({ code, tries: 4 });
    expect(waits).toHaveLength(3);
  });

  it('JSON that a proxy cut and relabelled is malformed, not empty', async () => {
    const text = JSON.stringify(OFFER).slice(0, 40);
    const script: Script = (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    expect(await failure(script)).toMatchObject({ code: 'transport/malformed', tries: 1 });
  });

  it('an answer of another shape names the field', async () => {
    const server = await start((_, response) => json(response, { ...OFFER, rev: -1 }));
    await expect(pollRound(connect(server.url).transport, 'churn', 0)).rejects.toThrow(/rev/);
  });

  it('an answer longer than allowed is not read to its end', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, 32);
    const script: Script = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        if (response.destroyed || sent > 64 * 1_048_576) return;
        sent += chunk.length;
        if (response.write(chunk)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    };
    expect(await failure(script)).toMatchObject({ code: 'transport/too-large', tries: 1 });
    expect(sent).toBeLessThan(32 * 1_048_576);
  });
});

describe('a connection that stands still', () => {
  it('before the answer times out', async () => {
    const script: Script = () => {};
    expect(await failure(script, { timeout: -25_000 + 150 })).toMatchObject({
      code: 'transport/timeout',
      tries: 4,
    });
  });

  it('inside the body times out', async () => {
    const script: Script = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"rev":');
    };
    expect(await failure(script, { timeout: -25_000 + 150 })).toMatchObject({
      code: 'transport/timeout',
      tries: 4,
    });
  });

  it('ends at once when the caller says so', async () => {
    const server = await start(() => {});
    const controller = new AbortController();
    const poll = pollRound(connect(server.url).transport, 'churn', 0, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(poll).rejects.toMatchObject({ code: 'transport/aborted' });
    await expect(
      pollRound(connect(server.url).transport, 'churn', 0, controller.signal),
    ).rejects.toMatchObject({
      code: 'transport/aborted',
    });
  });

  it('does not time out while the server parks a long poll', async () => {
    const server = await start((_, response) => void setTimeout(() => json(response, OFFER), 300));
    expect(await pollRound(connect(server.url, { timeout: 100 }).transport, 'churn', 0)).toEqual(OFFER);
  });

  it('drips through a slow proxy and is read whole', async () => {
    const bytes = Buffer.from(JSON.stringify(OFFER));
    const server = await start(async (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      response.end();
    });
    expect(await pollRound(connect(server.url).transport, 'churn', 0)).toEqual(OFFER);
  });
});

describe('trying again', () => {
  it('backs off with full jitter, doubling up to its limit', async () => {
    const random = (share: number) => (n: number) => {
      const bytes = new Uint8Array(n);
      new DataView(bytes.buffer).setUint32(0, share * 2 ** 32);
      return bytes;
    };
    const script: Script = (_, response) => void response.writeHead(502).end();
    const retry = { attempts: 6, base: 100, longest: 500 };
    expect((await failure(script, { retry, random: random(0.5) })).waits).toEqual([50, 100, 200, 250, 250]);
    expect((await failure(script, { retry, random: random(0) })).waits).toEqual([0, 0, 0, 0, 0]);
  });

  it('waits at least as long as Retry-After says, in seconds or as a date, within reason', async () => {
    const busy = (header: string): Script => {
      return (_, response) => problem(response, 503, 'request/busy', { 'retry-after': header });
    };
    const zero = {
      random: (n: number) => new Uint8Array(n),
      clock: () => Date.parse('2026-01-01T00:00:00Z'),
    };
    expect((await failure(busy('7'), zero)).waits).toEqual([7_000, 7_000, 7_000]);
    expect((await failure(busy('Thu, 01 Jan 2026 00:00:05 GMT'), zero)).waits[0]).toBe(5_000);
    expect((await failure(busy('999999999'), zero)).waits[0]).toBe(600_000);
    expect((await failure(busy('soon'), zero)).waits[0]).toBe(0);
  });

  it('holds a Retry-After for the answer that asked only', async () => {
    const script: Script = (_, response, nth) => {
      if (nth === 0) problem(response, 503, 'request/busy', { 'retry-after': '7' });
      else response.socket?.destroy();
    };
    expect((await failure(script, { random: (n: number) => new Uint8Array(n) })).waits).toEqual([
      7_000, 0, 0,
    ]);
  });

  it('recovers as soon as the server does', async () => {
    const server = await start((_, response, nth) =>
      nth < 2 ? void response.writeHead(503).end() : json(response, OFFER),
    );
    expect(await pollRound(connect(server.url).transport, 'churn', 0)).toEqual(OFFER);
    expect(server.received).toHaveLength(3);
  });

  it('never repeats what was refused', async () => {
    expect(await failure((_, response) => problem(response, 404, 'task/unknown'))).toEqual({
      code: 'task/unknown',
      tries: 1,
      waits: [],
    });
  });

  it('gives the detail of a problem, and refuses a problem that it does not know', async () => {
    const server = await start((_, response) => problem(response, 404, 'task/unknown'));
    await expect(fetchTask(connect(server.url).transport, 'x')).rejects.toMatchObject({
      detail: 'why',
      status: 404,
    });
    expect(await failure((_, response) => problem(response, 400, 'made/up'))).toMatchObject({
      code: 'transport/malformed',
    });
  });
});

describe('following a round', () => {
  it('through a proxy that buffers whole answers sees every state that stands while it looks', async () => {
    const revisions = [1, 2, 2, 3, 1];
    const server = await start((_, response, nth) => {
      const rev = revisions[nth];
      if (rev === undefined) response.writeHead(204).end();
      else json(response, { ...OFFER, rev });
    });
    const proxy = await bufferingProxy(new URL(server.url));
    open.push(proxy);
    const controller = new AbortController();
    const seen: number[] = [];
    for await (const { rev } of watchRound(connect(proxy.url).transport, 'churn', {
      signal: controller.signal,
    })) {
      seen.push(rev);
      if (seen.length === 4) controller.abort();
    }
    expect(seen).toEqual([1, 2, 3, 1]);
    expect(server.received.map(({ url }) => new URL(url, server.url).searchParams.get('after'))).toEqual([
      '0',
      '1',
      '2',
      '2',
      '3',
    ]);
  });

  it('goes on after every kind of trouble that passes', async () => {
    const server = await start((_, response, nth) => {
      if (nth === 0) response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
      else if (nth < 5) response.writeHead(407).end();
      else if (nth < 9) response.writeHead(502).end();
      else json(response, OFFER);
    });
    const controller = new AbortController();
    const troubles: unknown[] = [];
    const { transport, waits } = connect(server.url);
    const watch = { signal: controller.signal, onTrouble: (error: unknown) => void troubles.push(error) };
    for await (const offer of watchRound(transport, 'churn', watch)) {
      expect(offer).toEqual(OFFER);
      controller.abort();
    }
    expect(troubles.map((error) => (error as TransportError).code)).toEqual([
      'transport/not-the-coordinator',
      'transport/offline',
      'transport/unavailable',
    ]);
    expect(waits.length).toBeGreaterThanOrEqual(6);
  });

  it('ends with a problem that does not pass', async () => {
    const server = await start((_, response) => problem(response, 404, 'task/unknown'));
    const watch = watchRound(connect(server.url).transport, 'churn', {
      signal: new AbortController().signal,
    });
    await expect(watch.next()).rejects.toMatchObject({ code: 'task/unknown' });
  });

  it('does not spin on a server that answers without news at once', async () => {
    const controller = new AbortController();
    const server = await start((_, response, nth) => {
      if (nth === 9) controller.abort();
      response.writeHead(204, { 'retry-after': '60' }).end();
    });
    const { transport, waits } = connect(server.url);
    for await (const _ of watchRound(transport, 'churn', { signal: controller.signal })) expect.unreachable();
    expect(waits).toHaveLength(9);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(60_000);
  });
});

/** Passes an answer on only when it is complete, as inspecting proxies do. */
async function bufferingProxy(target: URL): Promise<{ url: string; close(): Promise<void> }> {
  const proxy = createServer((client) => {
    const upstream = createConnection(Number(target.port), target.hostname);
    const answer: Buffer[] = [];
    client.on('data', (chunk) =>
      upstream.write(
        chunk.toString('latin1').replace(/connection: keep-alive/i, 'connection: close'),
        'latin1',
      ),
    );
    upstream.on('data', (chunk) => answer.push(chunk));
    upstream.on('end', () => client.end(Buffer.concat(answer)));
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}
