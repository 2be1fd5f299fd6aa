/** Keys: every data subject's opens under the vault key, and every key that speaks is the one that its credential names. */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import { ProblemError, thumbprint, verifyCredential, type Trust } from '@twinkeep/protocol';
import { deriveVaultKeys, open } from '../store/seal.ts';
import { BATCH, type Checkup } from './checkup.ts';
import type { ConsentSummary } from './consents.ts';

/** Those without a consent too: what is sealed under them is elsewhere. Named by nothing but their number, for the rows name people. */
export async function checkSubjectKeys(
  { db, found, progress }: Checkup,
  vaultKey: Uint8Array,
): Promise<number> {
  const keys = deriveVaultKeys(vaultKey);
  let after = '';
  let done = 0;
  let broken = 0;
  for (;;) {
    const rows = await db
      .selectFrom('subject_keys')
      .selectAll()
      .where('subject', '>', after)
      .orderBy('subject')
      .limit(BATCH)
      .execute();
    if (rows.length === 0) break;
    for (const { subject, wrapped } of rows) {
      try {
        open(keys.wrap, subject, 'key', wrapped);
      } catch {
        broken++;
      }
    }
    done += rows.length;
    progress('subject keys opened', done, done);
    after = rows.at(-1)?.subject ?? '';
  }
  if (broken > 0)
    found('subject_keys', `${broken} of ${done} do not open under the vault key: key or subject was altered`);
  return done;
}

export async function checkSpeakers(
  { db, found }: Checkup,
  trust: Trust,
  summary: ConsentSummary,
): Promise<void> {
  for (const { jkt, key, sub, credential } of await db.selectFrom('speakers').selectAll().execute()) {
    const where = `speakers, key ${jkt}`;
    if (thumbprintOf(key) !== jkt) found(where, 'is stored under the name of another key');
    try {
      const claims = await verifyCredential(credential, trust, issuedAt(credential));
      if (claims.jkt !== jkt || claims.sub !== sub)
        found(where, 'its credential is of another key or pseudonym');
    } catch (error) {
      found(
        where,
        `its credential does not verify${error instanceof ProblemError ? `: ${error.message}` : ''}`,
      );
    }
  }
  const known = new Set((await db.selectFrom('speakers').select('jkt').execute()).map(({ jkt }) => jkt));
  for (const jkt of summary.signers)
    if (!known.has(jkt)) found(`speakers, key ${jkt}`, 'is missing, and has spoken');
}

function thumbprintOf(key: string): string | null {
  try {
    return thumbprint(base64UrlToBytes(key));
  } catch {
    return null;
  }
}

/** A credential may have ended since: what counts is that it was good. Not verified yet. */
function issuedAt(jwt: string): Date {
  const { iat } = JSON.parse(bytesToUtf8(base64UrlToBytes(jwt.split('.')[1] ?? ''))) as { iat: number };
  return new Date(iat * 1_000);
}
