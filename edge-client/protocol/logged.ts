/**
 * A public statement together with its place in the log.
 * `leaf` is the entry's bytes, `salt` opens the commitment in it to the statement, `proof` is a C2SP tlog-proof whose checkpoint the
 * log signed.
 */
import * as v from 'valibot';
import { hashSchema } from './schema.ts';
import { statementSchema, type Statement, type StatementType } from './statement.ts';

export interface LoggedStatement<T> {
  statement: Statement<T>;
  /** Base64url of the leaf. */
  leaf: string;
  salt: string;
  proof: string;
}

export function loggedSchema<T>(
  type: StatementType,
  body: v.GenericSchema<T>,
): v.GenericSchema<LoggedStatement<T>> {
  return v.strictObject({
    statement: statementSchema(type, body),
    leaf: v.pipe(v.string(), v.maxLength(2_048), v.regex(/^[A-Za-z0-9_-]+$/)),
    salt: hashSchema,
    proof: v.pipe(v.string(), v.maxLength(16_384)),
  });
}
