/** The one resource that devices poll, and models by hash. Reads carry no identity: who looks at a round is nobody's business. */
import {
  MAX_RESULTS,
  MEDIA,
  ProblemError,
  type HelperEpoch,
  type LoggedStatement,
  type RoundConfig,
  type RoundOffer,
  type RoundResult,
  type Statement,
} from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import { CoordinatorError } from '../errors.ts';
import type { ReadLogged } from '../log/statements.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { readEpochHashes } from '../store/epochs.ts';
import { taskTopic } from '../store/revisions.ts';
import { newestResults, openRounds } from '../store/rounds.ts';
import type { Db } from '../store/schema.ts';
import { findTask } from '../store/tasks.ts';
import { cacheForEver, hashParam, taskParam } from './answer.ts';
import { parseWait, waitForNews, type WaitingRoom } from './wait.ts';

export function offerRoute(deps: RoundDeps, room: WaitingRoom): RequestHandler {
  // All nodes are woken at once and get the same answer: it is made once for those who ask while it is being made.
  const underWay = new Map<string, Promise<string>>();
  const offerJson = (taskId: string, rev: number): Promise<string> => {
    const key = `${taskId}:${rev}`;
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const made = readOffer(deps, taskId, rev)
      .then((offer) => JSON.stringify(offer))
      .finally(() => underWay.delete(key));
    underWay.set(key, made);
    return made;
  };
  return async (req, res) => {
    const taskId = taskParam(req);
    const query = parseWait(req);
    // Who knows a revision has seen the task; who does not must not be parked for one that there is not.
    const known = query.after !== null && query.after > 0;
    if (!known && (await findTask(deps.db, taskId)) === undefined) throw new ProblemError('task/unknown');
    const rev = await waitForNews(room, res, taskTopic(taskId), query);
    if (rev !== null) res.type(MEDIA.json).send(await offerJson(taskId, rev));
  };
}

/** The revision was read before: the offer is at least as new. */
async function readOffer({ db, statements }: RoundDeps, taskId: string, rev: number): Promise<RoundOffer> {
  const task = await findTask(db, taskId);
  const [round] = await openRounds(db, taskId);
  const logged = await statements.logged(db);
  // What is only proposed, or not published yet, is no device's business.
  const config = round === undefined ? null : await logged<RoundConfig>(round.rcHash, 'round-config');
  const lastHash = task?.last_result ?? null;
  const last = lastHash === null ? null : await logged<RoundResult>(lastHash, 'round-result');
  const isTold = task !== undefined && (lastHash === null || last !== null);
  // Between the two reads above a round may have opened or ended; then this is raised again, and the next answer is whole.
  const waits = !isTold || (round === undefined && task.state === 'running');
  return {
    rev,
    taskId,
    state: waits ? 'waiting' : task.state,
    ended: isTold ? task.ended : null,
    phase: round === undefined ? null : config === null ? 'proposed' : round.state.phase,
    config,
    epochs: config === null ? [] : await readEpochs({ db, statements }, config.statement.body),
    lastResult: isTold ? last : await readOlderResult(db, logged, taskId),
  };
}

/** The newest result that is published, where that of the last round is not. */
async function readOlderResult(
  db: Db,
  logged: ReadLogged,
  taskId: string,
): Promise<LoggedStatement<RoundResult> | null> {
  for (const hash of await newestResults(db, taskId, MAX_RESULTS)) {
    const result = await logged<RoundResult>(hash, 'round-result');
    if (result !== null) return result;
  }
  return null;
}

async function readEpochs(
  { db, statements }: Pick<RoundDeps, 'db' | 'statements'>,
  config: RoundConfig,
): Promise<Statement<HelperEpoch>[]> {
  const hashes = await readEpochHashes(db, config.helpers);
  if (hashes.length !== config.helpers.length)
    throw new CoordinatorError('store/missing-row', 'a round names an epoch that is not stored');
  const epochs: Statement<HelperEpoch>[] = [];
  for (const hash of hashes) epochs.push(await statements.read<HelperEpoch>(db, hash, 'helper-epoch'));
  return epochs;
}

export function modelRoute({ db, registry }: RoundDeps): RequestHandler {
  return async (req, res) => {
    const bytes = await registry.readBytes(db, hashParam(req, 'hash', 'model/unknown'));
    if (bytes === null) throw new ProblemError('model/unknown');
    cacheForEver(res);
    res.type(MEDIA.model).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  };
}
