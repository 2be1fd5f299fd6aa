/**
 * What a host app sees of a twin: `createTwin(options)` answers with a `Twin`, and these are its words.
 *
 * Nothing here throws into the host app. A wrong option is refused by `createTwin` itself (`TwinError`, a mistake of the programmer);
 * everything that can go wrong later (no storage, no network, no consent, another version) is an answer, with a `reason` from a closed
 * list for the program and a `why`, one plain sentence, for the person. Times are RFC 3339 in UTC.
 */
import type { Category, ConsentEvent, ConsentNotice } from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent, Trust } from '@twinkeep/protocol';
import type { ReportOutcome, Role } from '../store/port.ts';
import type { ConsentReceiptView, TwinConsent } from './answers-consent.ts';
import type { Explained, Predicted, Prediction, PredictReason } from './answers-predict.ts';
import type { Participation, RoundState, RoundTrouble } from './answers-round.ts';
import type { Answer, Refused, TwinStatus, Unavailable } from './words.ts';

export type * from './answers-consent.ts';
export type * from './answers-predict.ts';
export type * from './answers-round.ts';
export type * from './words.ts';

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
  /** The notice of the options: every answer given through this twin names it. */
  readonly notice: ConsentNotice;
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
  /** Withdraws every consent, tells the coordinator, destroys what is kept here. A twin made later should have a new pseudonym. */
  erase(): Promise<Erasure>;
  /** Lets go of worker, locks and storage; nothing is lost. Afterwards every call answers `closed`. */
  close(): Promise<void>;
}

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
