/** Each twin draws once, for the life of a task, whether it trains or is held out: so no figure comes from a twin that trained. */
import type { Random, TaskSpec } from '@twinkeep/protocol';
import type { Role } from '../store/port.ts';

/** Held out with the probability that the task names. */
export function drawRole(task: TaskSpec, random: Random): Role {
  const bytes = random(4);
  const share = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
  return share < task.evaluation.holdout ? 'hold-out' : 'train';
}
