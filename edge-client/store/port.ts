/**
 * Where twins are kept: many in a region node, one in a browser. The store holds everything that must survive a restart.
 *
 * Trust: the store is trusted to keep what it is given. Whoever owns the storage below it must read neither events nor
 * features nor bindings: an adapter encrypts them under a key per twin, so that destroying that key erases the twin, and keeps
 * in the clear only random ids and the last day of retention. Reports are masked already; consents name nobody.
 *
 * Durability: a promise resolves once its effect is durable; a rejection with a code of `StoreErrorCode` means that nothing
 * changed; any other rejection leaves open which of the two happened, and every call can be made again.
 *
 * Concurrency: several processes or tabs may share one store. Each method is atomic. A `fold` is pure and fast, runs inside the
 * method and may run more than once, where another writer was faster.
 *
 * Every adapter passes `twinStoreContract` of `test/contracts/twin-store.ts`.
 */
import type { Category } from '@twinkeep/consent';
import type { ConsentReceipt, CustomerEvent } from '@twinkeep/protocol';
import type { AdmittedEvent } from '../admit.ts';

/** Serialised `FeatureState` of one twin; opaque to the store. */
export type FeatureBytes = Uint8Array;

export interface TwinStore {
  /**
   * @param subject the twin's pairwise pseudonym, 22 characters of base64url
   * @param bindings identifiers that lead to this twin, e.g. `crm:4711`; kept so that the storage does not show them
   * @throws StoreError `store/twin-exists`; `store/binding-taken` where one of them leads to another twin
   */
  addTwin(subject: string, bindings: readonly string[]): Promise<void>;

  /** The subject that a binding leads to, or null. */
  findTwin(binding: string): Promise<string | null>;

  /** At most `limit` subjects greater than `after` (null: from the start), ascending: a page of all twins. */
  listTwins(after: string | null, limit: number): Promise<string[]>;

  /** In the order asked; a subject without a twin is left out. @throws StoreError `store/unreadable` */
  readTwins(subjects: readonly string[]): Promise<StoredTwin[]>;

  /**
   * Erases everything that is kept for this twin: events, features, bindings, consents, roles. Afterwards it is unknown.
   * Reports that were sent are sums and stay. Deleting an unknown twin does nothing.
   */
  deleteTwin(subject: string): Promise<void>;

  /**
   * Keeps those events whose id this twin does not have, and replaces its features by `fold(features, fresh)`, all or nothing.
   * Of several events with one id the first counts. Without a fresh event nothing changes.
   * @returns how many were fresh
   * @throws StoreError `store/unknown-twin`; `store/foreign-event` where an event was admitted for another subject
   */
  recordEvents(
    subject: string,
    events: readonly AdmittedEvent[],
    fold: (features: FeatureBytes | null, fresh: readonly AdmittedEvent[]) => FeatureBytes,
  ): Promise<number>;

  /**
   * Deletes this twin's events of the categories in `forget`, and replaces its features by `fold(kept events)`, all or nothing:
   * after a withdrawal, or when the tasks of the day need other features. The order of events says nothing.
   * @throws StoreError `store/unknown-twin`, `store/unreadable`
   */
  refoldEvents(
    subject: string,
    forget: readonly Category[],
    fold: (kept: readonly CustomerEvent[]) => FeatureBytes,
  ): Promise<void>;

  /**
   * Deletes the events of all twins whose `lastDay` is before `day` (days since 1970). Their ids may be forgotten with
   * them: the gate admits no event that is past its retention. Features stay as they are. @returns how many were deleted
   */
  expireEvents(day: number): Promise<number>;

  /**
   * Adds consents to the end of a twin's chain, in the order in which they were signed.
   * @param after length of the chain that the caller had read
   * @throws StoreError `store/unknown-twin`; `store/conflict` where the chain is no longer that long: read, link and sign again
   */
  appendConsents(subject: string, after: number, consents: readonly SignedConsentEntry[]): Promise<void>;

  /** Consents without a receipt, at most `limit`; those of one subject in the order of its chain, from its first such. */
  pendingConsents(limit: number): Promise<{ subject: string; id: string; jws: string }[]>;

  /** Keeps where consents stand in the log. Receipts of unknown consents are ignored; a receipt once kept does not change. */
  addReceipts(receipts: readonly ConsentReceipt[]): Promise<void>;

  /**
   * The role of each twin in a task, for ever: drawn with `draw` for those that have none. Of two concurrent draws one counts
   * for both callers. A subject without a twin is left out.
   */
  drawRoles(taskId: string, subjects: readonly string[], draw: () => Role): Promise<Map<string, Role>>;

  /** The last checkpoint of the log that was found consistent, as a signed note, or null. */
  readCheckpoint(): Promise<string | null>;

  /**
   * Compare-and-swap, so that two tabs cannot each be shown another history.
   * @throws StoreError `store/conflict` where the stored one is no longer `previous`: check against the new one
   */
  saveCheckpoint(previous: string | null, next: string): Promise<void>;

  /**
   * Records a report *before* it is sent, with its bytes, so that a retry sends the same. What a crash leaves behind is a
   * `pending` report: it may have arrived or not, and sending it again is right in both cases.
   * @throws StoreError `store/reported` where there is a report of the same task and round, or one of the same task, model and kind
   *   whose outcome is neither `released` nor `counted`: two masked reports on one model are a differencing surface
   */
  addReport(report: NewReport): Promise<void>;

  /** All reports of a task, newest round first. */
  readReports(taskId: string): Promise<ReportRecord[]>;

  /** Keeps the outcome and erases the bytes. Settling an unknown round does nothing. */
  settleReport(rcHash: string, outcome: Exclude<ReportOutcome, 'pending'>): Promise<void>;
}

export interface StoredTwin {
  subject: string;
  features: FeatureBytes | null;
  /** In the order of the chain. */
  consents: ConsentEntry[];
}

export interface SignedConsentEntry {
  /** `sha-256:<base64url>` of the JWS. */
  id: string;
  jws: string;
}

export interface ConsentEntry extends SignedConsentEntry {
  /** Null until the coordinator has logged it: what was verified then. */
  receipt: Omit<ConsentReceipt, 'event'> | null;
}

/** What a twin does in a task: it trains, or it is held out and scores the model. It never does both. */
export type Role = 'train' | 'hold-out';

/**
 * `pending`: sent or about to be. `accepted`, `refused`: the coordinator's last word. `released`: the round was abandoned and its helpers
 * answered nothing, so the same model may be reported on once more, as if this report had not been. `counted`: sums of the task
 * carry noise, so the same model may be reported on once more, and this report stays a participation.
 */
export type ReportOutcome = 'pending' | 'accepted' | 'refused' | 'released' | 'counted';

export interface NewReport {
  taskId: string;
  round: number;
  kind: 'train' | 'evaluate';
  rcHash: string;
  modelHash: string;
  headerHash: string;
  bytes: Uint8Array;
}

export interface ReportRecord extends Omit<NewReport, 'bytes'> {
  outcome: ReportOutcome;
  /** Null once the outcome is known. */
  bytes: Uint8Array | null;
}
