/** A helper's message about a round: by whom it is, of which round, and the lock under which it is taken. */
import {
  ProblemError,
  ProtocolError,
  verifyStatement,
  type RoundConfig,
  type Statement,
} from '@twinkeep/protocol';
import { lockRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import type { RoundDeps } from './deps.ts';
import { loadRunning, type RunningRound } from './running.ts';

export interface HelperMessage {
  rcHash: string;
  config: RoundConfig;
  j: number;
  /** JSON of a statement, or the bytes of sums. Not looked at yet. */
  body: unknown;
}

export async function withRound(
  deps: RoundDeps,
  name: string,
  { rcHash }: HelperMessage,
  work: (tx: Tx, running: RunningRound) => Promise<void>,
): Promise<void> {
  await deps.runTx(name, async (tx) => {
    const round = await lockRound(tx, rcHash);
    if (round === null) throw new ProblemError('round/unknown');
    await work(tx, await loadRunning(tx, deps, round));
  });
}

/** @throws ProblemError 'helper/statement', 'round/config-mismatch' */
export function verifyHelper<T extends { rcHash: string; j: number }>(
  message: HelperMessage,
  type: 'helper-ack' | 'helper-ready' | 'helper-close',
  schema: Parameters<typeof verifyStatement<T>>[2],
): Statement<T> {
  const statement = verifyBy(message, type, schema);
  requireOwn(message, statement.body);
  return statement;
}

/** @throws ProblemError 'helper/statement' */
export function verifyBy<T>(
  message: HelperMessage,
  type: Parameters<typeof verifyStatement>[1],
  schema: Parameters<typeof verifyStatement<T>>[2],
): Statement<T> {
  try {
    return verifyStatement(message.body, type, schema, helperKey(message));
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProblemError('helper/statement', error.message);
    throw error;
  }
}

/** A statement made for another round or by another helper is worth nothing here, however well signed. */
export function requireOwn({ rcHash, j }: HelperMessage, body: { rcHash: string; j: number }): void {
  if (body.rcHash !== rcHash) throw new ProblemError('round/config-mismatch');
  if (body.j !== j) throw new ProblemError('helper/statement', 'it is of another helper');
}

export function helperKey({ config, j }: HelperMessage): string {
  const helper = config.helpers.find((candidate) => candidate.j === j);
  if (helper === undefined) throw new ProblemError('auth/forbidden', 'the round has no such helper');
  return helper.key;
}
