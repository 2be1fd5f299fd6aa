/** The engine of a task that counts: the same port as a trainer's, with nothing to train and nothing to load. */
import { ProtocolError, sumOfCounts, type TaskSpec } from '@twinkeep/protocol';
import type { TrainingEngine } from '../train/engine.ts';

export function createCountingEngine(task: TaskSpec): TrainingEngine {
  return {
    // Nothing is clipped: the norm of a twin's counts is the bound itself.
    clippedSum: async (counts, rows) => {
      const { sum, twins } = sumOfCounts(task, counts, rows);
      return { sum, count: twins, clippedCount: 0, loss: 0 };
    },
    scores: async () => {
      throw new ProtocolError('protocol/model', `task ${task.taskId} trains no network that could score`);
    },
  };
}
