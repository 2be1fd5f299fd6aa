/** One visit as the page sees it: signals (of Preact) that follow the twin, and what the visitor can do. */
import { batch, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Category } from '@twinkeep/consent';
import type {
  ConsentCellView,
  ConsentReceiptView,
  Erasure,
  Explained,
  Participation,
  Predicted,
  Prediction,
  RoundResultView,
  RoundState,
  Twin,
  TwinStatus,
} from '@twinkeep/edge-client';
import type { CustomerEvent } from '@twinkeep/protocol';
import { plural } from '../ui/words.ts';
import { toEvent, type Happening } from './actions.ts';
import { ACT_AT, type LiveDemo, type SignedIn } from './boot.ts';
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

/** The guess as it moved. */
export interface Move {
  step: number;
  probability: number;
  cause: string;
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
  predicted: ReadonlySignal<Predicted | null>;
  explained: ReadonlySignal<Explained | null>;
  moves: ReadonlySignal<readonly Move[]>;
  /** The app may act on the guess now. */
  offered: Signal<boolean>;
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
const SHOWN_MOVES = 120;
const SHOWN_RESULTS = 12;

export async function beginVisit(twin: Twin, { task }: LiveDemo, { records }: SignedIn): Promise<Visit> {
  const status = signal(twin.status());
  const happened = signal<readonly CustomerEvent[]>(records);
  const signals = signal<readonly SignalLine[]>([]);
  const cells = signal<readonly ConsentCellView[]>([]);
  const receipts = signal<readonly ConsentReceiptView[]>([]);
  const busy = signal<ReadonlySet<Category>>(new Set());
  const predicted = signal<Predicted | null>(null);
  const explained = signal<Explained | null>(null);
  const moves = signal<readonly Move[]>([]);
  const offered = signal(false);
  const round = signal<RoundState | null>(null);
  const results = signal<readonly RoundResultView[]>([]);
  const takingPart = signal(false);
  const erasure = signal<Erasure | null>(null);
  let participation: Participation | null = null;
  let causes: string[] = [];
  let lastModel: string | null = null;

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

  /** One explanation at a time; while it is made, at most one more is asked for. */
  let explaining: 'no' | 'yes' | 'again' = 'no';
  async function explain(): Promise<void> {
    if (explaining !== 'no') {
      explaining = 'again';
      return;
    }
    do {
      explaining = 'yes';
      explained.value = await twin.explain(task);
    } while ((explaining as string) === 'again');
    explaining = 'no';
  }

  function follow(prediction: Prediction): void {
    const { probability, model } = prediction;
    const before = moves.value.at(-1);
    if (model.hash !== lastModel)
      causes.push(model.round === null ? 'the first model' : `the model of round ${model.round}`);
    const cause = causes.join(', ');
    lastModel = model.hash;
    causes = [];
    batch(() => {
      predicted.value = { predicted: true, prediction };
      offered.value &&= prediction.personalise.allow && probability >= ACT_AT;
      if (cause !== '' && (before === undefined || Math.abs(before.probability - probability) >= 5e-4))
        moves.value = [...moves.value, { step: (before?.step ?? 0) + 1, probability, cause }].slice(
          -SHOWN_MOVES,
        );
    });
    void explain();
  }

  async function predictAnew(): Promise<void> {
    const answer = await twin.predict(task);
    if (answer.predicted) return follow(answer.prediction);
    batch(() => {
      predicted.value = answer;
      explained.value = null;
      offered.value = false;
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
      causes.push(`${CATEGORY_WORDS[category].name} allowed`);
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
    await predictAnew();
  }

  const given = (category: Category): boolean =>
    cells.value.some((cell) => cell.category === category && cell.status === 'given');

  twin.on('status', (now) => (status.value = now));
  twin.on('consent', () => void readConsents());
  twin.on('prediction', follow);
  twin.on('activation', () => (offered.value = true));
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
    predicted,
    explained,
    moves,
    offered,
    round,
    results,
    takingPart,
    erasure,
    async happen(...what) {
      for (const each of what) {
        const event = toEvent(each, crypto.randomUUID(), Date.now());
        happened.value = [...happened.value, event];
        // Named first: the guess may have moved before the answer is here.
        const cause = eventWords(event);
        causes.push(cause);
        if (!(await record(event))) causes = causes.filter((other) => other !== cause);
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
          causes.push(`${CATEGORY_WORDS[category].name} withdrawn`);
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
  for (let tries = 0; cells.value.length === 0 && tries < FIRST_TRIES; tries++) {
    await readConsents();
    if (cells.value.length === 0) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await rememberEarlierVisit();
  await handOver(CATEGORY_LIST.filter(given));
  await predictAnew();
  return visit;
}

const CATEGORY_LIST = Object.keys(CATEGORY_WORDS) as Category[];
