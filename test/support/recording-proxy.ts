/** A plain HTTP proxy in front of the coordinator that keeps every byte of every request and answer, as a network operator could. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordingProxy {
  url: string;
  /** Port of the coordinator behind it. */
  target: number;
  /** Everything that passed so far: request lines, headers, bodies. */
  recorded(): Uint8Array;
  close(): void;
}

export async function startRecordingProxy(): Promise<RecordingProxy> {
  const chunks: Uint8Array[] = [];
  const text = (value: string): void => void chunks.push(new TextEncoder().encode(value));
  const server = createServer((incoming, outgoing) => {
    text(`${incoming.method} ${incoming.url}\n${incoming.rawHeaders.join('\n')}\n\n`);
    const forward = request(
      {
        host: '127.0.0.1',
        port: proxy.target,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      (answer) => {
        text(`${answer.statusCode}\n${answer.rawHeaders.join('\n')}\n\n`);
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        answer.pipe(outgoing);
      },
    );
    forward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forward.destroy());
    incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    incoming.pipe(forward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: RecordingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: 0,
    recorded: () => Buffer.concat(chunks),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
