/** What a schema found wrong with a file that an operator wrote, in words that lead to the place. */
import * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

/**
 * `path.to.field: what is wrong`. Says what was found too, so it is for files of settings only: a customer's data must
 * not end up in an error message (`firstIssue` of the protocol is for those).
 */
export function describeIssue(issues: readonly Issue[]): string {
  const issue = deepest(issues);
  if (issue === undefined) return 'it is not valid';
  const path = v.getDotPath(issue);
  const where = path === null ? 'the file' : path;
  if (issue.expected === null) return `${where}: ${issue.message}`;
  if (issue.expected === 'never') return `${where} is not a known field`;
  if (issue.received === 'undefined') return `${where} is missing`;
  return `${where}: expected ${issue.expected}, found ${issue.received}`;
}

/** A variant or union reports itself; what it found inside says more. */
function deepest(issues: readonly Issue[]): Issue | undefined {
  const [issue] = issues;
  return issue?.issues === undefined || issue.issues.length === 0 ? issue : deepest(issue.issues);
}
