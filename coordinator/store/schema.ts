/**
 * The coordinator's tables, as types. What each column means stands once, in `migrations/`.
 *
 * Trust: the database holds no secret that opens an update, only masked vectors of running rounds. Whoever can read it learns who took
 * part in which round (pseudonyms), how many consent events each subject has and from when, and models; what the events say is sealed under a key
 * that is not in here (`seal.ts`). Whoever can write it can lose rounds, un-withdraw a consent or put
 * in another model; the log's signed head, which nodes and helpers remember, shows a history that was changed, and statements that were
 * altered fail their signatures. The keys that sign are not in here.
 *
 * Hashes, keys and subject ids are text, spelled as on the wire; payloads are bytes; times are milliseconds since 1970.
 */
import type { GeneratedAlways, Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { DropReason, RoundConfig, RoundPhase, TaskEnd } from '@twinkeep/protocol';

export interface TaskTable {
  task_id: string;
  task_hash: string;
  state: 'waiting' | 'running' | 'finished';
  open_at: number | null;
  model_hash: string;
  optimizer: Uint8Array | null;
  rounds_opened: number;
  rounds_trained: number;
  abandoned_in_a_row: number;
  evaluated: boolean;
  clip_l2: number;
  ended: TaskEnd | null;
  last_result: string | null;
  created_at: number;
}

export interface RoundTable {
  rc_hash: string;
  task_id: string;
  round: number;
  kind: RoundConfig['kind'];
  proposal: string | null;
  state: string;
  phase: GeneratedAlways<RoundPhase>;
  due_at: GeneratedAlways<number | null>;
  sc_hash: string | null;
  result_hash: string | null;
}

/** Not a drop reason: the report waits for the set, or is in it. */
export type Disposition = 'received' | 'in-set' | DropReason;

export interface ReportTable {
  rc_hash: string;
  header_hash: string;
  place: number;
  sub: string;
  jkt: string;
  twins: number;
  message_hash: string;
  disposition: Disposition;
  received_at: number;
  header: Uint8Array | null;
  signature: Uint8Array | null;
  vector: Uint8Array | null;
}

export interface ReportBoxTable {
  rc_hash: string;
  header_hash: string;
  j: number;
  box: Uint8Array;
}

export interface ReportMemberTable {
  rc_hash: string;
  subject: string;
  header_hash: string;
  place: number;
  salt: Uint8Array;
}

export interface ContributionTable {
  rc_hash: string;
  header_hash: string;
  disposition: Exclude<Disposition, 'received'>;
  reporter: string | null;
  signed: Uint8Array | null;
  leaves: Uint8Array;
  subjects: (string | null)[];
  salts: Uint8Array[];
}

export interface VerdictTable {
  rc_hash: string;
  j: number;
  header_hash: string;
  refusal: string | null;
}

export interface ReadyTable {
  rc_hash: string;
  j: number;
  statement: string;
}

export interface CloseTable {
  rc_hash: string;
  j: number;
  statement: string;
}

export interface ParticipationTable {
  task_id: string;
  kind: RoundConfig['kind'];
  sub: string;
  rc_hash: string;
}

export interface MaskSumTable {
  rc_hash: string;
  set_index: number;
  hash: string;
  words: Uint8Array;
}

export interface HelperEpochTable {
  j: number;
  e: number;
  hash: string;
  not_before: number;
  not_after: number;
}

export interface ModelTable {
  hash: string;
  bytes: Uint8Array;
  task_id: string;
  made_by: string | null;
  created_at: number;
}

export interface StatementTable {
  hash: string;
  type: string;
  statement: string;
  leaf_index: number;
  salt: Uint8Array;
}

export interface CollectorTable {
  jkt: string;
  party: string;
}

export interface SpeakerTable {
  jkt: string;
  key: string;
  sub: string;
  credential: string;
}

export interface OfficerAccessTable {
  leaf_index: number;
  body: string;
  salt: Uint8Array;
  target_salt: Uint8Array;
}

export interface ConsentSubjectTable {
  subject: string;
  collector: string | null;
}

export interface ConsentEventTable {
  event_id: string;
  subject: string;
  jkt: string;
  seq: number;
  leaf_index: number;
  received_at: number;
}

export interface VaultTable {
  leaf_index: number;
  sealed: Uint8Array;
}

export interface VaultKeyTable {
  one: GeneratedAlways<boolean>;
  key_check: Uint8Array;
}

export interface SubjectKeyTable {
  subject: string;
  wrapped: Uint8Array;
}

export interface SiemCursorTable {
  receiver: string;
  next_index: number;
}

export interface ErasedSubjectTable {
  place: GeneratedAlways<number>;
  mark: string;
  erased_at: number;
}

export interface NoticeTable {
  hash: string;
  id: string;
  version: string;
  lang: string;
  body: string;
  change: 'first' | 'minor' | 'material';
  in_force: boolean;
  proposed_by: string;
  proposed_jkt: string;
  approved_by: string | null;
  published_at: number | null;
  bump_after: string | null;
}

export interface ConsentProposalTable {
  id: string;
  subject: string;
  request: Uint8Array;
  proposed_by: string;
  proposed_jkt: string;
  proposed_at: number;
}

export interface ConsentSignalTable {
  subject: string;
  jkt: string;
}

export interface LogHeadTable {
  one: boolean;
  size: number;
  root: Uint8Array | null;
  note: string | null;
}

export interface LogLeafTable {
  leaf_index: number;
  leaf: Uint8Array;
}

export interface LogHashTable {
  level: number;
  node_index: number;
  hash: Uint8Array;
}

export interface DpopProofTable {
  jkt: string;
  jti: string;
  expires_at: number;
}

export interface RevisionTable {
  topic: string;
  rev: number;
}

export interface WitnessedHeadTable {
  size: number;
  root: Uint8Array;
  note: string;
  cosignatures: string;
}

export interface WitnessProblemTable {
  name: string;
  problem: string;
  since: number;
}

export interface WitnessLeaseTable {
  one: boolean;
  holder: string | null;
  until: number;
}

export interface Schema {
  tasks: TaskTable;
  rounds: RoundTable;
  reports: ReportTable;
  report_boxes: ReportBoxTable;
  report_members: ReportMemberTable;
  contributions: ContributionTable;
  verdicts: VerdictTable;
  readies: ReadyTable;
  mask_sums: MaskSumTable;
  closes: CloseTable;
  participations: ParticipationTable;
  helper_epochs: HelperEpochTable;
  models: ModelTable;
  statements: StatementTable;
  witnessed_heads: WitnessedHeadTable;
  witness_problems: WitnessProblemTable;
  witness_lease: WitnessLeaseTable;
  collectors: CollectorTable;
  speakers: SpeakerTable;
  officer_access: OfficerAccessTable;
  consent_subjects: ConsentSubjectTable;
  consent_events: ConsentEventTable;
  vault: VaultTable;
  vault_key: VaultKeyTable;
  subject_keys: SubjectKeyTable;
  erased_subjects: ErasedSubjectTable;
  notices: NoticeTable;
  consent_proposals: ConsentProposalTable;
  consent_signals: ConsentSignalTable;
  log_head: LogHeadTable;
  log_leaves: LogLeafTable;
  log_hashes: LogHashTable;
  siem_cursors: SiemCursorTable;
  dpop_proofs: DpopProofTable;
  revisions: RevisionTable;
}

/** A connection pool or a transaction: reads work on both. */
export type Db = Kysely<Schema>;
/** Writes that belong together take this, so that they cannot be called outside of a transaction. */
export type Tx = Transaction<Schema>;
export type Row<Table extends keyof Schema> = Selectable<Schema[Table]>;
export type NewRow<Table extends keyof Schema> = Insertable<Schema[Table]>;
