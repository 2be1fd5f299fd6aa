/** A helper's whole duty as of now, read from the rows: it may have slept through anything. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  ascendingHashes,
  MAX_VERDICTS,
  MAX_WORK,
  type HelperClosing,
  type HelperProposal,
  type HelperReady,
  type HelperRound,
  type HelperWork,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
  type Statement,
  type TaskSpec,
} from '@twinkeep/protocol';
import type { ReadLogged } from '../log/statements.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { readCloses } from '../store/closes.ts';
import { readReadies } from '../store/helper-answers.ts';
import { readSet, readUnjudged } from '../store/reports.ts';
import { openRounds, roundsToClose, type StoredRound } from '../store/rounds.ts';
import { isClosable } from '../rounds/close.ts';
import type { Db } from '../store/schema.ts';

/** The revision was read before: the work is at least as new. */
export async function readWork(
  { db, statements }: Pick<RoundDeps, 'db' | 'statements'>,
  j: number,
  rev: number,
): Promise<HelperWork> {
  const work: HelperWork = { rev, proposals: [], rounds: [], closing: [] };
  const logged = await statements.logged(db);
  for (const round of await openRounds(db)) {
    if (round.proposal !== null) {
      const proposal = await readProposal(logged, j, round, round.proposal);
      if (proposal !== null && work.proposals.length < MAX_WORK) work.proposals.push(proposal);
    } else if (work.rounds.length < MAX_WORK) {
      const duty = await readRound(db, logged, j, round);
      if (duty !== null) work.rounds.push(duty);
    }
  }
  work.closing = await readClosing(db, logged, j);
  return work;
}

/** Null where the helper has signed it, or is none of its helpers, or the task is not published yet. */
async function readProposal(
  logged: ReadLogged,
  j: number,
  { state }: StoredRound,
  config: Statement<RoundConfig>,
): Promise<HelperProposal | null> {
  if (state.cosigned.includes(j) || !hasHelper(config.body, j)) return null;
  const task = await logged<TaskSpec>(config.body.taskHash, 'task');
  return task === null ? null : { config, task };
}

/** Null where the helper is none of the round's, or the round is not published yet. */
async function readRound(
  db: Db,
  logged: ReadLogged,
  j: number,
  { rcHash, scHash, state }: StoredRound,
): Promise<HelperRound | null> {
  const config = await logged<RoundConfig>(rcHash, 'round-config');
  if (config === null || !hasHelper(config.statement.body, j)) return null;
  const { phase, responding, sums } = state;
  if (phase !== 'revealing') {
    const reports = (await readUnjudged(db, rcHash, j, MAX_VERDICTS)).map(({ header, signature, box }) => ({
      header: bytesToBase64Url(header),
      signature: bytesToBase64Url(signature),
      box: bytesToBase64Url(box),
    }));
    return { config, phase, reports, set: null, readies: [] };
  }
  const asked = responding.includes(j) && !sums.some((given) => given.j === j);
  const commit = await logged<SetCommit>(scHash as string, 'set-commit');
  // The set is fixed, and nobody is to know before the log's witnesses do.
  if (commit === null) return { config, phase: 'acking', reports: [], set: null, readies: [] };
  const readies = (await readReadies(db, rcHash)).map((json) => JSON.parse(json) as Statement<HelperReady>);
  return {
    config,
    phase,
    reports: [],
    set: asked ? { commit, members: ascendingHashes(await readSet(db, rcHash)) } : null,
    readies,
  };
}

async function readClosing(db: Db, logged: ReadLogged, j: number): Promise<HelperClosing[]> {
  const rounds = await roundsToClose(db);
  const closes = await readCloses(
    db,
    rounds.map(({ rcHash }) => rcHash),
  );
  const closing: HelperClosing[] = [];
  for (const { rcHash, resultHash, state } of rounds) {
    if (closing.length === MAX_WORK) break;
    if (closes.get(rcHash)?.some(({ body }) => body.j === j) === true) continue;
    const config = await logged<RoundConfig>(rcHash, 'round-config');
    const result = await logged<RoundResult>(resultHash as string, 'round-result');
    if (config === null || result === null || !hasHelper(config.statement.body, j)) continue;
    if (!isClosable(config.statement.body, state)) continue;
    closing.push({ config, result });
  }
  return closing;
}

function hasHelper({ helpers }: RoundConfig, j: number): boolean {
  return helpers.some((helper) => helper.j === j);
}
