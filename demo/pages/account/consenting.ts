/** What the visitor allows, as the app follows it: what is allowed is handed to the twin, what is taken back is forgotten. */
import { PERMITTING_STATUSES, type Category } from '@twinkeep/consent';
import type { ConsentCellView, Twin } from '@twinkeep/edge-client';
import { gather } from '../ui/gather.ts';
import type { Guessing } from './guessing.ts';
import type { Intake } from './intake.ts';

export interface Consenting {
  /** @returns whether the twin knows what it is asked for */
  read(): Promise<boolean>;
  /** Categories that are allowed now. */
  given(): Category[];
  /** The visitor has allowed these, in this tab. */
  allowed(categories: readonly Category[]): Promise<void>;
}

export function followConsents(twin: Twin, intake: Intake, guessing: Guessing): Consenting {
  let cells: readonly ConsentCellView[] = [];

  async function read(): Promise<boolean> {
    const answer = await twin.consent.cells();
    if (answer.available) cells = answer.cells;
    return cells.length > 0;
  }

  const given = (): Category[] => [
    ...new Set(cells.filter(({ status }) => PERMITTING_STATUSES.has(status)).map(({ category }) => category)),
  ];

  /** Here or in another tab, now or once the log has it. */
  async function follow(): Promise<void> {
    const before = given();
    await read();
    intake.forgotten(before.filter((category) => !given().includes(category)));
    await guessing.look();
  }

  twin.on('consent', gather(follow));
  return {
    read,
    given,
    async allowed(categories) {
      await intake.handOver(categories);
      await guessing.look();
    },
  };
}
