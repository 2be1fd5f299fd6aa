/** The visitor's answers: what was asked, what was chosen, and where it stands in the log. */
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type { Category } from '@twinkeep/consent';
import type { ConsentCellView, ConsentReceiptView, Twin } from '@twinkeep/edge-client';
import { gather } from '../ui/gather.ts';
import type { Guessing } from './guessing.ts';
import type { Intake } from './intake.ts';

export interface Consenting {
  cells: ReadonlySignal<readonly ConsentCellView[]>;
  receipts: ReadonlySignal<readonly ConsentReceiptView[]>;
  /** Categories whose answer is being signed, or whose records are being handed over. */
  busy: ReadonlySignal<ReadonlySet<Category>>;
  read(): Promise<void>;
  /** Categories that are allowed now. */
  given(): Category[];
  allow(categories: readonly Category[]): Promise<void>;
  /** Takes back what was allowed; says no to what was not answered. */
  refuse(categories: readonly Category[]): Promise<void>;
}

const HOW = { method: 'button', uiFlow: 'customer-page' } as const;

export function followConsents(twin: Twin, intake: Intake, guessing: Guessing): Consenting {
  const cells = signal<readonly ConsentCellView[]>([]);
  const receipts = signal<readonly ConsentReceiptView[]>([]);
  const busy = signal<ReadonlySet<Category>>(new Set());

  async function read(): Promise<void> {
    const [cellAnswer, receiptAnswer] = [await twin.consent.cells(), await twin.consent.receipts()];
    batch(() => {
      if (cellAnswer.available) cells.value = cellAnswer.cells;
      if (receiptAnswer.available) receipts.value = receiptAnswer.receipts;
    });
  }

  const given = (): Category[] => [
    ...new Set(cells.value.filter(({ status }) => status === 'given').map(({ category }) => category)),
  ];

  async function choose(categories: readonly Category[], change: () => Promise<void>): Promise<void> {
    busy.value = new Set([...busy.value, ...categories]);
    await change();
    await read();
    busy.value = new Set([...busy.value].filter((category) => !categories.includes(category)));
    await guessing.look();
  }

  /** Here or in another tab, now or once the log has it. */
  async function follow(): Promise<void> {
    const before = given();
    await read();
    // Where the choice was made here, this is said there.
    if (busy.value.size === 0) intake.forgotten(before.filter((category) => !given().includes(category)));
    await guessing.look();
  }

  twin.on('consent', gather(follow));
  return {
    cells,
    receipts,
    busy,
    read,
    given,
    allow: (categories) =>
      choose(categories, async () => {
        const { changed } = await twin.consent.grant({ ...HOW, categories });
        if (changed) await intake.handOver(categories);
      }),
    refuse: (categories) =>
      choose(categories, async () => {
        const had = given().filter((category) => categories.includes(category));
        const asked = categories.filter((category) => !had.includes(category));
        if (had.length > 0) await twin.consent.withdraw({ ...HOW, categories: had });
        if (asked.length > 0) await twin.consent.refuse({ ...HOW, categories: asked });
        intake.forgotten(had);
      }),
  };
}
