/**
 * Where a federated synthesizer comes from, by hashes that the public log holds: the task, the sealed rounds, and the counts of the last of
 * them. It travels inside the model file, which a data set of the registry names by its own hash, so the way back from a data set goes:
 * model file -> counts -> results -> set commits -> whose twins were in them. A deletion follows the same way forward.
 */
import {
  bytesToWeights,
  modelHash,
  parseTask,
  ProtocolError,
  roundResultSchema,
  statementName,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  type LoggedStatement,
  type RoundResult,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import type { MstModel } from '../synthesize/mst.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import { fitFromCounts } from './fit.ts';

export interface Lineage {
  taskId: string;
  /** Base64url, as the log's statements name each other. */
  task: string;
  /** Results of the sealed rounds, oldest first, and what they opened together. */
  results: { hash: string; round: number; set: string; reports: number; twins: number }[];
  /** SHA-256 of the published counts. */
  counts: string;
  purpose: string;
}

export type FederatedModel = MstModel & { lineage: Lineage };

/** As the coordinator serves them to anybody. */
export interface Published {
  task: LoggedStatement<TaskSpec>;
  /** Of all its rounds, oldest first. */
  results: readonly LoggedStatement<RoundResult>[];
  /** Bytes of the model that the last sealed round made. */
  counts: Uint8Array;
}

/**
 * Fits a synthesizer to what the rounds of a task published, after every statement was checked against the trust root, and the counts
 * against the last of them.
 * @throws SyntheticError 'synthetic/data', 'synthetic/schema'; ProtocolError where the task is not one that counts
 */
export function fitPublished(published: Published, trust: Trust, schema?: TableSchema): FederatedModel {
  const pinned = trustToPinned(trust);
  const logged = genuine(() => verifyLogged(published.task, 'task', taskSpecSchema, pinned));
  const task = parseTask(logged.statement.body);
  const results = published.results
    .map((result) => genuine(() => verifyLogged(result, 'round-result', roundResultSchema, pinned)).statement)
    .filter(({ body }) => body.taskId === task.taskId && body.status === 'sealed');
  const last = results.at(-1)?.body.modelOut;
  const counts = modelHash(published.counts);
  if (counts !== last)
    throw new SyntheticError(
      'synthetic/data',
      'the counts are not those that the last sealed round published',
    );
  const model = fitFromCounts(task, bytesToWeights(published.counts, task.model), schema);
  const lineage: Lineage = {
    taskId: task.taskId,
    task: statementName(logged.statement),
    results: results.map((statement) => {
      const { round, scHash, count, twins } = statement.body;
      const hash = statementName(statement);
      return { hash, round, set: scHash as string, reports: count, twins };
    }),
    counts,
    purpose: task.purpose,
  };
  return { ...model, lineage };
}

function genuine<T>(verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new SyntheticError(
      'synthetic/data',
      `not what the trust root signed and its log holds: ${error.message}`,
    );
  }
}
