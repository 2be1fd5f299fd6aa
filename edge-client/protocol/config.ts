/** What a helper checks before it signs a configuration, and a twin before it reports to one: that the task alone made it. */
import { base64UrlToBytes, bytesToBase64Url, canonicalJson } from '@twinkeep/audit';
import type { RoundConfig } from './round.ts';
import { verifyDetached } from './sodium.ts';
import { statementBytes, statementHash, type Statement } from './statement.ts';
import type { TaskSpec } from './task.ts';
import { roundTerms } from './terms.ts';
import type { Trust } from './trust.ts';

/** Said alike by the coordinator that is given such a task, by helpers and by twins. */
export const LOG_MODE_NEEDS_WITNESSES =
  'in log mode only witnesses hold a second set off, and the trust root names none';

/**
 * Every field of a configuration that does not say which round it is, which model it starts from, or whose box keys are used, follows
 * from the task and the trust root.
 * @returns the first that does not, or null
 */
export function foreignField(config: RoundConfig, task: Statement<TaskSpec>, trust: Trust): string | null {
  const spec = task.body;
  const { openAt, closeAt, ackDeadline, revealDeadline } = config;
  const { collect, ack, reveal } = spec.windows;
  const windows = [closeAt - openAt, ackDeadline - closeAt, revealDeadline - ackDeadline];
  const expected: Partial<Record<keyof RoundConfig, unknown>> = {
    ...roundTerms(spec),
    taskHash: bytesToBase64Url(statementHash(task)),
    issuerKeys: trust.issuer.keys,
    clientBuildHash: null,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (canonicalJson(config[field as keyof RoundConfig]) !== canonicalJson(value)) return field;
  }
  if (windows.some((window, i) => window !== [collect, ack, reveal][i])) return 'windows';
  // An adaptive bound says nothing about anybody: the noise is in units of it.
  const adapts = spec.privacy.mech !== 'none' && spec.privacy.adaptiveClip !== null;
  if (!adapts && config.clipL2 !== spec.clipL2) return 'clipL2';
  if (spec.privacy.mech === 'none' && config.kind === 'evaluate' && config.round <= spec.rounds)
    return 'kind';
  return null;
}

/** Numbers of the helpers of a configuration that signed it. Whether they are the pinned ones is for the caller to check. */
export function cosigners({ type, body, signatures }: Statement<RoundConfig>): number[] {
  const bytes = statementBytes(type, body);
  const signed = (kid: string): boolean =>
    signatures.some(
      (signature) =>
        signature.kid === kid &&
        verifyDetached(base64UrlToBytes(signature.sig), bytes, base64UrlToBytes(kid)),
    );
  return body.helpers.filter(({ key }) => signed(key)).map(({ j }) => j);
}
