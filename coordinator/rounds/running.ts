/** A round under its lock, with what the effects of the running transaction found out. */
import type { EvaluationFigures, RoundConfig, SetCommit, TaskSpec } from '@twinkeep/protocol';
import { findRound, type StoredRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import type { RoundDeps } from './deps.ts';

export interface RunningRound {
  round: StoredRound;
  config: RoundConfig;
  task: TaskSpec;
  now: number;
  /** Fixed in this transaction or an earlier one; with too few members where the round is abandoned for it. */
  set: SetTotals | null;
  opened: OpenedSum | null;
  /** Long polls to wake at the end. */
  topics: Set<string>;
}

export type SetTotals = Pick<SetCommit, 'count' | 'twins' | 'dropped' | 'consent'>;

export interface OpenedSum {
  /** Base64url. */
  sumHash: string;
  /** Null where the round does not evaluate. */
  evaluation: EvaluationFigures | null;
  /** Null where the clipping bound does not adapt. */
  clip: { within: number; next: number } | null;
  /** Null in a round that only evaluates. */
  step: { modelHash: string; moments: Uint8Array } | null;
}

/** Of a round that is proposed or in the log; null where there is none of this name. */
export async function readConfig(
  { db, statements }: Pick<RoundDeps, 'db' | 'statements'>,
  rcHash: string,
): Promise<RoundConfig | null> {
  const logged = await statements.find<RoundConfig>(db, rcHash, 'round-config');
  return (logged ?? (await findRound(db, rcHash))?.proposal)?.body ?? null;
}

export async function loadRunning(
  tx: Tx,
  { statements, clock }: RoundDeps,
  round: StoredRound,
): Promise<RunningRound> {
  const { body: config } =
    round.proposal ?? (await statements.read<RoundConfig>(tx, round.rcHash, 'round-config'));
  const { body: task } = await statements.read<TaskSpec>(tx, config.taskHash, 'task');
  const set =
    round.scHash === null ? null : (await statements.read<SetCommit>(tx, round.scHash, 'set-commit')).body;
  return { round, config, task, now: clock(), set, opened: null, topics: new Set() };
}
