/**
 * What a host app sees of a twin: `createTwin(options)` answers with a `Twin`, and these are its words.
 *
 * Nothing here throws into the host app. A wrong option is refused by `createTwin` itself (`TwinError`, a mistake of the programmer);
 * everything that can go wrong later (no storage, no network, no consent, another version) is an answer, with a `reason` from a closed
 * list for the program and a `why`, one plain sentence, for the person. Times are RFC 3339 in UTC.
 */
import type {
  Category,
  CellStatus,
  ConsentEvent,
  ConsentNotice,
  DecisionReason,
  Operation,
} from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent, Trust } from '@twinkeep/protocol';
import type { StayHomeReason } from '../round/reasons.ts';
import type { ReportOutcome, Role } from '../store/port.ts';

export interface TwinOptions {
  /** Public address of the coordinator, e.g. `https://twin.bank.example`. */
  coordinatorUrl: string;
  /** The keys to rely on. Ship them with the app; they are never fetched from the coordinator. */
  trust: Trust;
  /** Absolute IRI of who is responsible for the data, e.g. `https://bank.example`. */
  controller: string;
  /** The person's pairwise pseudonym: 16 random bytes in base64url, made by the host app's back end for this coordinator alone. */
  subject: string;
  /**
   * Asks the host app's back end for a credential (JWT) of this device key, with `maxTwins` 1. Called again when it runs out.
   * @param deviceKey base64url of the raw Ed25519 public key
   */
  credential: (deviceKey: string) => Promise<string>;
  /** Ids of the tasks that this app takes part in. */
  tasks: readonly string[];
  /** The notice that the person is shown when asked for consent. */
  notice: ConsentNotice;
  /** Starts the worker that the twin lives in: `() => new Worker(new URL('@twinkeep/edge-client/worker', import.meta.url), { type: 'module' })`. */
  worker: () => Worker;
  /** Name of the twin's database in this origin. Default: a name of its own for each pseudonym. */
  name?: string;
  /** Where the person is: `EU`, ISO 3166-1 or -2. Default `['EU']`. */
  jurisdiction?: readonly string[];
  /** Days that an event of a category is kept. Default 730 for each; 0 keeps none beyond its day. */
  retentionDays?: Partial<Readonly<Record<Category, number>>>;
  /** This device's own floor: fewest reports in a sum that it takes part in. Default 2. */
  minReports?: number;
  /** When to call the host app: as soon as a prediction of the task rises to this probability. */
  activations?: readonly { task: string; atLeast: number }[];
}

export interface Twin {
  /** Base64url of this device's public key; null where the twin cannot live here. */
  readonly deviceKey: string | null;
  /** Whether the twin can live here, and if not, why. */
  status(): TwinStatus;
  /** Takes in one event, if its category may be collected. Resolves once it is durably kept, or refused. Never rejects. */
  record(event: unknown): Promise<Recorded>;
  readonly consent: TwinConsent;
  /** Takes part in rounds from now on, in this tab or, where another tab of this origin does, by following that one. */
  participate(): Participation;
  /** What the newest model says of this person. Needs consent to `infer_local` for the task's purpose. */
  predict(task: string): Promise<Predicted>;
  /** Which signals moved the prediction. Needs what `predict` needs. */
  explain(task: string): Promise<Explained>;
  /** @returns a function that ends the subscription. What a listener throws goes to `reportError`, and stops nothing. */
  on<Name extends keyof TwinEvents>(name: Name, listener: (event: TwinEvents[Name]) => void): () => void;
  /**
   * Asks the browser not to clear the twin when room gets short; it may ask the person. Best called after a consent.
   * @returns whether it promises so
   */
  persist(): Promise<boolean>;
  /** Everything that this device keeps of the person, as plain JSON (GDPR Articles 15 and 20). */
  export(): Promise<Exported>;
  /** Withdraws every consent, tells the coordinator, destroys what is kept here. A twin made later needs a new pseudonym. */
  erase(): Promise<Erasure>;
  /** Lets go of worker, locks and storage; nothing is lost. Afterwards every call answers `closed`. */
  close(): Promise<void>;
}

/** Why a call was not carried out at all, whichever call it was. */
export type Unavailable =
  /** `close` or `erase` was called, here or in another tab. */
  | 'closed'
  | 'erased'
  /** The browser gives no durable storage: private mode, IndexedDB switched off, or blocked for this frame. */
  | 'no-storage'
  | 'storage-full'
  /** What is kept cannot be read: damaged, or its key is gone. `erase` clears it. */
  | 'storage-corrupt'
  /** The browser has cleared what was kept: short of room, or at the person's wish. */
  | 'storage-lost'
  /** The browser lacks what is needed: workers, WebCrypto with Ed25519, a secure context. */
  | 'not-supported'
  /** The storage is of a newer version of this software: reload the page. */
  | 'newer-version'
  /** Another tab holds on to an older version of the storage. */
  | 'blocked'
  /** The named database keeps the twin of somebody else. */
  | 'other-person'
  /** The worker cannot be started, or ended. */
  | 'worker-lost'
  /** A fault in this software; the message is in `detail`. */
  | 'failed';

export interface Refused<Reason extends string> {
  readonly reason: Reason;
  /** One plain sentence. */
  readonly why: string;
  /** For whoever looks for the cause; never a value of the person. */
  readonly detail?: string;
}

export type TwinStatus = { state: 'ready' | 'erasing' } | ({ state: 'unavailable' } & Refused<Unavailable>);

// ---------------------------------------------------------------------------------------------------------------- record

export type Recorded =
  /** `fresh` is false for an event whose id is known already: it counts once. */
  { recorded: true; fresh: boolean } | ({ recorded: false } & Refused<RecordReason>);

export type RecordReason =
  | Unavailable
  /** The event is not as documented; `detail` names the field. */
  | 'malformed'
  | 'not-consented'
  | 'past-retention'
  | 'in-the-future'
  /** No task was ever seen, so there is nothing that consent could have been given for. */
  | 'no-task';

// --------------------------------------------------------------------------------------------------------------- consent

/** What the person chose. Cells are named by category, purpose and operation; nothing is implied beyond them. */
export interface ConsentChoice {
  /** Default: the purpose of every task of this app. */
  purpose?: string;
  /** Default for a grant: the required categories of those tasks; for a refusal or withdrawal: all that they name. */
  categories?: readonly Category[];
  /** Default: `TWIN_OPERATIONS` for a grant; every operation that was ever named for a refusal or withdrawal. */
  operations?: readonly Operation[];
  /** How the choice was made, e.g. `toggle+confirm`. Default `toggle`. */
  method?: string;
  /** Where in the app it was made, e.g. `settings/twin`. */
  uiFlow?: string;
}

export interface GrantChoice extends ConsentChoice {
  consentType?: 'expressed' | 'explicit';
  /** Until when; default a year. */
  validUntil?: string;
  /** Only rounds whose sum holds at least so many reports. */
  minCohort?: number;
}

export interface TwinConsent {
  /** One cell for each category that a task names and each operation, also where nobody answered yet. */
  cells(): Promise<Answer<{ cells: readonly ConsentCellView[] }>>;
  grant(choice?: GrantChoice): Promise<ConsentChange>;
  refuse(choice?: ConsentChoice): Promise<ConsentChange>;
  /** Without a choice: everything that is given, for every purpose. In force here at once, in a round from its next set on. */
  withdraw(choice?: ConsentChoice): Promise<ConsentChange>;
  /** Every event that was signed, oldest first, with its place in the public log as far as it has one. */
  receipts(): Promise<Answer<{ receipts: readonly ConsentReceiptView[] }>>;
}

export interface ConsentCellView {
  purpose: string;
  category: Category;
  operation: Operation;
  /** Of the tasks with this purpose: whether one cannot do without the category. */
  necessity: 'required' | 'optional';
  /** As the person last chose, logged or not. */
  status: CellStatus;
  /** Whether that choice has its receipt. A no counts at once; a yes lets something leave only once it is logged. */
  logged: boolean;
  validUntil: string | null;
  /** False while a no is so fresh that asking again would be nagging. */
  mayAsk: boolean;
}

export type ConsentChange =
  /** `events` are the ids of what was signed; none where the choice changed nothing. Deliveries follow by `on('consent')`. */
  | { changed: boolean; events: readonly string[] }
  | ({ changed: false; events: readonly [] } & Refused<ConsentReason>);

export type ConsentReason =
  | Unavailable
  | 'no-task'
  /** The choice names something that is not there, or breaks the regime; `detail` says what. */
  | 'malformed';

export interface ConsentReceiptView {
  /** `sha-256:<base64url>`, the hash of the signed event. */
  id: string;
  event: ConsentEvent;
  /** The signed event itself, a compact JWS. */
  jws: string;
  /** Place in the public log, and what proves it; null while it waits to be delivered. */
  receipt: { index: number; leaf: string; salt: string } | null;
}

// ----------------------------------------------------------------------------------------------------------------- round

export interface Participation {
  /** How every task stands, as last seen by this tab. */
  rounds(): readonly RoundState[];
  /** Takes part no longer, from this tab. A report that was sent stays sent. */
  stop(): Promise<void>;
}

/** How a task's round stands for this person. `why` is always one plain sentence that may be shown. */
export interface RoundState {
  task: string;
  /** Null as long as no round was seen. */
  round: number | null;
  state:
    | 'waiting'
    /** Checks, training, masking. */
    | 'working'
    | 'sending'
    /** The report is in the round; the tab may be closed. */
    | 'accepted'
    /** The report may have arrived or not; it is sent again. */
    | 'pending'
    | 'refused'
    | 'stays-home'
    /** A round ended; `result` is its logged result. */
    | 'ended'
    /** The task is finished. */
    | 'finished'
    /** `participate` is not called, or was stopped. */
    | 'off';
  reason?: StayHomeReason | PauseReason | RoundTrouble;
  why: string;
  detail?: string;
  /** What this twin does in the task: it trains, or it is held out and scores the model. */
  role?: Role;
  result?: RoundResultView;
  /** False where another tab of this origin does the work. */
  here: boolean;
}

export type PauseReason = 'offline' | 'metered' | 'low-battery' | 'asleep' | 'clock-jumped';

export type RoundTrouble =
  | 'not-consented'
  /** A yes lets something leave only once the public log has it. */
  | 'consent-not-logged'
  /** What the task wants to predict has not been seen here, so there is nothing to learn from. */
  | 'no-label'
  /** The round asks only twins that are held out, or this twin is. */
  | 'not-asked'
  | 'task-unknown'
  | 'coordinator-unreachable'
  /** Something else than the coordinator answers: a sign-in page, a proxy. */
  | 'not-the-coordinator'
  /** The coordinator does not list this web origin. */
  | 'origin-refused'
  | 'no-credential'
  /** The coordinator takes no proofs that are dated minutes off. */
  | 'clock-off'
  | 'report-refused'
  /** The coordinator does not take a consent event of this device. */
  | 'consent-refused'
  | 'training-failed'
  | Unavailable;

export interface RoundResultView {
  round: number;
  kind: 'train' | 'evaluate';
  status: 'sealed' | 'abandoned';
  /** Reports, and twins in them. */
  count: number;
  twins: number;
  /** Whether this device's report was sent to that round. */
  reported: boolean;
  evaluation: ModelFigures | null;
  /** Model that came out, by hash. */
  model: string;
}

// --------------------------------------------------------------------------------------------------------------- predict

export interface ModelFigures {
  /** Held-out twins that were counted. */
  twins: number;
  auc: number | null;
  /** Nats. */
  logLoss: number | null;
}

/** A guess about a person: always labelled `inferred`, never a fact. */
export interface Prediction {
  inferred: true;
  task: string;
  /** What is predicted: that the attribute of the next such event is one of `positive`. */
  target: { event: string; attribute: string; positive: readonly AttributeValue[]; horizonDays: number };
  /** In [0, 1]. */
  probability: number;
  logit: number;
  /** What the probability rests on: the sigmoid of a model trained by log loss, and how the model before it did on held-out twins. */
  calibration: { method: 'log-loss-sigmoid'; figures: ModelFigures | null; figuresOf: string | null };
  model: {
    /** SHA-256 of the weights, base64url. */
    hash: string;
    /** Round that made it; null for the first weights, which follow from the task's public seed. */
    round: number | null;
  };
  /** The consent it rests on. */
  consent: {
    purpose: string;
    operation: 'infer_local';
    /** Categories whose signals went in; the inputs of any other are left empty. */
    categories: readonly Category[];
    /** Ids of the consent events. */
    events: readonly string[];
    validUntil: string | null;
  };
  /**
   * Whether the host app may act on it towards this person (operation `personalise`). Without that it may be shown to the
   * person, and nothing may depend on it.
   */
  personalise: { allow: boolean; reason: DecisionReason };
  at: string;
}

export type Predicted =
  { predicted: true; prediction: Prediction } | ({ predicted: false } & Refused<PredictReason>);

export type PredictReason =
  | Unavailable
  | 'no-task'
  | 'not-consented'
  /** No model was ever seen, and the coordinator cannot be reached. */
  | 'no-model'
  | 'model-refused'
  | 'log-inconsistent';

export type Explained =
  { explained: true; explanation: Explanation } | ({ explained: false } & Refused<PredictReason>);

/** `baseline + sum of contributions = prediction.probability`, but for rounding in the last bits. */
export interface Explanation {
  prediction: Prediction;
  /** What the model says where nothing is known of a person: all inputs empty. */
  baseline: number;
  /**
   * Shapley values of the probability over the task's features. `exact`: over all coalitions; `sampled`: over pairs of
   * opposite permutations, which also add up exactly, with a standard error each.
   */
  method: { name: 'shapley'; kind: 'exact' } | { name: 'shapley'; kind: 'sampled'; permutations: number };
  /** Strongest first; features that say nothing (empty, or not consented) are left out: theirs is 0. */
  contributions: readonly {
    feature: string;
    category: Category;
    /** The feature's value in its own unit; null where it is missing. */
    value: AttributeValue | null;
    /** Change of the probability. */
    contribution: number;
    /** 0 where exact. */
    standardError: number;
  }[];
}

// ------------------------------------------------------------------------------------------------------- export and erase

export type Exported = Answer<{ data: TwinExport }>;

export interface TwinExport {
  format: 'urn:twinkeep:twin-export:1';
  at: string;
  subject: string;
  controller: string;
  deviceKey: string;
  events: readonly CustomerEvent[];
  consents: readonly ConsentReceiptView[];
  /** What the tasks' features say now. */
  features: readonly {
    task: string;
    feature: string;
    category: Category;
    value: AttributeValue | null;
    inputs: readonly number[];
  }[];
  /** Guesses about the person, marked as such. */
  predictions: readonly (Prediction | ({ inferred: true; task: string } & Refused<PredictReason>))[];
  /** Which rounds this device reported to. What was sent is masked and no longer readable by anybody alone. */
  reports: readonly {
    task: string;
    round: number;
    kind: 'train' | 'evaluate';
    rcHash: string;
    outcome: ReportOutcome;
  }[];
  roles: readonly { task: string; role: Role }[];
}

export type Erasure =
  /** Everything is gone; `withdrawn` tells whether there was a consent to withdraw, and the log now says so. */
  | { erased: true; withdrawn: boolean }
  /**
   * Events, features and guesses are gone. The withdrawal could not be delivered yet; it waits, with the key that signed it, and the
   * rest is destroyed as soon as it is logged, in this tab or a later one.
   */
  | ({ erased: 'data' } & Refused<RoundTrouble | 'offline'>)
  | ({ erased: false } & Refused<Unavailable>);

export type Answer<T> = ({ available: true } & T) | ({ available: false } & Refused<Unavailable | 'no-task'>);

// ---------------------------------------------------------------------------------------------------------------- events

export interface TwinEvents {
  recorded: {
    type: string;
    category: Category;
    time: string;
    /** False where another tab of this origin recorded it. */
    here: boolean;
  };
  /** A choice was signed (`receipt` null), got its place in the log, or was refused by the coordinator. */
  consent: { id: string; event: ConsentEvent; receipt: ConsentReceiptView['receipt']; refused?: string };
  round: RoundState;
  /** A new prediction, after new signals or a new model. Made only while somebody listens here or to `activation`. */
  prediction: Prediction;
  /** A prediction rose to a bound of `options.activations`, and the person allows acting on it. */
  activation: { task: string; atLeast: number; prediction: Prediction };
  /** Something that the host app may want to log: no value of the person is in it. */
  problem: { code: string; why: string; detail?: string };
  status: TwinStatus;
}
