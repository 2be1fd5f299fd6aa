/**
 * Signed statements: everything that a coordinator or a helper says in public. The signature covers
 * `twinkeep/1/<type>\n` and the canonical JSON (RFC 8785) of the body, so that a signature on one type of statement is worth nothing on
 * another. The hash of the same bytes is the statement's name (rcHash, scHash, ...).
 */
import { bytesToBase64Url, canonicalBytes, concatBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import * as v from 'valibot';
import type { SigningKey } from './key.ts';
import { keyIdSchema } from './schema.ts';
import { PROTOCOL } from './version.ts';

export type StatementType =
  | 'task'
  | 'round-config'
  | 'set-commit'
  | 'round-result'
  | 'helper-epoch'
  | 'helper-close'
  | 'helper-ack'
  | 'helper-ready'
  | 'helper-sums'
  | 'evidence';

export interface Statement<T> {
  type: StatementType;
  body: T;
  /** `kid` is the signer's key id (base64url of the raw Ed25519 key), `sig` the base64url signature. */
  signatures: { kid: string; sig: string }[];
}

const signatureSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{85}[AQgw]$/));

export function statementSchema<T>(
  type: StatementType,
  body: v.GenericSchema<T>,
): v.GenericSchema<Statement<T>> {
  return v.strictObject({
    type: v.literal(type),
    body,
    signatures: v.pipe(
      v.array(v.strictObject({ kid: keyIdSchema, sig: signatureSchema })),
      v.minLength(1),
      v.maxLength(16),
    ),
  });
}

export function statementBytes(type: StatementType, body: unknown): Uint8Array {
  return concatBytes(utf8ToBytes(`${PROTOCOL}/${type}\n`), canonicalBytes(body));
}

/** SHA-256 over the signed bytes. */
export function statementHash(statement: Pick<Statement<unknown>, 'type' | 'body'>): Uint8Array {
  return sha256(statementBytes(statement.type, statement.body));
}

/** How statements name each other, and the log's readers them: the hash, base64url. */
export function statementName(statement: Pick<Statement<unknown>, 'type' | 'body'>): string {
  return bytesToBase64Url(statementHash(statement));
}

export async function signStatement<T>(type: StatementType, body: T, key: SigningKey): Promise<Statement<T>> {
  const sig = bytesToBase64Url(await key.sign(statementBytes(type, body)));
  return { type, body, signatures: [{ kid: key.id, sig }] };
}
