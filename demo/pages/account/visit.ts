/** One visit as the page sees it: signals (of Preact) that follow the twin, and what the visitor can do. */
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type { Category } from '@twinkeep/consent';
import type {
  ConsentCellView,
  ConsentReceiptView,
  Erasure,
  Participation,
  RoundResultView,
  RoundState,
  Twin,
  TwinStatus,
} from '@twinkeep/edge-client';
import type { CustomerEvent } from '@twinkeep/protocol';
import { plural } from '../ui/words.ts';
import { toEvent, type Happening } from './actions.ts';
import type { LiveDemo, SignedIn } from './boot.ts';
import { followGuess, type Guessing } from './guessing.ts';
import { CATEGORY_WORDS, eventWords } from './words.ts';

/** One line of what the twin took in, or did not. */
export interface SignalLine {
  id: string;
  at: number;
  category: Category;
  text: string;
  outcome: 'taken-in' | 'refused' | 'forgotten';
  why?: string;
}

export interface Visit {
  task: string;
  status: ReadonlySignal<TwinStatus>;
  /** Everything that the app knows to have happened, oldest first. */
  happened: ReadonlySignal<readonly CustomerEvent[]>;
  signals: ReadonlySignal<readonly SignalLine[]>;
  cells: ReadonlySignal<readonly ConsentCellView[]>;
  receipts: ReadonlySignal<readonly ConsentReceiptView[]>;
  /** Categories whose answer is being signed or whose records are being handed over. */
  busy: ReadonlySignal<ReadonlySet<Category>>;
  guessing: Guessing;
  round: ReadonlySignal<RoundState | null>;
  results: ReadonlySignal<readonly RoundResultView[]>;
  takingPart: ReadonlySignal<boolean>;
  /** How the erasure went; null as long as nobody asked for one. */
  erasure: ReadonlySignal<Erasure | null>;

  happen(...what: Happening[]): Promise<void>;
  allow(categories: readonly Category[]): Promise<void>;
  refuse(categories: readonly Category[]): Promise<void>;
  takePart(): void;
  stop(): Promise<void>;
  /** The twin's export as a file, or why there is none. */
  exportData(): Promise<{ name: string; text: string; events: number; consents: number } | { why: string }>;
  erase(): Promise<Erasure>;
}

const FIRST_TRIES = 20;
const SHOWN_SIGNALS = 60;
const SHOWN_RESULTS = 12;

export async function beginVisit(twin: Twin, { task }: LiveDemo, { records }: SignedIn): Promise<Visit> {
  const status = signal(twin.status());
  const happened = signal<readonly CustomerEvent[]>(records);
  const signals = signal<readonly SignalLine[]>([]);
  const cells = signal<readonly ConsentCellView[]>([]);
  const receipts = signal<readonly ConsentReceiptView[]>([]);
  const busy = signal<ReadonlySet<Category>>(new Set());
  const round = signal<RoundState | null>(null);
  const results = signal<readonly RoundResultView[]>([]);
  const takingPart = signal(false);
  const erasure = signal<Erasure | null>(null);
  const guessing = followGuess(twin, task, Date.now);
  let participation: Participation | null = null;
  const note = (line: SignalLine): void => {
    signals.value = [line, ...signals.value].slice(0, SHOWN_SIGNALS);
  };

  async function readConsents(): Promise<void> {
    const [cellAnswer, receiptAnswer] = [await twin.consent.cells(), await twin.consent.receipts()];
    batch(() => {
      if (cellAnswer.available) cells.value = cellAnswer.cells;
      if (receiptAnswer.available) receipts.value = receiptAnswer.receipts;
    });
  }

  /** @returns whether it is new to the twin */
  async function record(event: CustomerEvent): Promise<boolean> {
    const outcome = await twin.record(event);
    const line = {
      id: event.id,
      at: Date.parse(event.time),
      category: event.category,
      text: eventWords(event),
    };
    if (!outcome.recorded) note({ ...line, outcome: 'refused', why: outcome.why });
    else if (outcome.fresh) note({ ...line, outcome: 'taken-in' });
    return outcome.recorded && outcome.fresh;
  }

  /** What the business knows already is handed to the twin once it may take it in, and again after it had to forget. */
  async function handOver(categories: readonly Category[]): Promise<void> {
    for (const category of categories) {
      const known = happened.value.filter((event) => event.category === category);
      const outcomes = await Promise.all(known.map((event) => twin.record(event)));
      const fresh = outcomes.filter((outcome) => outcome.recorded && outcome.fresh).length;
      if (fresh === 0) continue;
      const text = `${plural(fresh, 'record')} of the last nine months`;
      note({ id: `handed-${category}-${Date.now()}`, at: Date.now(), category, text, outcome: 'taken-in' });
      guessing.blame(`${CATEGORY_WORDS[category].name} allowed`);
    }
  }

  /** The app keeps nothing itself: after a reload it asks the twin what this visitor did. */
  async function rememberEarlierVisit(): Promise<void> {
    const answer = await twin.export();
    if (!answer.available) return;
    const known = new Set(records.map(({ id }) => id));
    const own = answer.data.events
      .filter(({ id }) => !known.has(id))
      .toSorted((a, b) => (a.time < b.time ? -1 : 1));
    happened.value = [...records, ...own];
    for (const event of own)
      note({
        id: event.id,
        at: Date.parse(event.time),
        category: event.category,
        text: eventWords(event),
        outcome: 'taken-in',
      });
  }

  async function choose(categories: readonly Category[], change: () => Promise<void>): Promise<void> {
    busy.value = new Set([...busy.value, ...categories]);
    await change();
    await readConsents();
    busy.value = new Set([...busy.value].filter((category) => !categories.includes(category)));
    await guessing.look();
  }

  const given = (category: Category): boolean =>
    cells.value.some((cell) => cell.category === category && cell.status === 'given');

  twin.on('status', (now) => (status.value = now));
  twin.on('consent', () => void readConsents());
  twin.on('round', (state) => {
    if (state.task !== task) return;
    const { result } = state;
    batch(() => {
      round.value = state;
      if (result !== undefined && !results.value.some(({ round }) => round === result.round))
        results.value = [result, ...results.value].slice(0, SHOWN_RESULTS);
    });
  });

  const visit: Visit = {
    task,
    status,
    happened,
    signals,
    cells,
    receipts,
    busy,
    guessing,
    round,
    results,
    takingPart,
    erasure,
    async happen(...what) {
      for (const each of what) {
        const event = toEvent(each, crypto.randomUUID(), Date.now());
        happened.value = [...happened.value, event];
        // Named first: the guess may have moved before the answer is here.
        const takeBack = guessing.blame(eventWords(event));
        if (!(await record(event))) takeBack();
      }
    },
    allow: (categories) =>
      choose(categories, async () => {
        const change = await twin.consent.grant({ categories, method: 'button', uiFlow: 'customer-page' });
        if (change.changed) await handOver(categories);
      }),
    refuse: (categories) =>
      choose(categories, async () => {
        const choice = { method: 'button', uiFlow: 'customer-page' };
        const had = categories.filter(given);
        const asked = categories.filter((category) => !had.includes(category));
        if (had.length > 0) await twin.consent.withdraw({ ...choice, categories: had });
        if (asked.length > 0) await twin.consent.refuse({ ...choice, categories: asked });
        for (const category of had) {
          const at = Date.now();
          const text = 'Everything of this kind';
          note({ id: `forgotten-${category}-${at}`, at, category, text, outcome: 'forgotten' });
          guessing.blame(`${CATEGORY_WORDS[category].name} withdrawn`);
        }
      }),
    takePart() {
      participation ??= twin.participate();
      takingPart.value = true;
    },
    async stop() {
      await participation?.stop();
      participation = null;
      takingPart.value = false;
    },
    async exportData() {
      const answer = await twin.export();
      if (!answer.available) return { why: answer.why };
      const { data } = answer;
      return {
        name: `twin-${data.at.slice(0, 10)}.json`,
        text: `${JSON.stringify(data, null, 2)}\n`,
        events: data.events.length,
        consents: data.consents.length,
      };
    },
    async erase() {
      const outcome = await twin.erase();
      erasure.value = outcome;
      return outcome;
    },
  };

  // What may be asked follows from the task, which the twin has yet to fetch when it lives here for the first time.
  const mayCome = (): boolean => cells.value.length === 0 && status.value.state === 'ready';
  for (let tries = 0; mayCome() && tries < FIRST_TRIES; tries++) {
    await readConsents();
    if (mayCome()) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await rememberEarlierVisit();
  await handOver(CATEGORY_LIST.filter(given));
  await guessing.look();
  return visit;
}

const CATEGORY_LIST = Object.keys(CATEGORY_WORDS) as Category[];
