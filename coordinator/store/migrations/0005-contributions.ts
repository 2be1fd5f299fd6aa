/** What rounds were made of, kept for whoever replays their gate, and who looked at it. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of CONTRIBUTIONS.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

// Reports of running rounds are of a form that was never released, and are not carried over.
const CONTRIBUTIONS = `
truncate report_members;
alter table report_members add column place integer not null;
alter table report_members add column salt bytea not null;
comment on column report_members.place is 'Order within the report: ascending by pseudonym, as bytes. From 0.';
comment on column report_members.salt is '16 bytes that the device drew: with the pseudonym, what a leaf of the members'' tree commits to.';

create table contributions (
  rc_hash text not null references rounds,
  header_hash text not null,
  disposition text not null check (disposition in ('in-set', 'consent-withdrawn', 'consent-lapsed', 'consent-missing', 'consent-floor',
    'helper-refused', 'head-room')),
  reporter text,
  signed bytea,
  leaves bytea not null,
  subjects text[] not null,
  salts bytea[] not null,
  primary key (rc_hash, header_hash)
);
create index contributions_subjects on contributions using gin (subjects);
create index contributions_reporter on contributions (reporter);
comment on table contributions is 'Every report that a committed set was chosen from, written in the transaction that commits to the set: what an auditor replays the gate with.';
comment on column contributions.rc_hash is 'Its round.';
comment on column contributions.header_hash is 'Names the report in the set commit.';
comment on column contributions.disposition is 'in-set, or why it was left out.';
comment on column contributions.reporter is 'Pseudonym of the credential; null once erased. Personal data where a person reports.';
comment on column contributions.signed is 'Signature (64 bytes) and header, sealed under the reporter''s key; null once erased.';
comment on column contributions.leaves is 'Leaf hashes of the members, 32 bytes each, in their order. Without pseudonym and salt nobody can open them.';
comment on column contributions.subjects is 'Pseudonyms in the same order; null once erased. Personal data.';
comment on column contributions.salts is 'Salts in the same order, each sealed under its subject''s key.';

create table speakers (
  jkt text primary key,
  key text not null,
  sub text not null,
  credential text not null
);
create index speakers_sub on speakers (sub);
comment on table speakers is 'Device keys that sent consent events, with the credential of their first: shows others for whom a key may speak.';
comment on column speakers.jkt is 'Thumbprint of the key, as consent_events name it.';
comment on column speakers.key is 'The public key.';
comment on column speakers.sub is 'Pseudonym of the credential. Personal data where a person''s device speaks; rows are deleted with an erasure.';
comment on column speakers.credential is 'JWT of the issuer.';

create table officer_access (
  leaf_index bigint primary key,
  body text not null,
  salt bytea not null,
  target_salt bytea not null
);
comment on table officer_access is 'Who took out which evidence: what opens the access leaves of the log. Kept, as the record of an officer''s act; targets are salted hashes.';
comment on column officer_access.leaf_index is 'The leaf, which commits to body and salt.';
comment on column officer_access.body is 'Canonical JSON: officer, kind, salted hash of what it was about, number of rows, reason.';
comment on column officer_access.salt is '32 bytes: opens the leaf to the body.';
comment on column officer_access.target_salt is '32 bytes: with what was asked for, they hash to the target in the body.';
`;
