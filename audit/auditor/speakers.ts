/** For whom a key may speak: by a credential of the issuer that the reader pinned, never because the pack says so. */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import {
  ProblemError,
  thumbprint,
  verifyCredential,
  type Credential,
  type EvidenceSpeaker,
  type Trust,
} from '@twinkeep/protocol';
import type { Checklist } from './verdict.ts';

export interface Speaker {
  /** Raw Ed25519 key. */
  publicKey: Uint8Array;
  credential: Credential;
}

/** By thumbprint, as events and credentials name keys. A key may have several credentials; they must not contradict each other. */
export async function verifySpeakers(
  speakers: readonly EvidenceSpeaker[],
  trust: Trust,
  checks: Checklist,
): Promise<Map<string, Speaker>> {
  const verified = new Map<string, Speaker>();
  for (const [i, { key, credential: jwt }] of speakers.entries()) {
    const where = `speakers, line ${i + 1}`;
    try {
      const publicKey = base64UrlToBytes(key);
      const credential = await verifyOnce(jwt, trust);
      if (credential.jkt !== thumbprint(publicKey)) {
        checks.fail('speakers', where, 'the credential names another key');
        continue;
      }
      verified.set(credential.jkt, { publicKey, credential });
      checks.pass('speakers');
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      checks.fail('speakers', where, error.message);
    }
  }
  return verified;
}

/** As of a moment within its validity: what it was used for later is dated by the log. */
export function verifyOnce(jwt: string, trust: Trust): Promise<Credential> {
  return verifyCredential(jwt, trust, new Date(issuedAt(jwt)));
}

/** Not believed: only the moment at which the rest is looked at. */
function issuedAt(jwt: string): number {
  try {
    const claims: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jwt.split('.')[1] ?? '')));
    const { iat } = claims as { iat?: unknown };
    return typeof iat === 'number' && Number.isSafeInteger(iat) && iat >= 0 && iat < 1e11 ? iat * 1_000 : 0;
  } catch {
    return 0;
  }
}
