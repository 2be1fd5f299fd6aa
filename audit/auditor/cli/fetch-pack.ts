/** Asking a coordinator for a pack, as an officer: a credential, and a proof of its key with the server's nonce for each request. */
import {
  createProof,
  EVIDENCE_PATH,
  importSigningKey,
  MAX_EVIDENCE_BYTES,
  MEDIA,
  type EvidenceRequest,
} from '@twinkeep/protocol';
import { UsageError } from './given.ts';
import type { Officer } from './evidence-command.ts';

const ATTEMPTS = 10;
const PAUSE_MILLIS = 1_000;

/** @throws UsageError with what the coordinator says where it refuses */
export async function fetchPack(officer: Officer, request: EvidenceRequest): Promise<Uint8Array> {
  const url = officer.url + EVIDENCE_PATH;
  const key = await importSigningKey(officer.key).catch(() => {
    throw new UsageError('--key holds no private Ed25519 key (JWK)');
  });
  let nonce: string | null = null;
  for (let attempt = 1; ; attempt++) {
    const proof = await createProof(
      key,
      { method: 'POST', url, credential: officer.credential, ...(nonce === null ? {} : { nonce }) },
      new Date(),
    );
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'Content-Type': MEDIA.json, DPoP: proof, Authorization: `DPoP ${officer.credential}` },
      body: JSON.stringify(request),
    }).catch((error: unknown) => {
      throw new UsageError(`cannot reach ${officer.url}: ${causeOf(error)}`);
    });
    nonce = response.headers.get('DPoP-Nonce') ?? nonce;
    if (response.ok) return readBounded(response);
    const problem = (await response.json().catch(() => ({}))) as {
      code?: string;
      title?: string;
      detail?: string;
    };
    const mayTryAgain = problem.code === 'auth/nonce' || problem.code === 'request/busy';
    if (!mayTryAgain || attempt === ATTEMPTS) throw new UsageError(refusal(response.status, problem));
    if (problem.code === 'request/busy') await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_EVIDENCE_BYTES) throw new UsageError('the coordinator sends more than a pack may have');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function refusal(
  status: number,
  { code, title, detail }: { code?: string; title?: string; detail?: string },
): string {
  return `the coordinator refuses (${status}${code === undefined ? '' : `, ${code}`})${title === undefined ? '' : `: ${title}`}${detail === undefined ? '' : `: ${detail}`}`;
}

function causeOf(error: unknown): string {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? cause.message : error instanceof Error ? error.message : 'no connection';
}
