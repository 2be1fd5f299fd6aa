/** What the element knows, and how it learns it: read anew from the twin whenever the twin says that something changed. */
import type {
  ConsentCellView,
  ConsentReceiptView,
  Erasure,
  Refused,
  Twin,
  TwinStatus,
} from '../twin/types.ts';
import type { Conditions } from './calls.ts';
import { NO_DRAFT, type Draft } from './draft.ts';

export interface PanelState {
  /** `waiting`: the twin does not know yet what it is asked for. */
  standing: 'waiting' | 'ready' | 'unavailable' | 'erased';
  cells: readonly ConsentCellView[];
  receipts: readonly ConsentReceiptView[];
  draft: Draft;
  conditions: Conditions;
  online: boolean;
  busy: boolean;
  /** What stands in the way: the twin's reason, put in words when shown. */
  trouble: { reason: string; why: string } | null;
  /** What was done last; `again` tells two equal ones apart. */
  said: { text: string; again: number };
  /** A choice in a special category waits for its second yes. */
  unconfirmed: boolean;
  erasure: Exclude<Erasure, { erased: false }> | null;
}

export interface Watched {
  state(): PanelState;
  set(change: Partial<PanelState>): void;
  read(): Promise<void>;
  end(): void;
}

/** Milliseconds between two looks, as long as the twin has nothing to show. */
const LOOK_AGAIN = 1_000;

export interface WatchDeps {
  twin: Twin;
  changed: () => void;
  /** The twin cannot answer any more, or never could. */
  failed: (trouble: Refused<string>) => void;
}

export function watchTwin({ twin, changed, failed }: WatchDeps): Watched {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let state: PanelState = {
    standing: 'waiting',
    cells: [],
    receipts: [],
    draft: NO_DRAFT,
    conditions: { minCohort: null, maxEpsilon: null },
    online: navigator.onLine,
    busy: false,
    trouble: null,
    said: { text: '', again: 0 },
    unconfirmed: false,
    erasure: null,
  };

  const set = (change: Partial<PanelState>): void => {
    if (ending.signal.aborted) return;
    state = { ...state, ...change };
    changed();
  };

  const read = async (): Promise<void> => {
    clearTimeout(timer);
    const [cells, receipts] = [await twin.consent.cells(), await twin.consent.receipts()];
    if (ending.signal.aborted || state.standing === 'erased') return;
    if (receipts.available) set({ receipts: receipts.receipts });
    if (!cells.available && cells.reason !== 'no-task') return stop(cells);
    // An answer that names nothing is that of a twin which has not reached its coordinator yet.
    if (!cells.available || cells.cells.length === 0) timer = setTimeout(look, LOOK_AGAIN);
    else set({ standing: 'ready', cells: cells.cells });
  };

  const look = (): void => {
    read().catch((error: unknown) => stop({ reason: 'failed', why: String(error) }));
  };

  const stop = (trouble: Refused<string>): void => {
    if (ending.signal.aborted) return;
    const known = state.standing === 'unavailable' && state.trouble?.reason === trouble.reason;
    set({ standing: 'unavailable', trouble: { reason: trouble.reason, why: trouble.why } });
    if (!known) failed(trouble);
  };

  /** What was still to be delivered when the data went, is. */
  const settle = (status: TwinStatus): void => {
    if (status.state === 'unavailable' && status.reason === 'erased' && state.erasure?.erased === 'data')
      set({ erasure: { erased: true, withdrawn: true } });
  };

  const unsubscribe = [
    twin.on('consent', look),
    twin.on('status', (status) => {
      if (state.standing === 'erased') return settle(status);
      if (status.state === 'unavailable') stop(status);
      else look();
    }),
  ];
  for (const name of ['online', 'offline'])
    addEventListener(name, () => set({ online: navigator.onLine }), { signal: ending.signal });
  look();
  return {
    state: () => state,
    set,
    read,
    end() {
      ending.abort();
      clearTimeout(timer);
      for (const remove of unsubscribe) remove();
    },
  };
}
