/** Tasks: published by operators, read by everyone; and how they come along. */
import {
  MAX_RESULTS,
  ProblemError,
  type LoggedStatement,
  type RoundConfig,
  type RoundResult,
  type RoundResults,
  type TaskSpec,
} from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import {
  MAX_PROGRESS_ROUNDS,
  type EndedRound,
  type OpenRound,
  type TaskList,
  type TaskProgress,
} from '../api.ts';
import { publishTask } from '../rounds/publish.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { endedRounds, openRounds, type StoredRound } from '../store/rounds.ts';
import { findTask, listTasks, type StoredTask } from '../store/tasks.ts';
import { sendJson, taskParam } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';
import { parseCount } from './wait.ts';

export interface TaskRoutes {
  publish: RequestHandler;
  list: RequestHandler;
  read: RequestHandler;
  results: RequestHandler;
  progress: RequestHandler;
}

export function createTaskRoutes(deps: RoundDeps, auth: Auth): TaskRoutes {
  const { db, statements } = deps;
  const mustFind = async (taskId: string): Promise<StoredTask> => {
    const task = await findTask(db, taskId);
    if (task === undefined) throw new ProblemError('task/unknown');
    return task;
  };
  const specOf = async (hash: string): Promise<TaskSpec> =>
    (await statements.read<TaskSpec>(db, hash, 'task')).body;
  const logged = async (hash: string): Promise<LoggedStatement<TaskSpec>> =>
    (await statements.logged(db))(hash, 'task');

  return {
    publish: async (req, res) => {
      await auth.device(req, res, 'operator');
      const { taskHash, isNew } = await publishTask(deps, await readJson(req));
      sendJson(res, await logged(taskHash), isNew ? 201 : 200);
    },
    list: async (_req, res) => {
      const list: TaskList = { tasks: [] };
      for (const { task_id: taskId, task_hash, state } of await listTasks(db))
        list.tasks.push({ taskId, title: (await specOf(task_hash)).title, state });
      sendJson(res, list);
    },
    read: async (req, res) => {
      const { task_hash } = await mustFind(taskParam(req));
      sendJson(res, await logged(task_hash));
    },
    results: async (req, res) => {
      const { task_id } = await mustFind(taskParam(req));
      const answer: RoundResults = { results: [] };
      const readLogged = await statements.logged(db);
      for (const { resultHash } of await endedRounds(
        db,
        task_id,
        afterRound(req.query['after']),
        MAX_RESULTS,
      ))
        answer.results.push(await readLogged<RoundResult>(resultHash as string, 'round-result'));
      sendJson(res, answer);
    },
    progress: async (req, res) => {
      const task = await mustFind(taskParam(req));
      const { title, rounds } = await specOf(task.task_hash);
      const ended = await endedRounds(db, task.task_id, afterRound(req.query['after']), MAX_PROGRESS_ROUNDS);
      const [open] = await openRounds(db, task.task_id);
      const answer: TaskProgress = {
        taskId: task.task_id,
        title,
        state: task.state,
        rounds,
        trained: task.rounds_trained,
        open: open === undefined ? null : await toOpenRound(deps, open),
        ended: [],
      };
      for (const round of ended) answer.ended.push(await toEndedRound(deps, round));
      sendJson(res, answer);
    },
  };
}

function afterRound(value: unknown): number {
  return parseCount(value, 'after', 1_000_000) ?? 0;
}

async function toOpenRound(
  { db, statements }: RoundDeps,
  { rcHash, round, state }: StoredRound,
): Promise<OpenRound> {
  const { body } = await statements.read<RoundConfig>(db, rcHash, 'round-config');
  const { reports, twins, phase } = state;
  return {
    round,
    kind: body.kind,
    phase,
    received: { reports, twins },
    nTarget: body.nTarget,
    closeAt: body.closeAt,
  };
}

async function toEndedRound({ db, statements }: RoundDeps, ended: StoredRound): Promise<EndedRound> {
  const { state } = ended;
  const { body } = await statements.read<RoundResult>(db, ended.resultHash as string, 'round-result');
  const { round, kind, status, reason, count, twins, dropped, evaluation } = body;
  return {
    round,
    kind,
    status,
    reason,
    received: { reports: state.reports, twins: state.twins },
    count,
    twins,
    dropped,
    evaluation,
    responding: state.responding,
    openedAt: state.openedAt,
    closedAt: state.closedAt,
    fixedAt: state.fixedAt,
    endedAt: state.endedAt as number,
  };
}
