/**
 * What a page and its worker say to each other. The page asks (`call`), the worker answers (`answer`) and tells (`event`); the one thing
 * that the worker asks of the page is a credential, since only the host app can get one. Everything here can be structured-cloned.
 *
 * Both ends are our own code of one version; what comes from the host app inside a call is checked by the worker.
 */
import { refused } from './reasons.ts';
import type {
  Answer,
  ConsentCellView,
  ConsentChange,
  ConsentChoice,
  ConsentReceiptView,
  Erasure,
  Explained,
  Exported,
  GrantChoice,
  Predicted,
  Recorded,
  TwinEvents,
  TwinOptions,
  TwinStatus,
  Unavailable,
} from './types.ts';

/** The options that a worker needs. */
export type TwinSettings = Omit<TwinOptions, 'credential' | 'worker'>;

/** Name -> what it takes and gives. */
export interface TwinCalls {
  open: (settings: TwinSettings, conditions: Conditions) => Opened;
  record: (event: unknown) => Recorded;
  cells: () => Answer<{ cells: readonly ConsentCellView[] }>;
  grant: (choice: GrantChoice) => ConsentChange;
  refuse: (choice: ConsentChoice) => ConsentChange;
  withdraw: (choice: ConsentChoice) => ConsentChange;
  receipts: () => Answer<{ receipts: readonly ConsentReceiptView[] }>;
  participate: () => null;
  stop: () => null;
  predict: (task: string) => Predicted;
  explain: (task: string) => Explained;
  export: () => Exported;
  erase: () => Erasure;
  close: () => null;
}

export type CallName = keyof TwinCalls;
export type CallInput<Name extends CallName> = Parameters<TwinCalls[Name]>;
export type CallAnswer<Name extends CallName> = ReturnType<TwinCalls[Name]>;

export type Opened =
  | { status: TwinStatus; deviceKey: string | null; /** Name of the database. */ database: string | null }
  | { options: string /** what is wrong with them */ };

/** What the browser says of the device, as far as it does. */
export interface Conditions {
  online: boolean;
  /** The person asked for less data, or the connection is known to be a mobile one. */
  metered: boolean;
  /** Null where the browser does not tell. `level` in [0, 1]. */
  battery: { charging: boolean; level: number } | null;
  /** The page is frozen, or put aside for the way back. */
  asleep: boolean;
}

export type ToWorker =
  | { kind: 'call'; id: number; name: CallName; input: readonly unknown[] }
  | { kind: 'credential'; id: number; token: string | null }
  | { kind: 'conditions'; conditions: Conditions }
  /** Whether anybody listens to predictions: they are not made for nobody. */
  | { kind: 'listening'; predictions: boolean };

export type FromWorker =
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'ask-credential'; id: number; deviceKey: string }
  | { [Name in keyof TwinEvents]: { kind: 'event'; name: Name; event: TwinEvents[Name] } }[keyof TwinEvents];

/** The answer of each call where the twin could not carry it out. */
export const UNANSWERED: {
  readonly [Name in CallName]: (reason: Unavailable, detail?: string) => CallAnswer<Name>;
} = {
  open: (reason, detail) => ({
    status: { state: 'unavailable', ...refused(reason, detail) },
    deviceKey: null,
    database: null,
  }),
  record: (reason, detail) => ({ recorded: false, ...refused(reason, detail) }),
  cells: (reason, detail) => ({ available: false, ...refused(reason, detail) }),
  grant: (reason, detail) => ({ changed: false, events: [], ...refused(reason, detail) }),
  refuse: (reason, detail) => ({ changed: false, events: [], ...refused(reason, detail) }),
  withdraw: (reason, detail) => ({ changed: false, events: [], ...refused(reason, detail) }),
  receipts: (reason, detail) => ({ available: false, ...refused(reason, detail) }),
  participate: () => null,
  stop: () => null,
  predict: (reason, detail) => ({ predicted: false, ...refused(reason, detail) }),
  explain: (reason, detail) => ({ explained: false, ...refused(reason, detail) }),
  export: (reason, detail) => ({ available: false, ...refused(reason, detail) }),
  erase: (reason, detail) => ({ erased: false, ...refused(reason, detail) }),
  close: () => null,
};
