/**
 * The host app of the demo, on this machine alone: it serves the two pages, keeps a pseudonym per browser and, as a bank's back end
 * would, issues credentials for their device keys. For pages that only look it passes on public reads of the coordinator; a
 * twin talks to the coordinator itself.
 *
 * Who controls an input: any page that this machine's browsers visit can send requests here. So the address asked for must be ours (a name
 * that was bound to 127.0.0.1 is refused), and whoever asks for a credential must be one of our pages.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendJson } from './answer.ts';
import type { Issuer } from './credentials.ts';
import { createHostApp } from './host-app.ts';
import { PAGES, type DemoInfo } from './info.ts';
import { passOn } from './reads.ts';
import { readPages, sendPage, type PageFiles } from './static.ts';

export interface PagesServer {
  /** Without a slash at the end. */
  origin: string;
  /** Stops listening and ends what is open. */
  close(): Promise<void>;
}

export interface PagesServerOptions {
  /** Folder of the built pages. */
  folder: string;
  /** Taken if it is free; 0 or a taken one: any. */
  port: number;
  info: () => DemoInfo;
  /** Null until its key is made. */
  issuer: () => Issuer | null;
}

export const HOST = '127.0.0.1';

export async function startPagesServer(options: PagesServerOptions): Promise<PagesServer> {
  const files = await readPages(options.folder);
  const hostApp = createHostApp(options.issuer);
  let origin = '';
  const server = createServer((request, response) => {
    answer({ ...options, files, hostApp, origin }, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  origin = `http://${HOST}:${await listen(server, options.port)}`;
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const HOST_APP: readonly string[] = [PAGES.session, PAGES.records, PAGES.credential];

interface Deps extends PagesServerOptions {
  files: PageFiles;
  hostApp: ReturnType<typeof createHostApp>;
  origin: string;
}

async function answer(deps: Deps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { origin, info, files, hostApp } = deps;
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  const url = new URL(request.url ?? '/', origin);
  if (request.headers.host !== new URL(origin).host) {
    // The coordinator knows the pages by one origin: another name of this machine would be another one.
    const ours = request.headers.host?.startsWith('localhost:') === true && request.method === 'GET';
    response.writeHead(ours ? 302 : 421, ours ? { location: origin + url.pathname } : {}).end();
    return;
  }
  const { pathname } = url;
  if (pathname === PAGES.info) return sendJson(response, info());
  if (HOST_APP.includes(pathname)) return hostApp(request, response, pathname, origin);
  if (request.method !== 'GET') {
    response.writeHead(405).end();
    return;
  }
  if (pathname.startsWith(`${PAGES.coordinator}/`))
    return passOn(info().coordinatorUrl, pathname.slice(PAGES.coordinator.length), url.search, response);
  if (pathname === '/') {
    response.writeHead(302, { location: PAGES.account }).end();
    return;
  }
  sendPage(files, pathname, info().coordinatorUrl, response);
}

async function listen(server: Server, wanted: number): Promise<number> {
  const attempt = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await attempt(wanted).catch(() => attempt(0));
  return (server.address() as AddressInfo).port;
}
