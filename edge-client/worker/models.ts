/**
 * The newest model of each task. Which one that is, the last logged result says; its weights are fetched by their hash and kept. Nothing of
 * either is believed before it is checked: signature, entry in the log, one log with the checkpoint seen before, hash of the weights.
 */
import { bytesToBase64Url, bytesToUtf8, openCheckpoint, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  bytesToWeights,
  initialWeights,
  loggedSchema,
  parameterCount,
  ProtocolError,
  roundResultSchema,
  verifyDetached,
  trustToPinned,
  verifyLogged,
  weightsToBytes,
  type LoggedStatement,
  type RoundResult,
  type TaskSpec,
  type VerifiedStatement,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import { requireOneLog } from '../round/log.ts';
import { StayHomeError, type StayHomeReason } from '../round/reasons.ts';
import { fetchConsistency, fetchModel, pollRound } from '../transport/device.ts';
import { TransportError } from '../transport/errors.ts';
import type { ModelFigures } from '../twin/types.ts';
import { linkAbort } from './bell.ts';
import type { Home } from './home.ts';
import { codeOf } from './trouble.ts';

export interface NewestModel {
  weights: Float32Array;
  /** Of its bytes, base64url. */
  hash: string;
  /** Round that made it; null for the first weights. */
  round: number | null;
  /** Of the model before it: figures lag one round. */
  figures: ModelFigures | null;
  figuresOf: string | null;
}

export interface ModelRefused {
  refused: 'no-model' | Extract<StayHomeReason, 'model-refused' | 'log-inconsistent'>;
  detail: string;
}

export interface Models {
  /** The last result that an offer carries. @returns it where it is genuine and news; null otherwise */
  see(task: TaskSpec, offered: LoggedStatement<RoundResult> | null): Promise<RoundResult | null>;
  newest(task: TaskSpec): Promise<NewestModel | ModelRefused>;
}

/** Milliseconds for which what the coordinator said last is new enough for a prediction. */
const FRESH = 30_000;
/** Milliseconds that a prediction waits for the coordinator before it makes do with what is kept. */
const PATIENCE = 4_000;

/** @param isOnline false where asking the coordinator is not even tried */
export function createModels(home: Home, isOnline: () => boolean, stop: AbortSignal): Models {
  const known = new Map<string, { result: RoundResult | null; lookedAt: number }>();
  const kept = new Map<string, NewestModel>();
  const learn = (task: TaskSpec, result: RoundResult | null): void =>
    void known.set(task.taskId, { result, lookedAt: home.platform.clock() });

  const see: Models['see'] = async (task, offered) => {
    const before = known.get(task.taskId)?.result ?? null;
    if (offered === null || (before !== null && offered.statement.body.round <= before.round)) {
      learn(task, before);
      return null;
    }
    const verified = verifyResult(home, task, offered);
    await requireSeenLog(home, verified, stop);
    const result = verified.statement.body;
    learn(task, result);
    await remember(home, resultKey(home, task), utf8ToBytes(JSON.stringify(offered)));
    return result;
  };

  /** What is kept was checked against the log when it came, and is good enough while the coordinator cannot be reached. */
  const lookUp = async (task: TaskSpec): Promise<RoundResult | null> => {
    const last = known.get(task.taskId);
    if (last !== undefined && home.platform.clock() - last.lookedAt < FRESH) return last.result;
    const result = last?.result ?? (await readKeptResult(home, task));
    if (result !== null) learn(task, result);
    try {
      if (!isOnline()) throw new TransportError('transport/offline', 'the device is offline');
      const offer = await withPatience(stop, (signal) => pollRound(home.transport, task.taskId, 0, signal));
      await see(task, offer?.lastResult ?? null);
    } catch (error) {
      if (!isAway(error) || known.get(task.taskId) === undefined) throw error;
    }
    return known.get(task.taskId)?.result ?? null;
  };

  return {
    see,
    async newest(task) {
      try {
        const result = await lookUp(task);
        const before = kept.get(task.taskId);
        if (before !== undefined && before.round === (result?.round ?? null)) return before;
        const model = result === null ? firstModel(task) : await fetchNewest(home, task, result, stop);
        kept.set(task.taskId, model);
        return model;
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

async function withPatience<T>(stop: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = linkAbort(stop);
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    return await ask(patience.signal);
  } finally {
    clearTimeout(timer);
    patience.release();
  }
}

function isAway(error: unknown): boolean {
  return codeOf(error)?.startsWith('transport/') === true || codeOf(error) === 'request/busy';
}

/** Kept to be at hand offline: where there is no room for it, the one in memory will do. */
async function remember({ store }: Home, name: string, content: Uint8Array): Promise<void> {
  try {
    await store.writeMemo(name, content);
  } catch (error) {
    if (codeOf(error) !== 'store/full') throw error;
  }
}

function firstModel(task: TaskSpec): NewestModel {
  const weights = initialWeights(task.model);
  const hash = bytesToBase64Url(sha256(weightsToBytes(weights)));
  return { weights, hash, round: null, figures: null, figuresOf: null };
}

async function fetchNewest(
  home: Home,
  task: TaskSpec,
  { modelOut: hash, modelIn, round, evaluation }: RoundResult,
  stop: AbortSignal,
): Promise<NewestModel> {
  const { store, transport } = home;
  const kept = await store.readMemo(`model/${task.taskId}`);
  const genuine = kept !== null && bytesToBase64Url(sha256(kept)) === hash;
  const bytes = genuine ? kept : await fetchModel(transport, hash, 4 * parameterCount(task.model), stop);
  if (!genuine) await remember(home, `model/${task.taskId}`, bytes);
  const figures =
    evaluation === null
      ? null
      : { twins: evaluation.twins, auc: evaluation.auc, logLoss: evaluation.logLoss };
  return { weights: bytesToWeights(bytes, task.model), hash, round, figures, figuresOf: figures && modelIn };
}

function verifyResult(
  { settings }: Home,
  { taskId }: TaskSpec,
  logged: LoggedStatement<RoundResult>,
): VerifiedStatement<RoundResult> {
  const { trust } = settings;
  const verified = verifyLogged(logged, 'round-result', roundResultSchema, trustToPinned(trust));
  if (verified.statement.body.taskId !== taskId)
    throw new ProtocolError('protocol/statement', 'the result is of another task');
  return verified;
}

/** One log with the checkpoint that this device has accepted; without one, the signature of the log must do. */
async function requireSeenLog(
  { store, settings, transport }: Home,
  { checkpoint }: VerifiedStatement<RoundResult>,
  stop: AbortSignal,
): Promise<void> {
  const seen = await store.readCheckpoint();
  if (seen === null) return;
  const last = openCheckpoint(seen, settings.trust.log.vkey, { verify: verifyDetached });
  await requireOneLog(last, checkpoint, (from, to) => fetchConsistency(transport, from, to, stop));
}

async function readKeptResult(home: Home, task: TaskSpec): Promise<RoundResult | null> {
  const bytes = await home.store.readMemo(resultKey(home, task));
  if (bytes === null) return null;
  const parsed = v.safeParse(loggedSchema('round-result', roundResultSchema), JSON.parse(bytesToUtf8(bytes)));
  return parsed.success ? verifyResult(home, task, parsed.output).statement.body : null;
}

function resultKey({ settings }: Home, { taskId }: TaskSpec): string {
  return `result/${settings.trustId}/${taskId}`;
}

function refusalOf(error: unknown): ModelRefused {
  if (error instanceof StayHomeError)
    return { refused: 'log-inconsistent', detail: error.decision.detail ?? error.decision.stayHome };
  const code = codeOf(error);
  if (code === null) throw error;
  if (code.startsWith('protocol/') || code === 'transport/malformed' || code === 'transport/too-large')
    return { refused: 'model-refused', detail: code };
  if (code.startsWith('transport/') || code.startsWith('request/') || code === 'model/unknown')
    return { refused: 'no-model', detail: code };
  throw error;
}
