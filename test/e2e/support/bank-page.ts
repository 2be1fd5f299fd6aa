/** What the test's bank page (`test/browser/app/`) and the tests that drive it agree on. */
import type { RoundState, Twin, TwinOptions, TwinStatus } from '@twinkeep/edge-client';

/** Global `bank` of the page. */
export interface BankPage {
  start(options: StartOptions): Promise<TwinStatus>;
  twin: Twin;
  /** Every state of the round that the page was told, oldest first. */
  states: RoundState[];
  problems: object[];
  /** What went into the reports that this origin's twins made since the page was loaded: round (hash of its configuration) and words. */
  reports: [rcHash: string, words: number[]][];
  /** Where this origin's workers came by. */
  passed: HoldingPoint[];
  /** Errors that reached the top of the page or of a worker. */
  uncaught: string[];
  tell(message: ToTestWorker): void;
}

export type StartOptions = Pick<TwinOptions, 'coordinatorUrl' | 'trust' | 'subject' | 'tasks'> & {
  workerUrl: string;
};

/** In the middle of training; with the report made and recorded, before it is sent. */
export type HoldingPoint = 'training' | 'sending';

export type FromTestWorker =
  | { kind: 'report'; rcHash: string; words: number[] }
  | { kind: 'at'; at: HoldingPoint }
  | { kind: 'uncaught'; message: string };

export type ToTestWorker =
  /** Milliseconds by which the clock is wrong from now on. */
  | { kind: 'clock'; error: number }
  /** Milliseconds for which the monotonic clock stood still. */
  | { kind: 'slept'; millis: number }
  | { kind: 'hold'; at: HoldingPoint }
  /** Goes on from, and is held no more at, any point. */
  | { kind: 'release' };
