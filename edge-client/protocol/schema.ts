/** What the schemas of all wire types share. Apart from the statements, so that checking a shape loads no signature code. */
import * as v from 'valibot';

/** 32 bytes in base64url without padding, in its one canonical spelling. */
export const hashSchema: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/),
);
export const keyIdSchema: v.GenericSchema<string> = hashSchema;

export const taskIdSchema: v.GenericSchema<string> = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/));

/** A twin's pseudonym, 16 random bytes in base64url: says nothing about the person, differs per coordinator. */
export const subjectSchema: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/),
);

/** Where and why a schema refused, without the offending value (it may be personal). */
export function firstIssue(issues: readonly v.BaseIssue<unknown>[]): string {
  const issue = issues[0];
  if (issue === undefined) return 'unknown';
  const path = v.getDotPath(issue);
  const expected = issue.expected === null ? issue.message : `expected ${issue.expected}`;
  return path === null ? expected : `${path}: ${expected}`;
}
