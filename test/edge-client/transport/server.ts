/** A loopback server whose answers a test writes itself, byte by byte if need be. */
import { randomBytes } from '@twinkeep/protocol';
import {
  createTransport,
  type RetryPolicy,
  type Transport,
  type TransportOptions,
} from '@twinkeep/edge-client/fleet';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export type Script = (request: Received, response: ServerResponse, nth: number) => void | Promise<void>;

export interface TestServer {
  url: string;
  received: Received[];
  close(): Promise<void>;
}

export async function serve(script: Script): Promise<TestServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks) };
    received.push(seen);
    await script(seen, response, received.length - 1);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    .end(JSON.stringify({ type: `urn:twinkeep:problem:${code}`, title: 't', status, code, detail: 'why' }));
}

export interface Waits {
  transport: Transport;
  /** Milliseconds that the transport would have slept. */
  waits: number[];
}

export const FAST: RetryPolicy = { attempts: 4, base: 100, longest: 1_000 };

/** A transport whose waits are counted instead of waited. */
export function connect(baseUrl: string, options: Partial<TransportOptions> = {}): Waits {
  const waits: number[] = [];
  const transport = createTransport({
    baseUrl,
    fetch: globalThis.fetch,
    clock: Date.now,
    random: randomBytes,
    retry: FAST,
    timeout: 2_000,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
    },
    ...options,
  });
  return { transport, waits };
}
