/** What came before a round: its own task's last result, and the reports that this device made. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  initialWeights,
  roundResultSchema,
  statementHash,
  trustToPinned,
  verifyLogged,
  weightsToBytes,
  type LoggedStatement,
  type RoundConfig,
  type RoundOffer,
  type RoundResult,
  type TaskSpec,
  type Trust,
  type VerifiedStatement,
} from '@twinkeep/protocol';
import type { ReportRecord } from '../store/port.ts';
import { StayHomeError } from './reasons.ts';

/**
 * The configuration names the last result by hash and goes on with its model; a first round starts from the weights that the
 * task's public seed gives.
 * @returns the verified last result, or null before the first round; @throws StayHomeError 'history-broken'
 */
export function requireHistory(
  config: RoundConfig,
  lastResult: RoundOffer['lastResult'],
  task: TaskSpec,
  trust: Trust,
): VerifiedStatement<RoundResult> | null {
  if (lastResult === null) {
    const first = bytesToBase64Url(sha256(weightsToBytes(initialWeights(task.model))));
    if (config.prevResultHash !== null || config.round !== 1 || config.modelHash !== first)
      throw new StayHomeError('history-broken', 'the first round');
    return null;
  }
  const last = verifyResult(lastResult, trust);
  const { taskId, round, modelOut } = last.statement.body;
  if (config.prevResultHash !== bytesToBase64Url(statementHash(last.statement)))
    throw new StayHomeError('history-broken', 'prevResultHash');
  if (taskId !== config.taskId || round + 1 !== config.round || modelOut !== config.modelHash)
    throw new StayHomeError('history-broken', 'the last result');
  return last;
}

/** Results of a task's rounds after `round`, oldest first, from the coordinator. */
export type AskResults = (round: number) => Promise<LoggedStatement<RoundResult>[]>;

/**
 * One report per round, and one per model: the second update on the same model would open the first by subtraction. Only a
 * round that the log calls abandoned, so that its sum was never opened, makes room for another.
 * @returns hashes of the configurations whose reports are released by that
 * @throws StayHomeError 'already-reported', 'model-reported', 'too-many-rounds'
 */
export async function requireFirstReport(
  config: RoundConfig,
  reports: readonly ReportRecord[],
  task: TaskSpec,
  trust: Trust,
  ask: AskResults,
): Promise<{ released: string[]; results: VerifiedStatement<RoundResult>[] }> {
  if (reports.some(({ round }) => round === config.round)) throw new StayHomeError('already-reported');
  const held = reports.filter(({ outcome }) => outcome !== 'released');
  const results: VerifiedStatement<RoundResult>[] = [];
  for (const report of held.filter(
    ({ modelHash, kind }) => modelHash === config.modelHash && kind === config.kind,
  )) {
    const [answer] = await ask(report.round - 1);
    if (answer === undefined) throw new StayHomeError('model-reported');
    const result = verifyResult(answer, trust);
    const { rcHash, status } = result.statement.body;
    if (rcHash !== report.rcHash || status !== 'abandoned') throw new StayHomeError('model-reported');
    results.push(result);
  }
  const released = results.map(({ statement }) => statement.body.rcHash);
  const trained = held.filter(({ kind, rcHash }) => kind === 'train' && !released.includes(rcHash));
  if (config.kind === 'train' && trained.length >= task.rounds) throw new StayHomeError('too-many-rounds');
  return { released, results };
}

function verifyResult(logged: LoggedStatement<RoundResult>, trust: Trust): VerifiedStatement<RoundResult> {
  try {
    return verifyLogged(logged, 'round-result', roundResultSchema, trustToPinned(trust));
  } catch {
    throw new StayHomeError('history-broken', 'a result is not signed and logged');
  }
}
