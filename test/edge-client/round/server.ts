/** The test's coordinator behind HTTP: the addresses that a device uses, with nonces, proofs and credentials checked. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  decodeReport,
  MEDIA,
  PATHS,
  ProblemError,
  problemToDocument,
  randomBytes,
  statementHash,
  verifyCredential,
  verifyProof,
  type RoundOffer,
} from '@twinkeep/protocol';
import type { ServerResponse } from 'node:http';
import { serve, type Received, type TestServer } from '../transport/server.ts';
import type { TestCoordinator } from './coordinator.ts';

export interface TestWorld {
  server: TestServer;
  /** What the next poll reads. */
  offer: RoundOffer | null;
  /** Bytes of accepted reports by device key. */
  reports: Map<string, Uint8Array>;
  /** Called before a report is looked at; may answer in its place. */
  intercept: (request: Received, response: ServerResponse, nth: number) => boolean;
  /** Nonces handed out, newest last; only the newest is taken. */
  nonces: string[];
  now: number;
}

export async function serveCoordinator(coordinator: TestCoordinator, now: number): Promise<TestWorld> {
  const world: TestWorld = {
    server: undefined as unknown as TestServer,
    offer: null,
    reports: new Map(),
    intercept: () => false,
    nonces: [nonce()],
    now,
  };
  let puts = 0;
  world.server = await serve(async (request, response) => {
    try {
      if (request.method === 'PUT' && world.intercept(request, response, puts++)) return;
      await route(coordinator, world, request, response);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      answer(world, response, error.status, MEDIA.problem, JSON.stringify(problemToDocument(error)));
    }
  });
  return world;
}

async function route(
  coordinator: TestCoordinator,
  world: TestWorld,
  request: Received,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url, world.server.url);
  const json = (value: unknown): void => answer(world, response, 200, MEDIA.json, JSON.stringify(value));
  if (request.method === 'GET' && (request.headers.authorization ?? request.headers['dpop']) !== undefined)
    throw new Error('a read carried an identity');
  if (pathname === PATHS.nonce) return answer(world, response, 204);
  if (pathname === PATHS.consistency) {
    const [from, to] = [Number(searchParams.get('from')), Number(searchParams.get('to'))];
    const { proof } = await coordinator.log.consistencyProof(from, to);
    return json({ from, to, proof: proof.map(bytesToBase64Url) });
  }
  if (pathname.endsWith('/results')) {
    const after = Number(searchParams.get('after'));
    return json({ results: coordinator.results.filter(({ result }) => result.statement.body.round > after) });
  }
  if (pathname.startsWith('/v1/models/')) {
    const model = coordinator.models.get(pathname.slice('/v1/models/'.length));
    if (model === undefined) throw new ProblemError('model/unknown');
    return answer(world, response, 200, MEDIA.model, Buffer.from(model));
  }
  if (request.method === 'PUT' && pathname.includes('/reports/'))
    return takeReport(coordinator, world, request, response);
  throw new ProblemError('request/not-found');
}

async function takeReport(
  { trust }: TestCoordinator,
  world: TestWorld,
  { method, url, headers, body }: Received,
  response: ServerResponse,
): Promise<void> {
  const jwt = /^DPoP (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (jwt === undefined) throw new ProblemError('auth/missing');
  const credential = await verifyCredential(jwt, trust, new Date(world.now));
  const asked = { method, url: `${world.server.url}${url}`, credential: jwt };
  const proof = await verifyProof(String(headers['dpop']), asked, new Date(world.now));
  if (proof.jkt !== credential.jkt) throw new ProblemError('auth/proof');
  if (proof.nonce !== world.nonces.at(-1)) throw new ProblemError('auth/nonce');
  const statement = world.offer!.config!.statement;
  if (world.offer!.phase !== 'collecting') throw new ProblemError('round/closed');
  const report = decodeReport(body, statement.body, statementHash(statement));
  const known = world.reports.get(proof.kid);
  if (known !== undefined && !Buffer.from(known).equals(body)) throw new ProblemError('report/duplicate');
  world.reports.set(proof.kid, Uint8Array.from(body));
  const receipt = {
    status: 'accepted',
    rcHash: bytesToBase64Url(statementHash(statement)),
    headerHash: bytesToBase64Url(sha256(report.headerBytes)),
  };
  answer(world, response, 202, MEDIA.json, JSON.stringify(receipt));
}

/** Every answer brings the nonce for the next request, as RFC 9449 section 8.2 allows. */
function answer(
  world: TestWorld,
  response: ServerResponse,
  status: number,
  type?: string,
  body?: string | Buffer,
): void {
  world.nonces.push(nonce());
  response.writeHead(status, {
    'dpop-nonce': world.nonces.at(-1)!,
    ...(type === undefined ? {} : { 'content-type': type }),
  });
  response.end(body);
}

function nonce(): string {
  return bytesToBase64Url(randomBytes(12));
}
