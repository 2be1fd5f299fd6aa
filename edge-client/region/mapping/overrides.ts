/** The settings of a task that a mapping or a caller may set; the rest follows from the columns. */
import type { PrivacySpec, ServerOptimizer, TaskSpec } from '@twinkeep/protocol';
import * as v from 'valibot';

export interface ModelOverrides {
  hidden?: number[];
  activation?: 'relu' | 'tanh';
  /** Public seed of the first weights; default: the task's id. */
  seed?: string;
}

export interface TaskOverrides {
  taskId?: string;
  clipL2?: number;
  optimizer?: ServerOptimizer;
  rounds?: number;
  evaluation?: Partial<TaskSpec['evaluation']>;
  floors?: Partial<TaskSpec['floors']>;
  helpers?: Partial<TaskSpec['helpers']>;
  bits?: TaskSpec['bits'];
  privacy?: PrivacySpec;
  windows?: Partial<TaskSpec['windows']>;
}

const number = v.exactOptional(v.pipe(v.number(), v.finite()));

/** Names and kinds of fields only: `parseTask` checks the task that comes out, ranges included. */
export const taskOverridesSchema: v.GenericSchema<TaskOverrides> = v.strictObject({
  taskId: v.exactOptional(v.string()),
  clipL2: number,
  optimizer: v.exactOptional(
    v.pipe(
      v.looseObject({ kind: v.picklist(['momentum', 'adam']) }),
      v.transform((input) => input as unknown as ServerOptimizer),
    ),
  ),
  rounds: number,
  evaluation: v.exactOptional(
    v.strictObject({ bins: number, logitRange: number, maxLoss: number, holdout: number }),
  ),
  floors: v.exactOptional(
    v.strictObject({ nMin: number, nTarget: number, minTwins: number, maxTwins: number }),
  ),
  helpers: v.exactOptional(
    v.strictObject({
      m: number,
      c: number,
      q: number,
      mode: v.exactOptional(v.picklist(['quorum', 'log'])),
    }),
  ),
  bits: v.exactOptional(v.picklist([20, 24, 32])),
  privacy: v.exactOptional(
    v.pipe(
      v.looseObject({ mech: v.picklist(['none', 'discrete-gaussian']) }),
      v.transform((input) => input as unknown as PrivacySpec),
    ),
  ),
  windows: v.exactOptional(v.strictObject({ collect: number, ack: number, reveal: number })),
}) as unknown as v.GenericSchema<TaskOverrides>;
