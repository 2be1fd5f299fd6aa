/**
 * A bank's page with `<twinkeep-consent>` as docs/embed.md says: two plain script tags, a policy without any style or inline script, and a
 * back end that signs a person in. Behind it a real coordinator, so that receipts come from a real log.
 */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import type { TaskSpec } from '@twinkeep/protocol';
import { base64UrlToBytes } from '@twinkeep/audit';
import { importSigningKey, issueCredential } from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { createWorld, smallTask, type World } from '../../support/world.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CACHE = join(ROOT, 'node_modules/.cache');

export const CONTROLLER = 'Example Bank';
export const PURPOSES = {
  service: 'https://w3id.org/dpv#ServicePersonalisation',
  fraud: 'https://w3id.org/dpv#FraudPreventionAndDetection',
} as const;
const NEEDED: Category[] = ['transactional', 'behavioral'];

export interface Bank {
  origin: string;
  world: World;
  /** Address of the page for somebody who was never here before. */
  visit(query?: Record<string, string>): string;
  stop(): Promise<void>;
}

export async function startBank(): Promise<Bank> {
  const folder = await bundles();
  let world: World | null = null;
  const server = createServer((request, response) => {
    void answer(request, folder, world).then(({ status, type, body }) => {
      response.writeHead(status, { 'content-type': type, 'content-security-policy': policy(world) });
      response.end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = await createWorld(1, undefined, [origin]);
  await world.coordinator.start();
  for (const task of TASKS) await world.publish(task);
  const started = world;
  return {
    ...{ origin, world },
    visit(query = {}) {
      const subject = randomBytes(16).toString('base64url');
      return `${origin}/?${new URLSearchParams({ subject, ...query }).toString()}`;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await started.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One purpose with every category, and a second one with those that it needs. */
const TASKS: TaskSpec[] = [
  smallTask('element-service', {
    purpose: PURPOSES.service,
    categories: { required: NEEDED, optional: CATEGORIES.filter((category) => !NEEDED.includes(category)) },
  }),
  smallTask('element-fraud', {
    purpose: PURPOSES.fraud,
    categories: { required: ['transactional'], optional: ['contextual'] },
  }),
];

/** No `style-src`, so nothing inline and no style sheet is allowed: the element brings its own, constructed. */
function policy(world: World | null): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `connect-src 'self' ${world?.url ?? ''}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

const PAGE = `<!doctype html>
<html>
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Bank</title></head>
  <body>
    <main><h1>Bank</h1>
    <script src="/twinkeep-consent.js"></script><twinkeep-consent></twinkeep-consent></main>
    <script src="/twinkeep.iife.js"></script><script src="/host.js"></script>
  </body>
</html>`;

/** What the bank wrote itself. `host` is for the test. */
const HOST = `
const query = new URLSearchParams(location.search);
const element = document.querySelector('twinkeep-consent');
document.documentElement.lang = query.get('lang') ?? 'en';
document.documentElement.dir = query.get('dir') ?? 'ltr';
document.documentElement.style.colorScheme = query.get('scheme') ?? 'light';
if (query.has('purpose')) element.setAttribute('purpose', query.get('purpose'));
const host = { changes: [], errors: [], violations: [], twin: null };
globalThis.host = host;
addEventListener('securitypolicyviolation', (event) => host.violations.push(event.violatedDirective));
addEventListener('twinkeep-consent-change', ({ detail }) => host.changes.push(detail));
addEventListener('twinkeep-consent-error', ({ detail }) => host.errors.push(detail));
const subject = query.get('subject');
element.texts = {
  controller: '${CONTROLLER}',
  parties: {
    controller: {
      id: 'https://bank.example', name: '${CONTROLLER}', type: 'Bank', email: 'privacy@bank.example',
      address: { street: 'Example Street 1', city: 'Exampletown', postalCode: '00000', country: 'DE' },
    },
    recipients: [], service: 'Example app', policy: 'https://bank.example/privacy',
    withdrawal: 'https://bank.example/account',
  },
  notice: { href: '/notice', paragraphs: ['What the bank says first.', 'What the bank says then.'] },
};
fetch('/twin/config?subject=' + subject).then(async (answer) => {
  host.twin = await Twinkeep.createTwin({
    ...(await answer.json()),
    credential: async (deviceKey) =>
      (await fetch('/twin/credential', { method: 'POST', body: JSON.stringify({ subject, deviceKey }) })).text(),
    worker: () => new Worker('/worker.js', { type: 'module' }),
  });
  element.twin = host.twin;
});
`;

interface Answer {
  status: number;
  type: string;
  body: string | Uint8Array;
}

async function answer(request: IncomingMessage, folder: string, world: World | null): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://bank');
  const page = { status: 200, type: 'text/html' };
  if (pathname === '/') return { ...page, body: PAGE };
  if (pathname === '/notice') return { ...page, body: '<!doctype html><title>Notice</title>' };
  if (pathname === '/host.js') return { status: 200, type: 'text/javascript', body: HOST };
  if (pathname === '/twin/config' && world !== null)
    return {
      ...{ status: 200, type: 'application/json' },
      body: JSON.stringify(config(world, searchParams.get('subject') ?? '')),
    };
  if (pathname === '/twin/credential' && world !== null)
    return { status: 200, type: 'text/plain', body: await issue(world, request) };
  return readFile(join(folder, pathname)).then(
    (body) => ({ status: 200, type: 'text/javascript', body }),
    () => ({ status: 404, type: 'text/plain', body: 'not here' }),
  );
}

function config({ url, parties }: World, subject: string): object {
  const notice = { id: 'notice', version: '7', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };
  const { trust } = parties;
  const tasks = TASKS.map(({ taskId }) => taskId);
  return { coordinatorUrl: url, trust, controller: 'https://bank.example', subject, tasks, notice };
}

async function issue({ folder, parties }: World, request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { subject, deviceKey } = JSON.parse(body) as { subject: string; deviceKey: string };
  const key = JSON.parse(await readFile(join(folder, 'issuer/key.json'), 'utf8')) as Parameters<
    typeof importSigningKey
  >[0];
  const { issuer, coordinator } = parties.trust;
  return issueCredential(
    { sub: subject, devicePublicKey: base64UrlToBytes(deviceKey), maxTwins: 1, scope: 'device' },
    { id: issuer.id, key: await importSigningKey(key) },
    coordinator.id,
    new Date(),
    3_600,
  );
}

/** As `npm run bundle` makes them. @returns their folder */
async function bundles(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'twinkeep-bank-'));
  for (const mode of ['page', 'worker', 'element'])
    await build({
      configFile: join(ROOT, 'edge-client/vite.config.mjs'),
      mode,
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: false },
    });
  return folder;
}
