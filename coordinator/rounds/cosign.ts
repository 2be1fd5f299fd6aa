/** A helper's signature under a proposed configuration. With enough of them it goes to the log, and devices see the round. */
import {
  ProblemError,
  type RoundConfig,
  roundConfigSchema,
  type Statement,
  statementName,
} from '@twinkeep/protocol';
import type { RoundDeps } from './deps.ts';
import { drive } from './drive.ts';
import { helperKey, verifyBy, withRound, type HelperMessage } from './helper-message.ts';

/** @throws ProblemError 'helper/statement', 'round/config-mismatch', 'round/closed' where the others' signatures were enough */
export async function takeCosignature(deps: RoundDeps, message: HelperMessage): Promise<void> {
  const statement = verifyBy<RoundConfig>(message, 'round-config', roundConfigSchema);
  const { rcHash, j } = message;
  // The signature is over the body, and the body has this name: no field can be another than the proposed one.
  if (statementName(statement) !== rcHash) throw new ProblemError('round/config-mismatch');
  await withRound(deps, 'cosignature', message, async (tx, running) => {
    const { round } = running;
    if (round.state.cosigned.includes(j)) return;
    if (round.proposal === null) throw new ProblemError('round/closed');
    round.proposal = withSignature(round.proposal, statement, helperKey(message), running.config);
    await drive(tx, deps, running, { kind: 'cosignature', j });
  });
}

/** The coordinator's signature first, then the helpers' by number, whatever order they came in. */
function withSignature(
  proposal: Statement<RoundConfig>,
  cosigned: Statement<RoundConfig>,
  kid: string,
  { helpers }: RoundConfig,
): Statement<RoundConfig> {
  const added = cosigned.signatures.filter((signature) => signature.kid === kid).slice(0, 1);
  const place = new Map(helpers.map(({ j, key }) => [key, j]));
  const signatures = [...proposal.signatures, ...added];
  return {
    ...proposal,
    signatures: signatures.sort((a, b) => (place.get(a.kid) ?? 0) - (place.get(b.kid) ?? 0)),
  };
}
