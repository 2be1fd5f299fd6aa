/** The built pages, read once: what is not among them is not found, so no path of a request ever touches the disk. */
import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { DemoError } from '../errors.ts';
import { PAGES } from './info.ts';

/** By path of the address. */
export type PageFiles = ReadonlyMap<string, { bytes: Buffer; mediaType: string }>;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** @throws DemoError 'demo/environment' where the pages are not built */
export async function readPages(folder: string): Promise<PageFiles> {
  const files = new Map<string, { bytes: Buffer; mediaType: string }>();
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const path = `/${name.split(sep).join('/')}`;
    files.set(path.replace(/index\.html$/, ''), { bytes: await readFile(join(folder, name)), mediaType });
  }
  for (const page of [PAGES.account, PAGES.status])
    if (!files.has(page))
      throw new DemoError('demo/environment', `${folder} lacks the demo's pages. Run "npm run build" first.`);
  return files;
}

/** @param coordinatorUrl where twins in these pages may send; null: nowhere */
export function sendPage(
  files: PageFiles,
  path: string,
  coordinatorUrl: string | null,
  response: ServerResponse,
): void {
  const file = files.get(path);
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  const immutable = path.startsWith('/assets/');
  response.writeHead(200, {
    'content-type': file.mediaType,
    'content-length': file.bytes.length,
    'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-store',
    // Workers have a policy of their own: that of their script's answer.
    'content-security-policy': path === PAGES.status ? STATUS_POLICY : twinPolicy(coordinatorUrl),
  });
  response.end(file.bytes);
}

/** Nothing may be evaluated, written inline or fetched from a third place. */
function policy(scripts: string, connections: string): string {
  return [
    `default-src 'self'`,
    `script-src ${scripts}`,
    `connect-src ${connections}`,
    `object-src 'none'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
  ].join('; ');
}

const STATUS_POLICY = policy(`'self'`, `'self'`);

/** A twin needs WebAssembly (libsodium, tfjs), and sends to its coordinator itself. */
function twinPolicy(coordinatorUrl: string | null): string {
  return policy(`'self' 'wasm-unsafe-eval'`, coordinatorUrl === null ? `'self'` : `'self' ${coordinatorUrl}`);
}
