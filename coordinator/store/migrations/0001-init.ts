/** Every table and, column by column, what it means. Kept in the database too (`comment on`), where an operator will look. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of INIT.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

const INIT = `
create table log_head (
  one boolean primary key default true check (one),
  size bigint not null check (size >= 0),
  root bytea,
  note text
);
comment on table log_head is 'One row: what the log last signed. Locked by every append, so that one writer at a time moves it.';
comment on column log_head.one is 'Always true: there is one head.';
comment on column log_head.size is 'Leaves in the tree.';
comment on column log_head.root is 'RFC 6962 root; null before the first append.';
comment on column log_head.note is 'Signed checkpoint of exactly this size and root; null before the first append.';
insert into log_head (size) values (0);

create table log_leaves (
  leaf_index bigint primary key check (leaf_index >= 0),
  leaf bytea not null
);
comment on table log_leaves is 'Leaves: salted commitments, never erased, personal data of nobody.';
comment on column log_leaves.leaf_index is 'Place in the log, from 0, without gaps.';
comment on column log_leaves.leaf is 'Canonical JSON {v, type, at, commit}.';

create table log_hashes (
  level smallint not null,
  node_index bigint not null,
  hash bytea not null,
  primary key (level, node_index)
);
comment on table log_hashes is 'Hashes of complete subtrees, from which proofs are made; derivable from log_leaves.';
comment on column log_hashes.level is 'Height: 0 for leaf hashes.';
comment on column log_hashes.node_index is 'Place among the subtrees of this height.';
comment on column log_hashes.hash is 'SHA-256 by RFC 6962.';

create table statements (
  hash text primary key,
  type text not null,
  statement text not null,
  leaf_index bigint not null unique references log_leaves,
  salt bytea not null
);
comment on table statements is 'Public signed statements and what opens their leaves. About no person; kept for ever.';
comment on column statements.hash is 'Hash of the signed bytes: task hash, rcHash, scHash, result hash, epoch hash.';
comment on column statements.type is 'Statement type, also the type of the leaf.';
comment on column statements.statement is 'The whole statement, canonical JSON.';
comment on column statements.leaf_index is 'Its leaf.';
comment on column statements.salt is 'Opens the commitment in the leaf to the statement; public.';

create table vault (
  leaf_index bigint primary key references log_leaves,
  body text not null,
  salt bytea not null
);
comment on table vault is 'What consent leaves commit to. Personal data: erasing a row leaves a leaf that nobody can link to anyone.';
comment on column vault.leaf_index is 'The leaf.';
comment on column vault.body is 'The consent event as the compact JWS that its signer sent.';
comment on column vault.salt is 'Without it, no guess at the body can be checked against the leaf.';

create table collectors (
  jkt text primary key,
  party text not null
);
comment on table collectors is 'Region nodes that spoke for subjects: which party a key said it acts for, fixed at its first event.';
comment on column collectors.jkt is 'RFC 7638 thumbprint of the device key.';
comment on column collectors.party is 'IRI of the party, as in collectedBy.';

create table consent_subjects (
  subject text primary key,
  jkt text not null
);
comment on table consent_subjects is 'Which key speaks for a subject, fixed by the first event about the subject.';
comment on column consent_subjects.subject is 'Pairwise pseudonym. Personal data.';
comment on column consent_subjects.jkt is 'Thumbprint of the one key that may send events and reports for the subject.';

create table consent_events (
  event_id text primary key,
  subject text not null references consent_subjects,
  jkt text not null,
  seq bigint not null check (seq > 0),
  leaf_index bigint not null unique references log_leaves,
  received_at bigint not null,
  unique (subject, jkt, seq)
);
comment on table consent_events is 'The consent ledger: which event stands where in the log. States are folded from it and stored nowhere.';
comment on column consent_events.event_id is 'Hash of the JWS.';
comment on column consent_events.subject is 'Whom it is about. Personal data.';
comment on column consent_events.jkt is 'Who signed.';
comment on column consent_events.seq is 'Counter of the signer for this subject; rises.';
comment on column consent_events.leaf_index is 'Its leaf: the order that counts. The JWS itself is in the vault.';
comment on column consent_events.received_at is 'When it was taken.';

create table models (
  hash text primary key,
  bytes bytea not null,
  task_id text not null,
  made_by text references statements,
  created_at bigint not null
);
comment on table models is 'Model versions by hash. Immutable, public.';
comment on column models.hash is 'SHA-256 of the bytes.';
comment on column models.bytes is 'Weights, little-endian float32.';
comment on column models.task_id is 'The task that first made it.';
comment on column models.made_by is 'Hash of the set commit whose sum made it; null for initial weights, which follow from the task.';
comment on column models.created_at is 'When it was stored.';

create table tasks (
  task_id text primary key,
  task_hash text not null references statements,
  state text not null check (state in ('waiting', 'running', 'finished')),
  open_at bigint,
  model_hash text not null references models,
  optimizer bytea,
  rounds_opened integer not null,
  rounds_trained integer not null,
  abandoned_in_a_row integer not null,
  last_result text references statements,
  created_at bigint not null,
  check ((state = 'waiting') = (open_at is not null))
);
comment on table tasks is 'Tasks and where they stand.';
comment on column tasks.task_id is 'Chosen by the operator who published it.';
comment on column tasks.task_hash is 'Hash of the signed task, immutable.';
comment on column tasks.state is 'waiting: no round is open, one will be at open_at; running: one is open; finished: all rounds are over.';
comment on column tasks.open_at is 'While waiting: when to try to open a round.';
comment on column tasks.model_hash is 'The current model.';
comment on column tasks.optimizer is 'Moments of the server optimiser, float64; null before the first step.';
comment on column tasks.rounds_opened is 'Number of the last round: abandoned rounds count.';
comment on column tasks.rounds_trained is 'Sealed training rounds; at the number of the task, one evaluating round follows.';
comment on column tasks.abandoned_in_a_row is 'Abandoned rounds since the last sealed one; the more, the longer the wait for the next.';
comment on column tasks.last_result is 'Hash of the last round result, which the next round configuration chains to.';
comment on column tasks.created_at is 'When it was published.';
create index tasks_waiting on tasks (open_at) where state = 'waiting';

create table helper_epochs (
  j integer not null,
  e bigint not null,
  hash text not null references statements,
  not_before bigint not null,
  not_after bigint not null,
  primary key (j, e)
);
comment on table helper_epochs is 'Box keys of the helpers, each signed by the long-lived key of its helper.';
comment on column helper_epochs.j is 'Helper number.';
comment on column helper_epochs.e is 'Epoch; rises.';
comment on column helper_epochs.hash is 'Its statement.';
comment on column helper_epochs.not_before is 'First moment of the epoch.';
comment on column helper_epochs.not_after is 'End of the epoch, after which the helper may erase the private key.';

create table rounds (
  rc_hash text primary key references statements,
  task_id text not null references tasks,
  round integer not null,
  state jsonb not null,
  phase text not null generated always as (state ->> 'phase') stored,
  due_at bigint generated always as ((state ->> 'dueAt')::bigint) stored,
  sc_hash text references statements,
  result_hash text references statements,
  unique (task_id, round)
);
comment on table rounds is 'Rounds. The row is the lock under which everything about a round happens, and its schedule.';
comment on column rounds.rc_hash is 'Hash of the round configuration, immutable.';
comment on column rounds.task_id is 'Its task, immutable.';
comment on column rounds.round is 'Number within the task, from 1, immutable.';
comment on column rounds.state is 'State of the round machine (rounds/machine.ts), written whole after every step. Counts and helper numbers; nobody''s data.';
comment on column rounds.phase is 'From the state.';
comment on column rounds.due_at is 'From the state: when the ticker must look at it again; null once ended.';
comment on column rounds.sc_hash is 'Hash of the set commit, once the set is fixed.';
comment on column rounds.result_hash is 'Hash of the result, once ended.';
create unique index rounds_one_open on rounds (task_id) where phase in ('collecting', 'acking', 'revealing');
create index rounds_due on rounds (due_at) where due_at is not null;

create table reports (
  rc_hash text not null references rounds,
  header_hash text not null,
  place integer not null,
  sub text not null,
  jkt text not null,
  twins integer not null,
  message_hash text not null,
  disposition text not null
    check (disposition in ('received', 'in-set', 'consent-withdrawn', 'helper-refused', 'head-room')),
  received_at bigint not null,
  header bytea,
  signature bytea,
  vector bytea,
  primary key (rc_hash, header_hash),
  unique (rc_hash, sub)
);
alter table reports alter column vector set storage external;
comment on table reports is 'Reports. Who took part stays; everything that was sent is scrubbed when the round ends.';
comment on column reports.rc_hash is 'Its round.';
comment on column reports.header_hash is 'Names the report in the set commit.';
comment on column reports.place is 'Order of arrival within the round, from 1.';
comment on column reports.sub is 'Pseudonym of the credential. Personal data where a person reports.';
comment on column reports.jkt is 'Thumbprint of the device key.';
comment on column reports.twins is 'Twins summed in the vector.';
comment on column reports.message_hash is 'SHA-256 of header and signature: tells a retry from a second report.';
comment on column reports.disposition is 'received, then in-set or why it was left out.';
comment on column reports.received_at is 'When it was taken.';
comment on column reports.header is 'Header bytes, for the helpers; scrubbed when the round ends.';
comment on column reports.signature is 'Signature over the header; scrubbed when the round ends.';
comment on column reports.vector is 'Masked vector, packed words of b bits; scrubbed when the round ends.';

create table report_boxes (
  rc_hash text not null,
  header_hash text not null,
  j integer not null,
  box bytea not null,
  primary key (rc_hash, header_hash, j)
);
comment on table report_boxes is 'Sealed seed boxes; opaque to the coordinator. Rows are deleted when the round ends.';
comment on column report_boxes.rc_hash is 'Round of the report.';
comment on column report_boxes.header_hash is 'The report.';
comment on column report_boxes.j is 'Helper who can open it.';
comment on column report_boxes.box is 'libsodium sealed box.';

create table report_members (
  rc_hash text not null,
  subject text not null,
  header_hash text not null,
  primary key (rc_hash, subject)
);
comment on table report_members is 'Whose twins a report sums, for the consent gate; once per round. Rows are deleted when the round ends.';
comment on column report_members.rc_hash is 'Round of the report.';
comment on column report_members.subject is 'Pseudonym of the twin''s data subject. Personal data.';
comment on column report_members.header_hash is 'The report.';

create table verdicts (
  rc_hash text not null,
  j integer not null,
  header_hash text not null,
  refusal text,
  primary key (rc_hash, j, header_hash)
);
comment on table verdicts is 'What helpers said of reports. Rows are deleted when the round ends.';
comment on column verdicts.rc_hash is 'Round of the report.';
comment on column verdicts.j is 'Helper.';
comment on column verdicts.header_hash is 'The report.';
comment on column verdicts.refusal is 'Code of the refusal; null: accepted.';

create table readies (
  rc_hash text not null,
  j integer not null,
  statement text not null,
  primary key (rc_hash, j)
);
comment on table readies is 'HelperReady statements, passed on to the other helpers. Rows are deleted when the round ends.';
comment on column readies.rc_hash is 'Round.';
comment on column readies.j is 'Helper.';
comment on column readies.statement is 'The signed statement, canonical JSON.';

create table mask_sums (
  rc_hash text not null,
  set_index integer not null,
  hash text not null,
  words bytea not null,
  primary key (rc_hash, set_index, hash)
);
alter table mask_sums alter column words set storage external;
comment on table mask_sums is 'Sums of masks, each stored once however many helpers sent it. Rows are deleted when the round ends.';
comment on column mask_sums.rc_hash is 'Round.';
comment on column mask_sums.set_index is 'Number of the helper set in the family.';
comment on column mask_sums.hash is 'SHA-256 of the words.';
comment on column mask_sums.words is 'Packed words of b bits.';

create unlogged table dpop_proofs (
  jkt text not null,
  jti text not null,
  expires_at bigint not null,
  primary key (jkt, jti)
);
comment on table dpop_proofs is 'Proofs of possession already used. Unlogged: a crash of PostgreSQL empties it, after which a proof could be replayed until its nonce ends; every write that a proof carries is idempotent.';
comment on column dpop_proofs.jkt is 'Key that made the proof.';
comment on column dpop_proofs.jti is 'Its one-use id.';
comment on column dpop_proofs.expires_at is 'When the row may be deleted: the proof''s nonce has ended.';
create index dpop_proofs_expired on dpop_proofs (expires_at);

create table revisions (
  topic text primary key,
  rev bigint not null
);
comment on table revisions is 'What long polls wait for: a counter per topic, raised in the transaction that changes something.';
comment on column revisions.topic is 'task:<id> for devices, helpers for helpers.';
comment on column revisions.rev is 'Rises with every change; readers compare it with the one they know.';
`;
