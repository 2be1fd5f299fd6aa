/** The twin's guess as it moves, with what moved it and its reasons. */
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type { Explained, Predicted, Prediction, Twin } from '@twinkeep/edge-client';
import { ACT_AT } from './boot.ts';

/** One step of the guess. */
export interface Move {
  step: number;
  probability: number;
  cause: string;
}

export interface Guessing {
  predicted: ReadonlySignal<Predicted | null>;
  explained: ReadonlySignal<Explained | null>;
  moves: ReadonlySignal<readonly Move[]>;
  /** The guess is at the bound, and the app may act on it. */
  offered: ReadonlySignal<boolean>;
  decline(): void;
  /** Something happened that may move the guess. @returns a function that takes it back */
  blame(cause: string): () => void;
  /** Asks for a guess now, and says why there is none. */
  look(): Promise<void>;
}

const SHOWN_MOVES = 120;
/** A change of probability that is not worth a line. */
const STILL = 5e-4;
/** Milliseconds after which a cause has had its effect, if it had any. */
const CAUSE_MILLIS = 10_000;

export function followGuess(twin: Twin, task: string, clock: () => number): Guessing {
  const predicted = signal<Predicted | null>(null);
  const explained = signal<Explained | null>(null);
  const moves = signal<readonly Move[]>([]);
  const offered = signal(false);
  let causes: { text: string; at: number }[] = [];
  let lastModel: string | null = null;

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
    const { probability, model, personalise } = prediction;
    if (model.hash !== lastModel) {
      const text = model.round === null ? 'the first model' : `the model of round ${model.round}`;
      causes.push({ text, at: clock() });
      lastModel = model.hash;
    }
    batch(() => {
      predicted.value = { predicted: true, prediction };
      offered.value &&= personalise.allow && probability >= ACT_AT;
      step(probability);
    });
    void explain();
  }

  function step(probability: number): void {
    const before = moves.value.at(-1);
    if (before !== undefined && Math.abs(before.probability - probability) < STILL) return;
    const cause = causes.filter(({ at }) => clock() - at < CAUSE_MILLIS).map(({ text }) => text);
    causes = [];
    const move = { step: (before?.step ?? 0) + 1, probability, cause: cause.join(', ') || 'what it kept' };
    moves.value = [...moves.value, move].slice(-SHOWN_MOVES);
  }

  twin.on('prediction', (prediction) => {
    if (prediction.task === task) follow(prediction);
  });
  twin.on('activation', () => (offered.value = true));

  return {
    predicted,
    explained,
    moves,
    offered,
    decline: () => (offered.value = false),
    blame(text) {
      const cause = { text, at: clock() };
      causes.push(cause);
      return () => {
        causes = causes.filter((other) => other !== cause);
      };
    },
    async look() {
      const answer = await twin.predict(task);
      if (answer.predicted) return follow(answer.prediction);
      batch(() => {
        predicted.value = answer;
        explained.value = null;
        offered.value = false;
      });
    },
  };
}
