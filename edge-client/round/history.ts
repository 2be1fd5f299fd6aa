/** What came before a round: its own task's last result, and the reports that this device made. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  helperCloseSchema,
  initialWeights,
  roundResultSchema,
  showUnopened,
  statementHash,
  trustToPinned,
  verifyLogged,
  verifyStatement,
  weightsToBytes,
  type HelperClose,
  type LoggedStatement,
  type RoundConfig,
  type RoundEnd,
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

/** How a task's rounds after `round` ended, oldest first, from the coordinator. */
export type AskResults = (round: number) => Promise<RoundEnd[]>;

/** What becomes of this device's earlier reports with the one that it may make now. */
export interface EarlierReports {
  /** Hashes of the configurations of rounds that no sum of was opened, nor will be: as if they had not been. */
  released: string[];
  /** Of rounds on the same model that stay participations. */
  counted: string[];
  results: VerifiedStatement<RoundResult>[];
}

/**
 * One report per round. Without noise, one per model too: the second update on the same model would open the first by subtraction, unless
 * the round was abandoned and its helpers say that they answered nothing. With noise a second one is safe to the extent of the budget, and
 * is counted unless they say so.
 * @throws StayHomeError 'already-reported', 'model-reported', 'too-many-rounds', 'budget-spent'
 */
export async function requireFirstReport(
  config: RoundConfig,
  reports: readonly ReportRecord[],
  task: TaskSpec,
  trust: Trust,
  ask: AskResults,
): Promise<EarlierReports> {
  if (reports.some(({ round }) => round === config.round)) throw new StayHomeError('already-reported');
  const held = reports.filter(({ outcome }) => outcome !== 'released');
  const earlier: EarlierReports = { released: [], counted: [], results: [] };
  for (const report of held) {
    if (report.modelHash !== config.modelHash || report.kind !== config.kind) continue;
    const [end] = await ask(report.round - 1);
    const result = end === undefined ? null : unopenedResult(end, report, config, trust);
    if (result === null && config.dp.mech === 'none') throw new StayHomeError('model-reported');
    (result === null ? earlier.counted : earlier.released).push(report.rcHash);
    if (result !== null) earlier.results.push(result);
  }
  const kept = held.filter(
    ({ kind, rcHash }) => kind === config.kind && !earlier.released.includes(rcHash),
  ).length;
  requireBudget(config, kept, task);
  return earlier;
}

/** By the device's own records, whatever the coordinator says that it has counted. */
function requireBudget({ dp, kind }: RoundConfig, kept: number, task: TaskSpec): void {
  if (dp.mech === 'none') {
    if (kind === 'train' && kept >= task.rounds) throw new StayHomeError('too-many-rounds');
    return;
  }
  // A task has no more trainings than rounds: `parseTask` saw to that.
  const cap = kind === 'train' ? dp.trainings : dp.evaluations;
  if (kept >= cap) throw new StayHomeError('budget-spent', `${kept} of ${cap}`);
}

/**
 * The result of the round of this report, if that was abandoned and never opened. A coordinator that got all sums may call it abandoned
 * nevertheless: its helpers know.
 */
function unopenedResult(
  end: RoundEnd,
  report: ReportRecord,
  config: RoundConfig,
  trust: Trust,
): VerifiedStatement<RoundResult> | null {
  const result = verifyResult(end.result, trust);
  const { rcHash, status } = result.statement.body;
  const unopened =
    rcHash === report.rcHash &&
    status === 'abandoned' &&
    showUnopened(config, validCloses(end, rcHash, trust));
  return unopened ? result : null;
}

function validCloses({ closes }: RoundEnd, rcHash: string, trust: Trust): HelperClose[] {
  return closes.flatMap((close) => {
    const key = trust.helpers.find(({ j }) => j === close.body.j)?.key ?? '';
    try {
      const { body } = verifyStatement(close, 'helper-close', helperCloseSchema, key);
      return body.rcHash === rcHash ? [body] : [];
    } catch {
      return [];
    }
  });
}

function verifyResult(logged: LoggedStatement<RoundResult>, trust: Trust): VerifiedStatement<RoundResult> {
  try {
    return verifyLogged(logged, 'round-result', roundResultSchema, trustToPinned(trust));
  } catch {
    throw new StayHomeError('history-broken', 'a result is not signed and logged');
  }
}
