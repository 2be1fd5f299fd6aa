/** Receivers are real: a TLS server, an HTTP server. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SecurityEvent } from '../../../coordinator/siem/event.ts';
import type { Loop } from '../../../coordinator/loop.ts';
import { startForwarding, type Sink } from '../../../coordinator/siem/forward.ts';
import { createSyslogSink } from '../../../coordinator/siem/syslog.ts';
import { createWebhookSink, signWebhook } from '../../../coordinator/siem/webhook.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { createRunTx } from '../../../coordinator/store/tx.ts';
import { createTestDatabase } from '../../support/postgres.ts';

const eventAt = (index: number): SecurityEvent => ({
  index,
  at: Date.UTC(2026, 10, 22),
  name: 'round.opened',
  message: 'A round was opened',
  severity: 'informational',
  activity: 'create',
  entity: { kind: 'round' },
  fields: {},
});
const line = ({ index }: SecurityEvent): string => `EVENT ${index}`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('syslog over TLS', () => {
  const pem = (name: string): Promise<string> => readFile(join(import.meta.dirname, 'tls', name), 'utf8');
  const receive = async (): Promise<{ port: number; text: () => string; sockets: TLSSocket[] }> => {
    let text = '';
    const sockets: TLSSocket[] = [];
    const server = createTlsServer({ cert: await pem('cert.pem'), key: await pem('key.pem') }, (socket) => {
      sockets.push(socket);
      socket.on('data', (part: Buffer) => (text += part.toString()));
      socket.on('error', () => undefined);
    });
    const port = await listen(server);
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { port, text: () => text, sockets };
  };

  it('sends each event as a counted frame, and opens the connection again after it broke', async () => {
    const { port, text, sockets } = await receive();
    const sink = createSyslogSink({ host: 'localhost', port, ca: await pem('cert.pem') }, line);
    closing.push(() => sink.close());
    await sink.send([eventAt(1), eventAt(2)]);
    await expect.poll(text).toMatch(/^\d+ <86>1 .*EVENT 1\d+ <86>1 .*EVENT 2$/s);
    const [length] = text().split(' ');
    expect(
      Buffer.from(text())
        .subarray(length!.length + 1, length!.length + 1 + Number(length))
        .toString(),
    ).toMatch(/EVENT 1$/);
    sockets[0]!.destroy();
    await expect
      .poll(async () => {
        await sink.send([eventAt(3)]).catch(() => undefined);
        return text();
      })
      .toMatch(/EVENT 3/);
  });

  it('tells nothing to a receiver whose certificate it was not told to believe', async () => {
    const { port, text } = await receive();
    const sink = createSyslogSink({ host: 'localhost', port }, line);
    closing.push(() => sink.close());
    await expect(sink.send([eventAt(1)])).rejects.toThrow(/self-signed/);
    expect(text()).toBe('');
  });
});

describe('webhook', () => {
  const secret = new Uint8Array(32).fill(7);
  const receive = async (
    status: number,
  ): Promise<{ url: string; requests: { headers: Record<string, unknown>; body: string }[] }> => {
    const requests: { headers: Record<string, unknown>; body: string }[] = [];
    const server = createHttpServer((req, res) => {
      let body = '';
      req.on('data', (part: Buffer) => (body += part.toString()));
      req.on('end', () => {
        requests.push({ headers: req.headers, body });
        res.writeHead(status, { location: '/elsewhere' }).end();
      });
    });
    const port = await listen(server);
    closing.push(() => server.close());
    return { url: `http://127.0.0.1:${port}/`, requests };
  };

  it('is signed over id, time and body', async () => {
    const { url, requests } = await receive(204);
    const sink = createWebhookSink({ url, secret }, line, () => 1_700_000_000_123);
    await sink.send([eventAt(4), eventAt(5)]);
    const [{ headers, body }] = requests as [(typeof requests)[0]];
    expect(body).toBe('EVENT 4\nEVENT 5\n');
    expect(headers).toMatchObject({ 'webhook-id': '4-5', 'webhook-timestamp': '1700000000' });
    const mac = createHmac('sha256', secret).update(`4-5.1700000000.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
    expect(signWebhook({ id: '4-5', timestamp: '1700000000', body }, new Uint8Array(32))).not.toBe(
      `v1,${mac}`,
    );
  });

  it.each([500, 403, 302])('%d is not delivered', async (status) => {
    const { url } = await receive(status);
    await expect(createWebhookSink({ url, secret }, line, Date.now).send([eventAt(1)])).rejects.toThrow(
      /answers|redirect|fetch failed/,
    );
  });
});

describe('forwarding', () => {
  let db: Db;
  beforeAll(async () => {
    db = openDatabase(await createTestDatabase(), () => undefined);
    await migrate(db);
  });
  afterAll(() => db.destroy());

  const forward = (name: string, sink: Partial<Sink>, size: () => number): Loop => {
    const runTx = createRunTx({ db, onRetry: () => undefined });
    const read = (_: Db, from: number, limit: number): Promise<SecurityEvent[]> => {
      const count = Math.max(0, Math.min(limit, size() - from));
      return Promise.resolve(Array.from({ length: count }, (__, i) => eventAt(from + i)));
    };
    const forwarder = startForwarding({
      name,
      sink: { send: () => Promise.resolve(), close: () => undefined, ...sink },
      runTx,
      read,
      onError: () => undefined,
    });
    closing.push(forwarder.stop);
    return forwarder;
  };

  it('carries every entry once and in order, over restarts, and while the log grows', async () => {
    const got: number[] = [];
    const send = (events: readonly SecurityEvent[]): Promise<void> => {
      got.push(...events.map(({ index }) => index));
      return Promise.resolve();
    };
    let size = 450;
    const first = forward('growing', { send }, () => size);
    await expect.poll(() => got.length).toBe(450);
    await first.stop();
    size = 700;
    const second = forward('growing', { send }, () => size);
    await expect.poll(() => got.length).toBe(700);
    size = 701;
    second.wake();
    await expect.poll(() => got.length).toBe(701);
    expect(got).toEqual(Array.from({ length: 701 }, (_, i) => i));
  });

  it('sends again what a receiver refused, from the first entry that it did not take', async () => {
    const got: number[] = [];
    let failures = 1;
    const send = (events: readonly SecurityEvent[]): Promise<void> => {
      if (failures-- > 0) return Promise.reject(new Error('not now'));
      got.push(...events.map(({ index }) => index));
      return Promise.resolve();
    };
    forward('refusing', { send }, () => 3);
    await expect.poll(() => got, { timeout: 10_000 }).toEqual([0, 1, 2]);
  });

  it('two processes on one database do not send the same entries', async () => {
    const got: number[] = [];
    const send = async (events: readonly SecurityEvent[]): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      got.push(...events.map(({ index }) => index));
    };
    for (let i = 0; i < 2; i++) forward('shared', { send }, () => 1_000);
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(1_000);
    expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });
});
