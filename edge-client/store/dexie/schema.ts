/**
 * Tables of the browser's store. In the clear are random row ids, the last day of retention, and blinded tags (see cipher.ts)
 * where rows must be found or kept unique; all else is sealed. Table and key names are the same in every browser.
 *
 * Versions are only ever added to. An opening runs those that the database lacks in one transaction, so that a crash leaves the old
 * or the new form and nothing between; no version rewrites sealed rows, because the transaction cannot wait for WebCrypto.
 */
import { Dexie, type DexieOptions, type Table } from 'dexie';

/** Keys of this store; `erasing` marks one whose keys were destroyed and whose rows are still to be deleted. */
export type KeyRow =
  | { id: 'root'; key: CryptoKey }
  | { id: 'store'; wrapped: Uint8Array }
  | { id: 'device'; privateKey: CryptoKey; publicKey: Uint8Array }
  | { id: 'erasing' };

export interface TwinRow {
  /** Random. */
  id: string;
  /** Tag of the subject. */
  tag: string;
  /** Secret of this twin, wrapped by the root key. */
  wrapped: Uint8Array;
  /** The subject, sealed under the secret of the store. */
  sealed: Uint8Array;
  /** Tag of the chain of consents and its receipts: who read another chain works on old consents, and no row of it can go missing. */
  consents: string;
  /** Random, new with every change of events or features. */
  state: string;
}

export interface BindingRow {
  /** Tag of the identifier. */
  id: string;
  twin: string;
}

export interface EventRow {
  twin: string;
  /** Tag of the event's id under the key of the twin: keeps ids unique. */
  id: string;
  /** Last day of retention, in days since 1970-01-01 UTC. */
  day: number;
  /** Blinded category, for the consent gate. */
  category: Uint8Array;
  sealed: Uint8Array;
}

export interface FeatureRow {
  twin: string;
  /** One byte, 1 where a withdrawal dropped the features, then the features. */
  sealed: Uint8Array;
}

export interface ConsentRow {
  /** Tag of the consent event's id. */
  id: string;
  twin: string;
  /** Position in the chain, id and JWS. */
  sealed: Uint8Array;
  /** Where it stands in the log; absent until it is known. */
  receipt?: Uint8Array;
}

export interface RoleRow {
  twin: string;
  /** Tag of the task under the key of the twin. */
  id: string;
  sealed: Uint8Array;
}

export interface ReportRow {
  /** Tag of the hash of the round's configuration. */
  id: string;
  /** Tag of the task. */
  task: string;
  /** Tag of task and round: one report each. */
  round: string;
  /** Tag of task, model and kind: one report each. Absent once the round is known to be abandoned. */
  model?: string;
  /** What the report is, and its outcome. */
  sealed: Uint8Array;
  /** The report itself; absent once the outcome is known. */
  bytes?: Uint8Array;
}

export interface LogRow {
  id: 'checkpoint';
  /** Random, new with every change. */
  revision: string;
  sealed: Uint8Array;
}

export interface MemoRow {
  /** Tag of the memo's name. */
  id: string;
  sealed: Uint8Array;
}

export type StoreDatabase = Dexie & {
  key: Table<KeyRow, string>;
  twin: Table<TwinRow, string>;
  binding: Table<BindingRow, string>;
  event: Table<EventRow, [string, string]>;
  feature: Table<FeatureRow, string>;
  consent: Table<ConsentRow, string>;
  role: Table<RoleRow, [string, string]>;
  report: Table<ReportRow, string>;
  log: Table<LogRow, string>;
  memo: Table<MemoRow, string>;
};

const FIRST = {
  key: 'id',
  twin: 'id, &tag',
  binding: 'id, twin',
  event: '[twin+id], day',
  feature: 'twin',
  consent: 'id, twin',
  role: '[twin+id]',
  report: 'id, task, &round, &model',
  log: 'id',
};

/** What the twin itself remembers between visits. */
const SECOND = { memo: 'id' };

const VERSIONS = [FIRST, SECOND];

/** IndexedDB counts in whole numbers and Dexie in tenths of them. */
export const NATIVE_VERSION: number = VERSIONS.length * 10;

/** Rows of one twin, each table with how to find them; events are deleted by the gate. */
export const TABLES_OF_TWIN = ['binding', 'feature', 'consent', 'role'] as const;

export function createDatabase(name: string, options: DexieOptions): StoreDatabase {
  const db = new Dexie(name, options);
  VERSIONS.forEach((stores, i) => db.version(i + 1).stores(stores));
  return db as StoreDatabase;
}
