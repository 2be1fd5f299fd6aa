/** Consent as a host app asks for it and sees it. */
import type { Category, CellStatus, ConsentEvent, Operation } from '@twinkeep/consent';
import type { Answer, Refused, Unavailable } from './words.ts';

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
  /** Only rounds whose privacy loss is at most this epsilon, with a delta of at most 1e-5. In (0, 1000]. */
  maxEpsilon?: number;
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
  /** Whether the law here takes an explicit yes, in two steps: a grant then says `consentType: 'explicit'` and `confirm` in its method. */
  explicit: boolean;
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
  /** Place in the public log, and what proves it (`proof` is a C2SP tlog-proof); null while it waits to be delivered. */
  receipt: { index: number; leaf: string; salt: string; proof: string } | null;
}
