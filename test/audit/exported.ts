import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

import {
  bytesToBase64Url,
  createLeaf,
  createLog,
  createNoteKey,
  createSigner,
  exportLog,
  noteKeyToVkey,
  verifyExport,
  type Ed25519Verify,
  type ExportEntry,
  type ExportReport,
  type LogHead,
  type Sha256,
  type VerifyExportOptions,
} from '@twinkeep/audit';

import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';

export const origin = 'bank.example/twinkeep';
export const signer = createSigner(new Uint8Array(32).fill(4));
export const vkey: string = noteKeyToVkey(createNoteKey(origin, signer.publicKey));

/** Seven entries, of which the third and the last are public. */
export const entries: ExportEntry[] = [
  entry('consent.granted', { subject: 'psn_1' }),
  entry('consent.granted', { subject: 'psn_2' }),
  entry('task.published', { name: 'churn', floor: { minCohort: 8 }, label: 'Kündigung "bald"\n' }, true),
  entry('consent.withdrawn', { subject: 'psn_1' }),
  entry('round.configured', { round: 1 }),
  entry('round.set', { round: 1, reports: 3 }),
  entry('round.result', [1, 2.5, null], true),
];

/** The heads of the log after each of the entries. */
export async function logHeads(): Promise<LogHead[]> {
  const log = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin });
  const heads: LogHead[] = [];
  for (const { leaf } of entries) heads.push((await log.append([leaf])).head);
  return heads;
}

export async function exportedText(head: LogHead): Promise<string> {
  const covered = entries.slice(0, head.size);
  const disclosed = covered.filter(({ disclosure }) => disclosure !== undefined).length;
  let text = '';
  for await (const line of exportLog({ head, origin, disclosed, entries: covered })) text += line;
  return text;
}

/** Verifies with native SHA-256 and Ed25519, since the tests do so thousands of times. */
export function verifyBytes(
  bytes: Uint8Array,
  options: Partial<VerifyExportOptions> = {},
  chunkSize = 1 << 20,
): Promise<ExportReport> {
  return verifyExport(chunksOf(bytes, chunkSize), {
    vkey,
    hash: nativeSha256,
    verify: nativeVerify,
    ...options,
  });
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // One buffer for all, as a stream may do that reads into its own.
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

const nativeSha256: Sha256 = (data) => new Uint8Array(createHash('sha256').update(data).digest());

const nativeKeys = new Map<string, KeyObject>();
const nativeVerify: Ed25519Verify = (signature, message, publicKey) => {
  const x = bytesToBase64Url(publicKey);
  const key = nativeKeys.get(x) ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  nativeKeys.set(x, key);
  return verify(null, message, key, signature);
};

function entry(type: string, body: unknown, isPublic = false): ExportEntry {
  const salt = new Uint8Array(32).fill(type.length);
  const { leaf } = createLeaf({ type, at: new Date('2026-01-15T10:00:00Z'), body, salt });
  return isPublic ? { leaf, disclosure: { body, salt } } : { leaf };
}
