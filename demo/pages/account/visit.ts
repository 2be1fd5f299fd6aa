/** One visit: what the page shows of the twin, as signals that follow it, and what the visitor can do. */
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Erasure, Twin, TwinStatus } from '@twinkeep/edge-client';
import type { LiveDemo, SignedIn } from './boot.ts';
import { followConsents, type Consenting } from './consenting.ts';
import { followGuess, type Guessing } from './guessing.ts';
import { followIntake, type Intake } from './intake.ts';
import { followRounds, type TakingPart } from './taking-part.ts';

export interface Visit {
  twin: Twin;
  status: ReadonlySignal<TwinStatus>;
  guessing: Guessing;
  intake: Intake;
  consents: Consenting;
  rounds: TakingPart;
  /** How the erasure went; null as long as there was none. */
  erasure: ReadonlySignal<Ended | null>;
  erased(erasure: Ended): void;
}

type Ended = Exclude<Erasure, { erased: false }>;

export async function beginVisit(twin: Twin, { task }: LiveDemo, { records }: SignedIn): Promise<Visit> {
  const status = signal(twin.status());
  const erasure = signal<Ended | null>(null);
  const guessing = followGuess(twin, task, Date.now);
  const intake = followIntake(twin, records, guessing, Date.now);
  const consents = followConsents(twin, intake, guessing);
  const rounds = followRounds(twin, task);
  twin.on('status', (now) => (status.value = now));

  await untilAsked(consents, () => status.value.state === 'ready');
  await intake.remember();
  await intake.handOver(consents.given());
  await guessing.look();
  return {
    ...{ twin, status, guessing, intake, consents, rounds, erasure },
    erased: (outcome) => void (erasure.value = outcome),
  };
}

const TRIES = 20;
const BETWEEN_MILLIS = 500;

/** What may be asked follows from the task, which the twin has yet to fetch when it lives here for the first time. */
async function untilAsked(consents: Consenting, mayCome: () => boolean): Promise<void> {
  for (let tries = 0; tries < TRIES && mayCome(); tries++) {
    if (await consents.read()) return;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MILLIS));
  }
}
