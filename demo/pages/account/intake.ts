/** What happens in the app, and what of it the twin takes in. */
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Category } from '@twinkeep/consent';
import type { Twin } from '@twinkeep/edge-client';
import type { CustomerEvent } from '@twinkeep/protocol';
import { gather } from '../ui/gather.ts';
import { plural } from '../ui/words.ts';
import { toEvent, type Happening } from './actions.ts';
import type { Guessing } from './guessing.ts';
import { CATEGORY_WORDS, eventWords } from './words.ts';

/** One line of what the twin took in, did not take in, or had to forget. */
export interface SignalLine {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  category: Category;
  text: string;
  outcome: 'taken-in' | 'refused' | 'forgotten';
  why?: string;
}

export interface Intake {
  /** Everything that the app knows to have happened, oldest first. */
  happened: ReadonlySignal<readonly CustomerEvent[]>;
  /** Newest first. */
  lines: ReadonlySignal<readonly SignalLine[]>;
  happen(...what: Happening[]): Promise<void>;
  /** What is known already is handed to the twin once it may take it in, and again after it had to forget. */
  handOver(categories: readonly Category[]): Promise<void>;
  /** The twin has forgotten these: says so. */
  forgotten(categories: readonly Category[]): void;
  /** The app keeps nothing itself: after a reload it asks the twin what this visitor did. */
  remember(): Promise<void>;
}

const SHOWN = 60;

/** @param records what the business knew before this visit */
export function followIntake(
  twin: Twin,
  records: readonly CustomerEvent[],
  guessing: Guessing,
  clock: () => number,
): Intake {
  const happened = signal(records);
  const lines = signal<readonly SignalLine[]>([]);
  const note = (line: SignalLine): void => {
    lines.value = [line, ...lines.value].slice(0, SHOWN);
  };
  const noteKind = (category: Category, text: string, outcome: SignalLine['outcome']): void => {
    const at = clock();
    note({ id: `${outcome}-${category}-${at}`, at, category, text, outcome });
  };

  /** @returns whether it is new to the twin */
  async function record(event: CustomerEvent): Promise<boolean> {
    const outcome = await twin.record(event);
    if (!outcome.recorded) note({ ...lineOf(event), outcome: 'refused', why: outcome.why });
    else if (outcome.fresh) note({ ...lineOf(event), outcome: 'taken-in' });
    return outcome.recorded && outcome.fresh;
  }

  /** What the other tabs have recorded and this one has not shown yet. */
  const elsewhere = new Map<Category, number>();
  twin.on('recorded', ({ category, here }) => {
    if (here) return;
    elsewhere.set(category, (elsewhere.get(category) ?? 0) + 1);
    catchUp();
  });

  const catchUp = gather(async () => {
    const counts = new Map(elsewhere);
    elsewhere.clear();
    for (const event of await unknownToUs()) {
      note({ ...lineOf(event), text: `${eventWords(event)}, in another tab`, outcome: 'taken-in' });
      guessing.blame(eventWords(event));
      counts.set(event.category, (counts.get(event.category) ?? 0) - 1);
    }
    // The rest is known to the business, and therefore here too.
    for (const [category, handedOver] of counts)
      if (handedOver > 0) noteKind(category, `${sayRecords(handedOver)}, allowed in another tab`, 'taken-in');
    await guessing.look();
  });

  /** What the twin keeps of this visitor's doings that this tab has not seen; the app knows it from now on. */
  async function unknownToUs(): Promise<CustomerEvent[]> {
    const answer = await twin.export();
    if (!answer.available) return [];
    const known = new Set(happened.value.map(({ id }) => id));
    const others = answer.data.events
      .filter(({ id }) => !known.has(id))
      .toSorted((a, b) => (a.time < b.time ? -1 : 1));
    happened.value = [...happened.value, ...others];
    return others;
  }

  return {
    happened,
    lines,
    async happen(...what) {
      for (const each of what) {
        const event = toEvent(each, crypto.randomUUID(), clock());
        happened.value = [...happened.value, event];
        // Named first: the guess may have moved before the answer is here.
        const takeBack = guessing.blame(eventWords(event));
        if (!(await record(event))) takeBack();
      }
    },
    async handOver(categories) {
      for (const category of categories) {
        const known = happened.value.filter((event) => event.category === category);
        const outcomes = await Promise.all(known.map((event) => twin.record(event)));
        const fresh = outcomes.filter((outcome) => outcome.recorded && outcome.fresh).length;
        if (fresh === 0) continue;
        noteKind(category, sayRecords(fresh), 'taken-in');
        guessing.blame(`${CATEGORY_WORDS[category].name} allowed`);
      }
    },
    forgotten(categories) {
      for (const category of categories) {
        noteKind(category, 'Everything of this kind', 'forgotten');
        guessing.blame(`${CATEGORY_WORDS[category].name} withdrawn`);
      }
    },
    async remember() {
      for (const event of await unknownToUs()) note({ ...lineOf(event), outcome: 'taken-in' });
    },
  };
}

const sayRecords = (records: number): string => `${plural(records, 'record')} of the last nine months`;

function lineOf(event: CustomerEvent): Omit<SignalLine, 'outcome'> {
  const { id, time, category } = event;
  return { id, at: Date.parse(time), category, text: eventWords(event) };
}
