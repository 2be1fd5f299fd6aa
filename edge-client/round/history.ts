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
 * the round was abandoned and its helpers say that they answered nothing. With noise a second one is safe to the extent of the budget:
 * what is not shown to be unopened is counted, as often as the task allows, by the device's own records.
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
  const onModel = held.filter(
    ({ modelHash, kind }) => modelHash === config.modelHash && kind === config.kind,
  );
  const { dp } = config;
  if (dp.mech === 'none') return requireUnopened(config, held, onModel, task, trust, ask);
  const { released, counted, results } = await countOpened(config, onModel, trust, ask);
  const spent = held.filter(({ kind, rcHash }) => kind === config.kind && !released.includes(rcHash)).length;
  const cap = config.kind === 'train' ? dp.trainings : dp.evaluations;
  if (spent >= cap) throw new StayHomeError('budget-spent', `${spent} of ${cap}`);
  return { released, counted, results };
}

/** Each report on this model once: as not made, where its round is shown to be unopened, or as a participation for good. */
async function countOpened(
  config: RoundConfig,
  onModel: readonly ReportRecord[],
  trust: Trust,
  ask: AskResults,
): Promise<EarlierReports> {
  const counted: string[] = [];
  const results: VerifiedStatement<RoundResult>[] = [];
  for (const report of onModel.filter(({ outcome }) => outcome !== 'counted')) {
    try {
      results.push(await requireAbandoned(config, report, trust, ask));
    } catch (error) {
      if (!(error instanceof StayHomeError)) throw error;
      counted.push(report.rcHash);
    }
  }
  return { released: results.map(({ statement }) => statement.body.rcHash), counted, results };
}

async function requireUnopened(
  config: RoundConfig,
  held: readonly ReportRecord[],
  onModel: readonly ReportRecord[],
  task: TaskSpec,
  trust: Trust,
  ask: AskResults,
): Promise<EarlierReports> {
  const results: VerifiedStatement<RoundResult>[] = [];
  for (const report of onModel) results.push(await requireAbandoned(config, report, trust, ask));
  const released = results.map(({ statement }) => statement.body.rcHash);
  const trained = held.filter(({ kind, rcHash }) => kind === 'train' && !released.includes(rcHash));
  if (config.kind === 'train' && trained.length >= task.rounds) throw new StayHomeError('too-many-rounds');
  return { released, counted: [], results };
}

/** @throws StayHomeError 'model-reported' unless no sum of the report's round was opened, nor will be */
async function requireAbandoned(
  config: RoundConfig,
  report: ReportRecord,
  trust: Trust,
  ask: AskResults,
): Promise<VerifiedStatement<RoundResult>> {
  const [end] = await ask(report.round - 1);
  if (end === undefined) throw new StayHomeError('model-reported');
  const result = verifyResult(end.result, trust);
  const { rcHash, status } = result.statement.body;
  if (rcHash !== report.rcHash || status !== 'abandoned') throw new StayHomeError('model-reported');
  // A coordinator that got all sums may call the round abandoned nevertheless: its helpers know.
  if (!showUnopened(config, validCloses(end, rcHash, trust)))
    throw new StayHomeError('model-reported', 'too few helpers say that they answered nothing');
  return result;
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
