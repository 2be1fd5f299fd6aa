/** Why a twin stays home: a closed list, each with one sentence for its owner. Nobody else is told. */

export const REASONS = {
  'no-round': 'There is no round to take part in now.',
  'task-finished': 'The task is finished.',
  'task-refused': 'The task is not one that the coordinator signed and the public log holds.',
  'config-refused': 'The round is not one that the coordinator signed and the public log holds.',
  'log-inconsistent': 'The public log does not continue the one that this device saw before.',
  'config-mismatch': 'The round asks for something else than the task announced.',
  'history-broken': 'The round does not follow from the one before it.',
  'helpers-refused': 'The mask helpers of the round are not those that this device trusts.',
  'not-cosigned': 'Too few of the mask helpers have checked and signed the round.',
  'no-witnesses': 'Nobody but the coordinator watches the public log, which the round relies on.',
  'clock-mismatch': 'By the clock of this device, the round is not open.',
  'already-reported': 'This device has reported in this round already.',
  'model-reported': 'This device has reported on this very model already.',
  'too-many-rounds': 'The task asks for more rounds than it announced.',
  'budget-spent': 'This device has taken part as often as the privacy budget of the task allows.',
  'cohort-too-small': 'The round would open a sum over fewer reports than this device asks for.',
  'credential-refused': 'The credential of this device is not valid for this coordinator.',
  'too-few-twins': 'Too few twins here may and can contribute to this round.',
  'too-many-twins': 'More twins would contribute than the credential allows in one report.',
  'model-refused': 'The model is not the one that the round names.',
} as const;

export type StayHomeReason = keyof typeof REASONS;

export interface StayHome {
  readonly stayHome: StayHomeReason;
  /** One plain sentence. */
  readonly why: string;
  /** For whoever looks for the cause: which field, which check. Never a value of the twin. */
  readonly detail?: string;
}

export function stayHome(reason: StayHomeReason, detail?: string): StayHome {
  return { stayHome: reason, why: REASONS[reason], ...(detail === undefined ? {} : { detail }) };
}

/** Thrown inside the checks, so that they read as a list; never leaves `checkRound`. */
export class StayHomeError extends Error {
  readonly decision: StayHome;

  constructor(reason: StayHomeReason, detail?: string) {
    super(REASONS[reason]);
    this.name = 'StayHomeError';
    this.decision = stayHome(reason, detail);
  }
}
