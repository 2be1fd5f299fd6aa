/**
 * G2, the round check: a device sends something only to a round that passes every line of `checkRound`. The coordinator and the
 * network control the offer; the trust root, the clock and the store are the device's own.
 */
import {
  parseTask,
  ProtocolError,
  roundConfigSchema,
  statementHash,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  type LoggedStatement,
  type RoundConfig,
  type RoundOffer,
  type TaskSpec,
  type Trust,
  type VerifiedStatement,
} from '@twinkeep/protocol';
import type { ReportRecord } from '../store/port.ts';
import { requireFirstReport, requireHistory, type AskResults } from './history.ts';
import { requireContinuation, requireOneLog, type AskConsistency } from './log.ts';
import { StayHomeError, type StayHome, type StayHomeReason } from './reasons.ts';
import { requireCosigned, requireHelpers, requireOpen, requireTerms } from './terms.ts';

declare const checked: unique symbol;

/** A round that a device may report to. Made only by `checkRound`. */
export interface CheckedRound {
  readonly task: TaskSpec;
  readonly config: RoundConfig;
  readonly rcHash: Uint8Array;
  /** The log's checkpoint as of this round, to be kept before anything is sent. */
  readonly note: string;
  /** Rounds that were abandoned unopened: this device's reports in them count no more. */
  readonly released: readonly string[];
  /** Rounds on the same model: this device's reports in them stay participations, and do not bar another. */
  readonly counted: readonly string[];
  readonly [checked]: true;
}

export interface RoundContext {
  task: LoggedStatement<TaskSpec>;
  trust: Trust;
  /** Note of the last checkpoint that this device accepted. */
  seen: string | null;
  /** This device's reports for the task. */
  reports: readonly ReportRecord[];
  /** This device's own floor, beside the task's: fewest reports in a sum. */
  nMin: number;
  askConsistency: AskConsistency;
  askResults: AskResults;
  /** Milliseconds since 1970. */
  now: number;
}

/** @throws what `askConsistency` and `askResults` throw where the network fails: nothing is decided then */
export async function checkRound(offer: RoundOffer, context: RoundContext): Promise<CheckedRound | StayHome> {
  try {
    return await passAllChecks(offer, context);
  } catch (error) {
    if (error instanceof StayHomeError) return error.decision;
    throw error;
  }
}

async function passAllChecks(offer: RoundOffer, context: RoundContext): Promise<CheckedRound> {
  const { trust, now } = context;
  if (offer.state === 'finished') throw new StayHomeError('task-finished');
  if (offer.config === null || offer.phase !== 'collecting') throw new StayHomeError('no-round');

  const logged = requireLogged('task-refused', context.task, 'task', taskSpecSchema, trust);
  const task = requireTask(logged.statement.body);
  const round = requireLogged('config-refused', offer.config, 'round-config', roundConfigSchema, trust);
  const config = round.statement.body;
  await requireContinuation(context.seen, round.checkpoint, trust.log.vkey, context.askConsistency);
  await requireOneLog(logged.checkpoint, round.checkpoint, context.askConsistency);

  requireTerms(config, logged.statement, trust);
  requireHelpers(config, offer.epochs, task, trust);
  requireCosigned(round.statement);
  requireOpen(config, now);
  if (config.nMin < context.nMin) throw new StayHomeError('cohort-too-small');

  const last = requireHistory(config, offer.lastResult, task, trust);
  const { released, counted, results } = await requireFirstReport(
    config,
    context.reports,
    task,
    trust,
    context.askResults,
  );
  for (const result of last === null ? results : [last, ...results])
    await requireOneLog(result.checkpoint, round.checkpoint, context.askConsistency);

  const rcHash = statementHash(round.statement);
  return { task, config, rcHash, note: round.note, released, counted } as unknown as CheckedRound;
}

function requireLogged<T>(
  reason: StayHomeReason,
  logged: LoggedStatement<T>,
  type: 'task' | 'round-config',
  schema: Parameters<typeof verifyLogged<T>>[2],
  trust: Trust,
): VerifiedStatement<T> {
  try {
    return verifyLogged(logged, type, schema, trustToPinned(trust));
  } catch (error) {
    throw new StayHomeError(reason, error instanceof ProtocolError ? error.message : 'it cannot be read');
  }
}

function requireTask(body: TaskSpec): TaskSpec {
  try {
    return parseTask(body);
  } catch (error) {
    throw new StayHomeError(
      'task-refused',
      error instanceof ProtocolError ? error.message : 'it cannot be read',
    );
  }
}
