/** Whoever stands between a page and its coordinator: it may change an answer, break a connection, and look at what is sent. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ManInTheMiddle {
  url: string;
  /** Port of the coordinator behind it. */
  target: number;
  /** Given a request and the whole answer's body, the body that is passed on. */
  tamper: ((request: Passed, body: Buffer) => Buffer) | null;
  /** Requests that get no answer: before they reach the coordinator, or after it has answered. */
  lose: ((request: Passed) => 'before' | 'after' | null) | null;
  /** Reports of pages that passed or were lost, in order. */
  reports: Buffer[];
  close(): void;
}

export interface Passed {
  method: string;
  url: string;
}

export async function startManInTheMiddle(): Promise<ManInTheMiddle> {
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then((sent) => {
      const passed = { method: incoming.method ?? '', url: incoming.url ?? '' };
      const fromPage = incoming.headers.origin !== undefined;
      if (fromPage && passed.method === 'PUT' && passed.url.includes('/reports/')) self.reports.push(sent);
      const lost = self.lose?.(passed) ?? null;
      if (lost === 'before') return void outgoing.destroy();
      const { method, url: path, headers } = incoming;
      const forward = request({ host: '127.0.0.1', port: self.target, method, path, headers }, (answer) => {
        void bodyOf(answer).then((body) => {
          if (lost === 'after') return void outgoing.destroy();
          const changed = self.tamper?.(passed, body) ?? body;
          const { 'content-length': _, 'transfer-encoding': __, ...rest } = answer.headers;
          outgoing.writeHead(answer.statusCode ?? 502, { ...rest, 'content-length': changed.length });
          outgoing.end(changed);
        });
      });
      forward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forward.destroy());
      forward.end(sent);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: ManInTheMiddle = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: 0,
    tamper: null,
    lose: null,
    reports: [],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return self;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // A side that goes away leaves nothing to pass on.
  for await (const chunk of message.on('error', () => {})) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
