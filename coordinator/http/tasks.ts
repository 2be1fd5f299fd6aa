/** Tasks: published by operators, read by everyone; and how they come along. */
import {
  MAX_RESULTS,
  ProblemError,
  type RoundResult,
  type RoundResults,
  type TaskSpec,
} from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import type { TaskList } from '../api.ts';
import { publishTask } from '../rounds/publish.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { readCloses } from '../store/closes.ts';
import { endedRounds } from '../store/rounds.ts';
import { findTask, listTasks, type StoredTask } from '../store/tasks.ts';
import { sendJson, taskParam } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';
import { readProgress } from './progress.ts';
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

  return {
    publish: async (req, res) => {
      await auth.device(req, res, 'operator');
      const { taskHash, isNew } = await publishTask(deps, await readJson(req));
      sendJson(res, await statements.awaitLogged(db, taskHash, 'task'), isNew ? 201 : 200);
    },
    list: async (_req, res) => {
      const list: TaskList = { tasks: [] };
      const logged = await statements.logged(db);
      for (const { task_id: taskId, task_hash, state } of await listTasks(db)) {
        const task = await logged<TaskSpec>(task_hash, 'task');
        if (task !== null) list.tasks.push({ taskId, title: task.statement.body.title, state });
      }
      sendJson(res, list);
    },
    read: async (req, res) => {
      const { task_hash } = await mustFind(taskParam(req));
      const task = await (await statements.logged(db))<TaskSpec>(task_hash, 'task');
      if (task === null) throw new ProblemError('task/unknown');
      sendJson(res, task);
    },
    results: async (req, res) => {
      const { task_id } = await mustFind(taskParam(req));
      const answer: RoundResults = { results: [] };
      const logged = await statements.logged(db);
      const ended = await endedRounds(db, task_id, afterRound(req.query['after']), MAX_RESULTS);
      const closes = await readCloses(
        db,
        ended.map(({ rcHash }) => rcHash),
      );
      for (const { rcHash, resultHash } of ended) {
        const result = await logged<RoundResult>(resultHash as string, 'round-result');
        if (result !== null) answer.results.push({ result, closes: closes.get(rcHash) ?? [] });
      }
      sendJson(res, answer);
    },
    progress: async (req, res) => {
      const task = await mustFind(taskParam(req));
      sendJson(res, await readProgress(deps, task, afterRound(req.query['after'])));
    },
  };
}

function afterRound(value: unknown): number {
  return parseCount(value, 'after', 1_000_000) ?? 0;
}
