/** From an open page to a living twin: wait for a task to take part in, sign in at the host app, start the twin. */
import { createTwin, type Twin } from '@twinkeep/edge-client';
import { customerEventSchema, type CustomerEvent, type Trust } from '@twinkeep/protocol';
import * as v from 'valibot';
import {
  credentialAnswerSchema,
  demoInfoSchema,
  PAGES,
  sessionSchema,
  type DemoInfo,
} from '../../server/info.ts';
import { readJson, sendJson } from '../ui/read.ts';
import { NOTICE } from './notice.ts';
import { startWorker } from './start-worker.ts';

/** What a twin of this page needs to know of the running demo. */
export interface LiveDemo {
  coordinatorUrl: string;
  trust: Trust;
  task: string;
  controller: string;
}

export interface SignedIn {
  subject: string;
  /** What the business knows of this customer already. */
  records: readonly CustomerEvent[];
}

const LOOK_MILLIS = 1_500;

/**
 * Resolves once there is a task that a visitor may take part in.
 * @param onWait told what the demo is doing instead
 */
export async function untilLive(onWait: (info: DemoInfo | null) => void): Promise<LiveDemo> {
  for (;;) {
    const info = await readJson(PAGES.info, demoInfoSchema).catch(() => null);
    const live = info === null ? null : liveDemo(info);
    if (live !== null) return live;
    onWait(info);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
  }
}

function liveDemo({ stage, coordinatorUrl, trust, liveTask, controller }: DemoInfo): LiveDemo | null {
  if (stage === 'ended' || coordinatorUrl === null || trust === null || liveTask === null) return null;
  return { coordinatorUrl, trust, task: liveTask, controller };
}

/** @param anew another pseudonym, after an erasure */
export async function signIn(anew: boolean): Promise<SignedIn> {
  const { subject } = anew ? { subject: null } : await readJson(PAGES.session, sessionSchema);
  const session = subject ?? (await sendJson(PAGES.session, {}, sessionSchema)).subject;
  if (session === null) throw new Error('the host app gave no pseudonym');
  return { subject: session, records: await readJson(PAGES.records, v.array(customerEventSchema)) };
}

/** An earlier run of the demo had other keys and another coordinator: its twins can do nothing here any more. */
export async function clearEarlierRuns(subject: string): Promise<void> {
  for (const { name = '' } of await indexedDB.databases())
    if (name.startsWith(NAME) && !name.startsWith(NAME + subject)) indexedDB.deleteDatabase(name);
}

const NAME = 'twin-';

/** At the bound the app may act on the twin's guess, if the visitor allows it. */
export const ACT_AT = 0.4;

export function startTwin(
  { coordinatorUrl, trust, task, controller }: LiveDemo,
  subject: string,
): Promise<Twin> {
  return createTwin({
    coordinatorUrl,
    trust,
    controller,
    subject,
    credential: async (deviceKey) =>
      (await sendJson(PAGES.credential, { deviceKey }, credentialAnswerSchema)).credential,
    tasks: [task],
    notice: NOTICE,
    worker: startWorker,
    name: NAME + subject,
    activations: [{ task, atLeast: ACT_AT }],
  });
}
