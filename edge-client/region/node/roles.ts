/** Roles that follow from a seed, for demos and tests: whoever knows the seed can say which twins train. */
import { sha256, utf8ToBytes } from '@twinkeep/audit';
import type { Role } from '@twinkeep/edge-client/fleet';
import type { TaskSpec } from '@twinkeep/protocol';

export function seededRole(
  seed: string,
  { taskId, evaluation }: Pick<TaskSpec, 'taskId' | 'evaluation'>,
  identifier: string,
): Role {
  const digest = sha256(utf8ToBytes(`role\n${seed}\n${taskId}\n${identifier}`));
  const share = new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 2 ** 32;
  return share < evaluation.holdout ? 'hold-out' : 'train';
}
