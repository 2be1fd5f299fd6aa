/** Whoever stands between a page and its coordinator: it may change an answer, break a connection, and look at what is sent. */
import { PATHS } from '@twinkeep/protocol';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request: it never arrives, half of its body does, or it does and its answer is lost. */
export type Loss = 'before' | 'half' | 'after';

export interface ManInTheMiddle {
  url: string;
  /** Port of the coordinator behind it. */
  target: number;
  /** Given a request and the whole answer's body, the body that is passed on. */
  tamper: ((asked: Asked, body: Buffer) => Buffer) | null;
  lose: ((asked: Asked) => Loss | null) | null;
  /** Reports of pages that passed or were lost, in order. */
  reports: Buffer[];
  /** What was lost, once it is: after the coordinator has answered, where the answer is lost. */
  lost: (Asked & { how: Loss })[];
  /** Lets everything pass, and forgets what it saw. */
  reset(): void;
  close(): void;
}

export type Asked = { kind: 'report' | 'model' | 'round' | 'other'; url: string };

export async function startManInTheMiddle(): Promise<ManInTheMiddle> {
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then((sent) => {
      const asked = { kind: kindOf(incoming), url: incoming.url ?? '' };
      // Other parties come this way too; a page says where it is from.
      if (asked.kind === 'report' && incoming.headers.origin !== undefined) self.reports.push(sent);
      const how = incoming.headers.origin === undefined ? null : (self.lose?.(asked) ?? null);
      const lose = (): void => {
        outgoing.destroy();
        if (how !== null) self.lost.push({ ...asked, how });
      };
      if (how === 'before') return lose();
      const { method, url: path, headers } = incoming;
      const forward = request({ host: '127.0.0.1', port: self.target, method, path, headers }, (answer) => {
        void bodyOf(answer).then((body) => {
          if (how !== null) return lose();
          const changed = self.tamper?.(asked, body) ?? body;
          const { 'content-length': _, 'transfer-encoding': __, ...rest } = answer.headers;
          outgoing.writeHead(answer.statusCode ?? 502, { ...rest, 'content-length': changed.length });
          outgoing.end(changed);
        });
      });
      forward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forward.destroy());
      if (how !== 'half') return void forward.end(sent);
      forward.write(sent.subarray(0, sent.length / 2), () => {
        forward.destroy();
        lose();
      });
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
    lost: [],
    reset: () => void Object.assign(self, { tamper: null, lose: null, reports: [], lost: [] }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return self;
}

function kindOf({ method, url = '' }: IncomingMessage): Asked['kind'] {
  const { pathname } = new URL(url, 'http://coordinator');
  const isAt = (path: string): boolean => new RegExp(`^${path}$`).test(pathname);
  if (method === 'PUT' && isAt(PATHS.report('[^/]+', '[^/]+'))) return 'report';
  if (method !== 'GET') return 'other';
  if (isAt(PATHS.model('[^/]+'))) return 'model';
  return isAt(PATHS.round('[^/]+')) ? 'round' : 'other';
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // A side that goes away leaves nothing to pass on.
  for await (const chunk of message.on('error', () => {})) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
