/** One plain sentence for each reason that a twin can give: for the person, in words that need no knowledge of the parts. */
import { REASONS, type StayHomeReason } from '../round/reasons.ts';
import type {
  ConsentReason,
  PauseReason,
  PredictReason,
  RecordReason,
  Refused,
  RoundTrouble,
  Unavailable,
} from './types.ts';

export type Reason =
  Unavailable | RecordReason | ConsentReason | PredictReason | PauseReason | RoundTrouble | StayHomeReason;

const SENTENCES: Readonly<Record<Exclude<Reason, StayHomeReason>, string>> = {
  closed: 'The twin was closed on this page.',
  erased: 'The twin was erased.',
  'no-storage':
    'This browser keeps nothing for this page, for example in a private window, so the twin cannot live here.',
  'storage-full': 'The browser has no room left, so nothing new can be kept.',
  'storage-corrupt':
    'What the browser kept of the twin is damaged and cannot be read; erasing the twin clears it.',
  'storage-lost':
    'The browser has cleared what it kept of the twin; a new one starts when the page is loaded again.',
  'not-supported': 'This browser lacks something that the twin needs.',
  'newer-version': 'A newer version of this page has used the twin; reload the page.',
  blocked: 'Another tab uses an older version of the twin; close it and reload this page.',
  'other-person': 'The twin of somebody else is kept under this name.',
  'worker-lost': 'The part of the page in which the twin lives did not start or has ended; reload the page.',
  failed: 'Something went wrong in the twin; nothing was lost.',
  malformed: 'What was given does not have the documented form.',
  'not-consented': 'You have not allowed this, or have withdrawn it.',
  'consent-not-logged':
    'What you allowed is not in the public log yet; it counts for a round once it is there.',
  'past-retention': 'This is older than what may be kept.',
  'in-the-future': 'By the clock of this device, this has not happened yet.',
  'no-task': 'The twin does not know yet what it is asked for; it learns that from the coordinator.',
  'no-model': 'No model was seen yet, and the coordinator cannot be reached.',
  offline: 'The device is offline; the twin waits.',
  metered: 'The connection is metered or set to save data; the twin waits for another.',
  'low-battery': 'The battery is low; the twin waits until the device is charged.',
  asleep: 'The page sleeps; the twin goes on when it wakes.',
  'clock-jumped': 'The clock of this device was changed or the device slept; the twin looks again.',
  'no-label': 'What is to be predicted has not been seen here, so there is nothing to learn from yet.',
  'not-asked': 'This round only asks twins that do not train.',
  'held-out': 'This round only asks twins that train; this one is kept apart to see how well the model does.',
  'task-unknown': 'The task is not published yet.',
  'coordinator-unreachable': 'The coordinator cannot be reached; the twin tries again.',
  'not-the-coordinator':
    'Something else answers in place of the coordinator, for example a sign-in page of the network.',
  'origin-refused': 'The coordinator does not take calls from this web site.',
  'no-credential': 'The app did not confirm that this device belongs to you.',
  'clock-off':
    'The clock of this device is off, so the coordinator takes nothing from it; the twin tries again.',
  'report-refused': 'The coordinator refused the report of this device.',
  'consent-refused': 'The coordinator refused what you chose; on this device it counts all the same.',
  'training-failed': 'Training failed on this device; nothing was sent.',
};

export function refused<R extends Reason>(reason: R, detail?: string): Refused<R> {
  const why = (SENTENCES as Partial<Record<Reason, string>>)[reason] ?? REASONS[reason as StayHomeReason];
  return { reason, why, ...(detail === undefined ? {} : { detail }) };
}
