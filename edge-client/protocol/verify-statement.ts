/** Reading a signed statement: its shape and its signature. Apart from `statement.ts`, so that a page that only writes them loads no libsodium. */
import { base64UrlToBytes } from '@twinkeep/audit';
import * as v from 'valibot';
import { ProtocolError } from './problem.ts';
import { firstIssue } from './schema.ts';
import { verifyDetached } from './sodium.ts';
import { statementBytes, statementSchema, type Statement, type StatementType } from './statement.ts';

/**
 * Parses what came from a wire and checks that `kid` signed it.
 * @throws ProtocolError 'protocol/statement'
 */
export function verifyStatement<T>(
  input: unknown,
  type: StatementType,
  body: v.GenericSchema<T>,
  kid: string,
): Statement<T> {
  const parsed = v.safeParse(statementSchema(type, body), input);
  if (!parsed.success)
    throw new ProtocolError('protocol/statement', `not a ${type}: ${firstIssue(parsed.issues)}`);
  const statement = parsed.output;
  const signature = statement.signatures.find((candidate) => candidate.kid === kid);
  if (signature === undefined)
    throw new ProtocolError('protocol/statement', `the ${type} is not signed by the pinned key`);
  if (
    !verifyDetached(
      base64UrlToBytes(signature.sig),
      statementBytes(type, statement.body),
      base64UrlToBytes(kid),
    )
  ) {
    throw new ProtocolError('protocol/statement', `the signature on the ${type} is not valid`);
  }
  return statement;
}
