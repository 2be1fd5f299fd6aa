/** The lazily loaded half of the worker: whatever checks what the coordinator says, and with it libsodium. tfjs comes with `LoadEngine`. */
import {
  parseTask,
  ProtocolError,
  sodiumReady,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  type LoggedStatement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';

export { createInbox } from '../consent-inbox.ts';
export { followTask } from './follow.ts';
export { createModels } from './models.ts';
export { createPredicting } from './predicting.ts';
export { sodiumReady };

/** @throws ProtocolError where the task is not the named one, signed by the trusted coordinator and in the trusted log */
export function verifyTask(task: LoggedStatement<TaskSpec>, taskId: string, trust: Trust): void {
  const { body } = verifyLogged(task, 'task', taskSpecSchema, trustToPinned(trust)).statement;
  if (body.taskId !== taskId) throw new ProtocolError('protocol/task', 'it is another task');
  parseTask(body);
}
