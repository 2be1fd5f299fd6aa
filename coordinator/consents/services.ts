/** Everything that the routes about consents do, composed. */
import { createControllerVoice } from './controller.ts';
import { startBumping } from './bump.ts';
import { createConsentHistory, type ReadConsentHistory } from './history.ts';
import { createConsentIntake, type ConsentIntakeDeps, type TakeConsents } from './intake.ts';
import { createNotices, type Notices } from './notices.ts';
import { createOfficers, type OfficerDeps, type Officers } from './officers.ts';
import { createSignals, type RecordSignal } from './signals.ts';
import type { Random, SigningKey } from '@twinkeep/protocol';

export interface ConsentServices {
  take: TakeConsents;
  readHistory: ReadConsentHistory;
  recordSignal: RecordSignal;
  officers: Officers;
  notices: Notices;
  /** Carries changes of notices on until it is stopped. */
  start(onError: (what: string, error: unknown) => void): { stop(): Promise<void> };
}

export interface ConsentServicesDeps extends ConsentIntakeDeps {
  key: SigningKey;
  random: Random;
  /** An opt-out signal of a browser is taken for an objection to profiling too. */
  gpcStopsTraining: boolean;
}

export async function createConsents(deps: ConsentServicesDeps): Promise<ConsentServices> {
  const officers: OfficerDeps = { ...deps, voice: await createControllerVoice(deps) };
  return {
    take: createConsentIntake(deps),
    readHistory: createConsentHistory(deps),
    recordSignal: createSignals(officers, deps.gpcStopsTraining),
    officers: createOfficers(officers),
    notices: createNotices(deps),
    start: (onError) => startBumping(officers, onError),
  };
}
