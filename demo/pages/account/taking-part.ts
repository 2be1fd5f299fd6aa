/** The twin's part in rounds: where it stands, and the rounds that ended since the page was opened. */
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type { Participation, RoundResultView, RoundState, Twin } from '@twinkeep/edge-client';

export interface TakingPart {
  /** Whether the visitor wants to. */
  wanted: ReadonlySignal<boolean>;
  state: ReadonlySignal<RoundState | null>;
  /** Newest first. */
  results: ReadonlySignal<readonly RoundResultView[]>;
  start(): void;
  stop(): Promise<void>;
}

const SHOWN = 12;

export function followRounds(twin: Twin, task: string): TakingPart {
  const wanted = signal(false);
  const state = signal<RoundState | null>(null);
  const results = signal<readonly RoundResultView[]>([]);
  let participation: Participation | null = null;

  twin.on('round', (now) => {
    if (now.task !== task) return;
    const { result } = now;
    batch(() => {
      state.value = now;
      if (result !== undefined && !results.value.some(({ round }) => round === result.round))
        results.value = [result, ...results.value].slice(0, SHOWN);
    });
  });

  return {
    wanted,
    state,
    results,
    start() {
      participation ??= twin.participate();
      wanted.value = true;
    },
    async stop() {
      await participation?.stop();
      participation = null;
      wanted.value = false;
    },
  };
}
