/** How rounds stand for a person. */
import type { Role } from '../store/port.ts';
import type { StayHomeReason } from '../round/reasons.ts';
import type { ModelFigures } from './answers-predict.ts';
import type { Unavailable } from './words.ts';

export interface Participation {
  /** How every task stands, as last seen by this tab. */
  rounds(): readonly RoundState[];
  /** Takes part no longer, from this tab. A report that was sent stays sent. */
  stop(): Promise<void>;
}

/** How a task's round stands for this person. `why` is always one plain sentence that may be shown. */
export interface RoundState {
  task: string;
  /** Null as long as no round was seen. */
  round: number | null;
  state:
    | 'waiting'
    /** Checks, training, masking. */
    | 'working'
    | 'sending'
    /** The report is in the round; the tab may be closed. */
    | 'accepted'
    /** The report may have arrived or not; it is sent again. */
    | 'pending'
    | 'refused'
    | 'stays-home'
    /** A round ended; `result` is its logged result. */
    | 'ended'
    /** The task is finished. */
    | 'finished'
    /** `participate` is not called, or was stopped. */
    | 'off';
  reason?: StayHomeReason | PauseReason | RoundTrouble;
  why: string;
  detail?: string;
  /** What this twin does in the task: it trains, or it is held out and scores the model. */
  role?: Role;
  result?: RoundResultView;
  /** False where another tab of this origin does the work. */
  here: boolean;
}

export type PauseReason = 'offline' | 'metered' | 'low-battery' | 'asleep' | 'clock-jumped';

export type RoundTrouble =
  | 'not-consented'
  /** A yes lets something leave only once the public log has it. */
  | 'consent-not-logged'
  /** What the task wants to predict has not been seen here, so there is nothing to learn from. */
  | 'no-label'
  /** The round asks only twins that are held out. */
  | 'not-asked'
  /** The round asks only twins that train, and this one is held out. */
  | 'held-out'
  | 'task-unknown'
  | 'coordinator-unreachable'
  /** Something else than the coordinator answers: a sign-in page, a proxy. */
  | 'not-the-coordinator'
  /** The coordinator does not list this web origin. */
  | 'origin-refused'
  | 'no-credential'
  /** The coordinator takes no proofs that are dated minutes off. */
  | 'clock-off'
  | 'report-refused'
  /** The coordinator does not take a consent event of this device. */
  | 'consent-refused'
  | 'training-failed'
  | Unavailable;

export interface RoundResultView {
  round: number;
  kind: 'train' | 'evaluate';
  status: 'sealed' | 'abandoned';
  /** Reports, and twins in them. */
  count: number;
  twins: number;
  /** Whether this device's report was sent to that round. */
  reported: boolean;
  evaluation: ModelFigures | null;
  /** Model that came out, by hash. */
  model: string;
}
