/**
 * What the coordinator says beyond the protocol, to people rather than to devices: how a task comes along. Public figures only. For the console
 * and the demo; types and schemas, no server code.
 */
import {
  ABANDON_REASONS,
  DROP_REASONS,
  type AbandonReason,
  type DropReason,
  type RoundPhase,
  type RoundResult,
  type TaskEnd,
} from '@twinkeep/protocol';
import * as v from 'valibot';

/** `?after=<round>`: ended rounds with a later number, oldest first, at most 256. */
export function progressPath(taskId: string): string {
  return `/v1/tasks/${taskId}/progress`;
}

export const MAX_PROGRESS_ROUNDS = 256;

export interface TaskSummary {
  taskId: string;
  title: string;
  state: 'waiting' | 'running' | 'finished';
}

/** Answer of `GET PATHS.tasks`. */
export interface TaskList {
  tasks: TaskSummary[];
}

/** An ended round. Times in milliseconds since 1970, null for what the round did not come to. */
export interface EndedRound {
  round: number;
  kind: 'train' | 'evaluate';
  status: 'sealed' | 'abandoned';
  reason: AbandonReason | null;
  /** Reports received, and twins in them. */
  received: { reports: number; twins: number };
  /** Reports in the opened set, and twins in them. */
  count: number;
  twins: number;
  dropped: { reason: DropReason; count: number }[];
  /** Figures of the model that the round began with. */
  evaluation: RoundResult['evaluation'];
  /** Where the clipping bound adapts, after a training round. */
  clip: RoundResult['clip'];
  /** Helpers whose sums were not those that opened the set. */
  disputed: number[];
  /** Helpers that had judged every report when the set was fixed. */
  responding: number[];
  openedAt: number;
  closedAt: number | null;
  fixedAt: number | null;
  endedAt: number;
}

export interface OpenRound {
  round: number;
  kind: 'train' | 'evaluate';
  phase: RoundPhase;
  /** Helpers that have signed its configuration. */
  cosigned: number[];
  received: { reports: number; twins: number };
  nTarget: number;
  closeAt: number;
}

/** What a task's privacy budget is, and how much of it was spent. Participants are subjects of credentials: a person's device, or a node. */
export interface TaskPrivacy {
  /** What the task promises whoever takes part as often as it allows. */
  noiseMultiplier: number;
  epsilon: number;
  delta: number;
  trainings: Spending;
  evaluations: Spending;
  /** Spent by whoever has taken part most: rho of zero-concentrated differential privacy, and the epsilon that it is at `delta`. */
  spent: { rho: number; epsilon: number };
}

export interface Spending {
  /** Most participations of one participant. */
  cap: number;
  /** Of the participant with most of them. */
  most: number;
  /** By number of participations, rising: so many participants have it, and so much it costs each twin of theirs. At most 1,000. */
  counts: { participations: number; participants: number; rho: number; epsilon: number }[];
}

/** Answer of `progressPath`. */
export interface TaskProgress {
  taskId: string;
  title: string;
  state: 'waiting' | 'running' | 'finished';
  /** Training rounds of the task, and how many are sealed. */
  rounds: number;
  trained: number;
  /** Why it is finished; null until it is. */
  endedBecause: TaskEnd | null;
  /** The last round was abandoned, and the next one waits until the helpers have closed it. */
  waitsFor: 'helper-closes' | null;
  /** Null where sums carry no noise, and so no budget ends. */
  privacy: TaskPrivacy | null;
  open: OpenRound | null;
  ended: EndedRound[];
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const time = v.nullable(count);
const states = v.picklist(['waiting', 'running', 'finished']);
const kinds = v.picklist(['train', 'evaluate']);
const received = v.strictObject({ reports: count, twins: count });

const amount = v.pipe(v.number(), v.minValue(0));
const spending = v.strictObject({
  cap: count,
  most: count,
  counts: v.pipe(
    v.array(v.strictObject({ participations: count, participants: count, rho: amount, epsilon: amount })),
    v.maxLength(1_000),
  ),
});

export const taskListSchema: v.GenericSchema<TaskList> = v.strictObject({
  tasks: v.array(v.strictObject({ taskId: v.string(), title: v.string(), state: states })),
});

export const taskProgressSchema: v.GenericSchema<TaskProgress> = v.strictObject({
  taskId: v.string(),
  title: v.string(),
  state: states,
  rounds: count,
  trained: count,
  endedBecause: v.nullable(v.picklist(['rounds-done', 'budget-spent'])),
  waitsFor: v.nullable(v.literal('helper-closes')),
  privacy: v.nullable(
    v.strictObject({
      noiseMultiplier: amount,
      epsilon: amount,
      delta: amount,
      trainings: spending,
      evaluations: spending,
      spent: v.strictObject({ rho: amount, epsilon: amount }),
    }),
  ),
  open: v.nullable(
    v.strictObject({
      round: count,
      kind: kinds,
      phase: v.picklist(['proposed', 'collecting', 'acking', 'revealing', 'sealed', 'abandoned']),
      cosigned: v.array(count),
      received,
      nTarget: count,
      closeAt: count,
    }),
  ),
  ended: v.pipe(
    v.array(
      v.strictObject({
        round: count,
        kind: kinds,
        status: v.picklist(['sealed', 'abandoned']),
        reason: v.nullable(v.picklist(ABANDON_REASONS)),
        received,
        count,
        twins: count,
        dropped: v.array(v.strictObject({ reason: v.picklist(DROP_REASONS), count })),
        evaluation: v.nullable(
          v.strictObject({
            twins: v.number(),
            positives: v.number(),
            auc: v.nullable(v.number()),
            aucError: v.number(),
            logLoss: v.nullable(v.number()),
            noise: v.number(),
          }),
        ),
        clip: v.nullable(v.strictObject({ within: v.number(), next: amount })),
        disputed: v.array(count),
        responding: v.array(count),
        openedAt: count,
        closedAt: time,
        fixedAt: time,
        endedAt: count,
      }),
    ),
    v.maxLength(MAX_PROGRESS_ROUNDS),
  ),
});
