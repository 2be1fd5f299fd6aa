/** One visit: what the page shows of the twin, as signals that follow it, and what the visitor can do. */
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Erasure, Twin, TwinStatus } from '@twinkeep/edge-client';
import type { LiveDemo, SignedIn } from './boot.ts';
import { followConsents, type Consenting } from './consenting.ts';
import { followGuess, type Guessing } from './guessing.ts';
import { followIntake, type Intake } from './intake.ts';
import { followRounds, type TakingPart } from './taking-part.ts';

export interface Visit {
  status: ReadonlySignal<TwinStatus>;
  guessing: Guessing;
  intake: Intake;
  consents: Consenting;
  rounds: TakingPart;
  /** How the erasure went; null as long as nobody asked for one. */
  erasure: ReadonlySignal<Erasure | null>;
  /** The twin's export as a file, or why there is none. */
  exportData(): Promise<ExportFile | { why: string }>;
  erase(): Promise<Erasure>;
}

export interface ExportFile {
  name: string;
  text: string;
  events: number;
  consents: number;
}

export async function beginVisit(twin: Twin, { task }: LiveDemo, { records }: SignedIn): Promise<Visit> {
  const status = signal(twin.status());
  const erasure = signal<Erasure | null>(null);
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
    ...{ status, guessing, intake, consents, rounds, erasure },
    exportData: () => exportFile(twin),
    async erase() {
      const outcome = await twin.erase();
      erasure.value = outcome;
      return outcome;
    },
  };
}

const TRIES = 20;
const BETWEEN_MILLIS = 500;

/** What may be asked follows from the task, which the twin has yet to fetch when it lives here for the first time. */
async function untilAsked(consents: Consenting, mayCome: () => boolean): Promise<void> {
  for (let tries = 0; tries < TRIES && mayCome(); tries++) {
    await consents.read();
    if (consents.cells.value.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MILLIS));
  }
}

async function exportFile(twin: Twin): Promise<ExportFile | { why: string }> {
  const answer = await twin.export();
  if (!answer.available) return { why: answer.why };
  const { data } = answer;
  return {
    name: `twin-${data.at.slice(0, 10)}.json`,
    text: `${JSON.stringify(data, null, 2)}\n`,
    events: data.events.length,
    consents: data.consents.length,
  };
}
