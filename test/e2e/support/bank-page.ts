/** What the test's bank page (`test/browser/app/`) and the tests that drive it agree on. */
import type { RoundState, Twin, TwinOptions, TwinStatus } from '@twinkeep/edge-client';

/** Global `bank` of the page. */
export interface BankPage {
  start(options: StartOptions): Promise<TwinStatus>;
  twin: Twin;
  states: RoundState[];
  problems: object[];
  /** What the reports of this page's twin hold, before masks. */
  clear: number[][];
  /** How many trainings have begun. */
  trainings: number;
  tell(message: ToTestWorker): void;
}

export type StartOptions = Pick<TwinOptions, 'coordinatorUrl' | 'trust' | 'subject' | 'tasks'> & {
  workerUrl: string;
};

export type FromTestWorker = { kind: 'clear'; rcHash: string; words: number[] } | { kind: 'training' };
export type ToTestWorker = { kind: 'clock'; error: number } | { kind: 'hold'; held: boolean };
