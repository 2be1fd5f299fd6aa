/**
 * The end of a round that was abandoned: a helper that answered no set of it says so, and from then on never will. Without noise, its
 * reporters may not report on the same model before; `showUnopened` says how many helpers it takes.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  roundResultSchema,
  signStatement,
  statementHash,
  trustToPinned,
  verifyLogged,
  type HelperClose,
  type HelperClosing,
  type Statement,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import type { AnswerDeps } from './answer.ts';
import { requireLoggedConfig } from './check.ts';
import { followLog } from './follow-log.ts';

/**
 * The flag is durable before the statement is made.
 * @throws ProtocolError; RegionError 'helper/answered' where it answered a set of the round
 */
export async function closeAbandoned(
  { config, result }: HelperClosing,
  { policy, key, store, source }: AnswerDeps,
): Promise<Statement<HelperClose>> {
  const { statement } = requireLoggedConfig(config, policy);
  const ended = verifyLogged(result, 'round-result', roundResultSchema, trustToPinned(policy.trust));
  const rcHash = bytesToBase64Url(statementHash(statement));
  const { status, rcHash: named } = ended.statement.body;
  if (named !== rcHash || status !== 'abandoned')
    throw new RegionError(
      'helper/config',
      'a close is refused: the log does not say that the round was abandoned',
    );
  await followLog(ended, { store, source });
  const end = await store.closeRound(rcHash, statement.body);
  if (!end.closed)
    throw new RegionError(
      'helper/answered',
      'this helper has answered a set of the round that was abandoned',
    );
  const body: HelperClose = { v: 1, rcHash, j: policy.j, ready: end.ready };
  return signStatement('helper-close', body, key);
}
