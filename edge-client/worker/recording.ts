/** One event from the host app, through the gate and into the features: `record()`. Events are taken one after the other. */
import type { CustomerEvent } from '@twinkeep/protocol';
import { EventError } from '../admit.ts';
import { FeatureError } from '../features/errors.ts';
import { recordEvents, refoldTwin } from '../record.ts';
import { refused } from '../twin/reasons.ts';
import type { Recorded, RecordReason } from '../twin/types.ts';
import { recordDeps, untilTasks, type Capture } from './home.ts';

export function createRecorder(home: Capture): (event: unknown) => Promise<Recorded> {
  let last: Promise<unknown> = Promise.resolve();
  return (event) => {
    const next = last.then(() => recordOne(home, event));
    last = next.catch(() => {});
    return next;
  };
}

async function recordOne(home: Capture, input: unknown): Promise<Recorded> {
  if (home.tasks.specs().length === 0) await untilTasks(home);
  if (home.tasks.specs().length === 0) return no('no-task');
  await home.sweep();
  try {
    const { fresh, refused } = await recordPlanned(home, input);
    const [reason] = (Object.keys(refused) as (keyof typeof refused)[]).filter((name) => refused[name] > 0);
    if (reason !== undefined) return no(reason);
    if (fresh > 0) tell(home, input as CustomerEvent);
    return { recorded: true, fresh: fresh > 0 };
  } catch (error) {
    if (error instanceof EventError) return no('malformed', error.message);
    throw error;
  }
}

/** Where the tasks have changed since the features were kept, these are made anew first. */
async function recordPlanned(home: Capture, input: unknown): ReturnType<typeof recordEvents> {
  const { subject } = home.settings;
  for (let attempt = 0; ; attempt++) {
    try {
      return await recordEvents(recordDeps(home), subject, [input]);
    } catch (error) {
      if (!(error instanceof FeatureError) || attempt > 0) throw error;
      await refoldTwin(recordDeps(home), subject);
    }
  }
}

function tell({ emit }: Capture, { type, category, time }: CustomerEvent): void {
  emit('recorded', { type, category, time, here: true });
}

function no(reason: RecordReason, detail?: string): Recorded {
  return { recorded: false, ...refused(reason, detail) };
}
