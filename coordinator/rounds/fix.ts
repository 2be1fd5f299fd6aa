/**
 * Fixing the set: the point of no return for consent (gate G3).
 *
 * The log's lock is taken first, so no withdrawal can slip in between the reading of consent and the entry that says at which size of the log it
 * was read. A withdrawal logged before drops its report whole; one logged after counts from the next round. What the set was chosen from is kept
 * with it (`contributions`), for whoever asks later whether this gate was held.
 */
import { POLICY_HASH } from '@twinkeep/consent';
import { consentQuestion, type SetCommit, setRoot, signStatement, statementName } from '@twinkeep/protocol';
import { readRefused } from '../store/helper-answers.ts';
import { insertContributions } from '../store/contributions.ts';
import { chargeSet } from '../store/participations.ts';
import { readCandidates, setDispositions } from '../store/reports.ts';
import type { Tx } from '../store/schema.ts';
import type { RoundDeps } from './deps.ts';
import type { RunningRound } from './running.ts';
import { chooseSet, countDropped } from './set.ts';

/** @returns false where fewer than `nMin` reports are left: no set is committed to then */
export async function fixSet(
  tx: Tx,
  { journal, ledger, vault, key }: RoundDeps,
  running: RunningRound,
  responding: number[],
): Promise<boolean> {
  const { round, config, now } = running;
  const consent = { ...(await journal.lock(tx)), policy: POLICY_HASH };
  const stored = await readCandidates(tx, round.rcHash);
  const refused = await readRefused(tx, round.rcHash, responding);
  const denials = await ledger.judge(tx, consentQuestion(config), stored, now);
  const candidates = stored.map(({ headerHash, twins }, i) => ({
    headerHash,
    twins,
    refused: refused.has(headerHash),
    denied: denials[i] ?? null,
  }));

  const { members, twins, dropped } = chooseSet(candidates, config.maxTwins);
  running.set = { count: members.length, twins, dropped: countDropped(dropped), consent };
  const dispositions = [
    ...dropped.map(({ candidate, reason }) => ({ headerHash: candidate.headerHash, disposition: reason })),
    ...members.map(({ headerHash }) => ({ headerHash, disposition: 'in-set' as const })),
  ];
  await setDispositions(tx, round.rcHash, dispositions);
  if (members.length < config.nMin) return false;
  // From here on helpers may answer, so the members have taken part, whatever becomes of the sum.
  await chargeSet(tx, config.taskId, config.kind, round.rcHash);
  const became = new Map(dispositions.map(({ headerHash, disposition }) => [headerHash, disposition]));
  await insertContributions(
    tx,
    vault,
    round.rcHash,
    stored.map((report) => ({
      ...report,
      disposition: became.get(report.headerHash) as (typeof dispositions)[number]['disposition'],
    })),
  );

  const body: SetCommit = {
    v: 1,
    rcHash: round.rcHash,
    g: 0,
    merkleRoot: setRoot(members.map(({ headerHash }) => headerHash)),
    responding,
    ...running.set,
  };
  const statement = await signStatement('set-commit', body, key);
  await journal.publish(tx, [statement], now);
  round.scHash = statementName(statement);
  return true;
}
