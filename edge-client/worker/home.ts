/** What the parts of one opened twin share. */
import type { SigningKey } from '@twinkeep/protocol';
import { readConsentChain, type ConsentReadings } from '../consent-chain.ts';
import { FeatureError } from '../features/errors.ts';
import { decodeFeatures } from '../features/codec.ts';
import type { FeatureState } from '../features/state.ts';
import { refoldTwin, type RecordDeps } from '../record.ts';
import type { DeviceStore } from '../store/device.ts';
import { StoreError } from '../store/errors.ts';
import type { StoredTwin } from '../store/port.ts';
import type { Transport } from '../transport/transport.ts';
import type { TwinEvents } from '../twin/types.ts';
import type { Credentials } from './credentials.ts';
import type { Platform } from './platform.ts';
import type { CheckedSettings } from './settings.ts';
import type { TaskBook } from './task-book.ts';

export type Emit = <Name extends keyof TwinEvents>(name: Name, event: TwinEvents[Name]) => void;

/** What it takes to take an event in. */
export interface Capture {
  settings: CheckedSettings;
  platform: Platform;
  store: DeviceStore;
  key: SigningKey;
  tasks: TaskBook;
  emit: Emit;
  /** Deletes what may be kept no longer, once a day; see `retention.ts`. */
  sweep: () => Promise<void>;
}

/** And to do anything else. */
export interface Home extends Capture {
  transport: Transport;
  credentials: Credentials;
}

export async function readTwin({ store, settings }: Capture): Promise<StoredTwin> {
  const [twin] = await store.readTwins([settings.subject]);
  if (twin === undefined) throw new StoreError('store/unknown-twin', 'the storage was cleared');
  return twin;
}

export async function readConsents(home: Capture): Promise<ConsentReadings> {
  return readConsentChain((await readTwin(home)).consents);
}

export function recordDeps({ store, tasks, platform }: Capture): RecordDeps {
  return { store, plan: tasks.plan(), policy: tasks.policy(), clock: platform.clock };
}

/** Features for the tasks of now; made anew from the kept events where they were kept for others. */
export async function readFeatures(home: Capture): Promise<FeatureState> {
  const known = decodeFor(home, await readTwin(home));
  if (known !== null) return known;
  await refoldTwin(recordDeps(home), home.settings.subject);
  const made = decodeFor(home, await readTwin(home));
  if (made === null) throw new FeatureError('features/other-plan', 'the tasks changed meanwhile');
  return made;
}

function decodeFor({ tasks }: Capture, { features }: StoredTwin): FeatureState | null {
  if (features === null) return null;
  try {
    return decodeFeatures(features, tasks.plan());
  } catch (error) {
    if (error instanceof FeatureError) return null;
    throw error;
  }
}

/** Milliseconds that a first call may wait for the tasks: later ones find them kept. */
const WAIT_FOR_TASKS = 5_000;

/** Resolves as soon as each task is known or was looked for once, or at the end of that wait. */
export async function untilTasks({ tasks }: Capture): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAIT_FOR_TASKS)));
  await Promise.race([tasks.looked, late]);
  clearTimeout(timer);
}
