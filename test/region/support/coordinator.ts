/** As much of a coordinator's HTTP surface as a node needs to deliver consents; what it answers is the test's to say. */
import { bytesToBase64Url, createLeaf, createLog, type Ed25519Signer } from '@twinkeep/audit';
import { consentEventId } from '@twinkeep/consent';
import { randomBytes, type ConsentReceipt, type ProblemCode } from '@twinkeep/protocol';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMemoryLogState, createMemoryLogStore } from '../../support/memory-log-store.ts';
import { LOG_ORIGIN } from './parties.ts';

export interface ConsentServer {
  url: string;
  /** Every batch that arrived, answered or not. */
  batches: string[][];
  /** Events that it has taken, by id, with their receipts. */
  log: Map<string, ConsentReceipt>;
  /** `hang`: takes the events and never says so. A code: refuses batches that hold an event that `bad` names. */
  mode: 'answer' | 'hang' | 'down';
  /** What it says of any task: that it is not published, or something that is no task. */
  tasks: 'unknown' | 'nonsense';
  bad: (jws: string) => ProblemCode | null;
  /** What it makes of its answer. */
  lie: (receipts: ConsentReceipt[]) => ConsentReceipt[];
  close(): Promise<void>;
}

/** @param signer of the log that the parties trust */
export async function startConsentServer(signer: Ed25519Signer): Promise<ConsentServer> {
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: ConsentServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: [],
    log: new Map(),
    mode: 'answer',
    tasks: 'unknown',
    bad: () => null,
    lie: (receipts) => receipts,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.setHeader('dpop-nonce', 'nonce');
    if (req.url === '/v1/nonce') return void res.writeHead(204).end();
    if (req.url !== '/v1/consents' && state.tasks === 'nonsense')
      return void res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    if (req.url !== '/v1/consents') return problem(res, 404, 'task/unknown');
    if (state.mode === 'down') return void req.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { events } = JSON.parse(Buffer.concat(chunks).toString()) as { events: string[] };
    state.batches.push(events);
    const code = events.map(state.bad).find((found) => found !== null);
    if (code !== undefined) return problem(res, 400, code);
    const receipts = state.lie(await take(events));
    if (state.mode === 'hang') return;
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ receipts }));
  }

  const log = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin: LOG_ORIGIN });

  async function take(events: readonly string[]): Promise<ConsentReceipt[]> {
    const receipts: ConsentReceipt[] = [];
    for (const jws of events) {
      const event = consentEventId(jws);
      const receipt = state.log.get(event) ?? { event, ...(await append(jws)) };
      state.log.set(event, receipt);
      receipts.push(receipt);
    }
    return receipts;
  }

  async function append(jws: string): Promise<Omit<ConsentReceipt, 'event'>> {
    const salt = randomBytes(32);
    const { leaf } = createLeaf({ type: 'consent', at: new Date(), body: jws, salt });
    const { firstIndex: index } = await log.append([leaf]);
    return {
      index,
      leaf: bytesToBase64Url(leaf),
      salt: bytesToBase64Url(salt),
      proof: await log.receipt(index),
    };
  }

  return state;
}

function problem(res: ServerResponse, status: number, code: string): void {
  res
    .writeHead(status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ type: `urn:twinkeep:problem:${code}`, title: code, status, code }));
}
