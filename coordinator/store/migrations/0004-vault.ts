/** What is personal is sealed under a key for each data subject, and who speaks for a subject may be several. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of VAULT.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

// Events that were stored in the clear are of a form that was never released, and are not carried over.
const VAULT = `
truncate vault, consent_events, consent_subjects, collectors;

create table vault_key (
  one boolean primary key default true check (one),
  key_check bytea not null
);
comment on table vault_key is 'One row: tells whether vaultKeyFile is still the same. Shows nothing of the key.';
comment on column vault_key.one is 'Always true: there is one vault key.';
comment on column vault_key.key_check is '32 bytes derived from the key (HKDF-SHA-256).';

create table subject_keys (
  subject text primary key,
  wrapped bytea not null
);
comment on table subject_keys is 'A key for each data subject, itself sealed under the vault key. Deleting a row erases all that was sealed under it.';
comment on column subject_keys.subject is 'Pairwise pseudonym. Personal data.';
comment on column subject_keys.wrapped is 'AES-256-GCM: nonce, the 32 sealed bytes of the key, tag.';

create table erased_subjects (
  place bigint generated always as identity unique,
  mark text primary key,
  erased_at bigint not null
);
comment on table erased_subjects is 'Subjects who were erased, so that what a forgotten device sends again does not bring them back.';
comment on column erased_subjects.place is 'Rises: processes that keep states in memory see what they have to forget.';
comment on column erased_subjects.mark is 'HMAC of the pseudonym under the vault key: names nobody to whoever has the database alone.';
comment on column erased_subjects.erased_at is 'When.';

alter table vault drop column body;
alter table vault drop column salt;
alter table vault add column sealed bytea not null;
comment on column vault.sealed is 'Salt of the leaf (32 bytes) and the event as the compact JWS that its signer sent, sealed under the subject''s key, bound to subject and leaf_index.';

alter table consent_subjects rename column jkt to collector;
alter table consent_subjects alter column collector drop not null;
comment on table consent_subjects is 'Who spoke first for a subject, fixed by the first event about the subject.';
comment on column consent_subjects.collector is 'Thumbprint of the region node that speaks for the subject; null where the subject''s own devices do.';
create index consent_subjects_of on consent_subjects (collector) where collector is not null;

create table notices (
  hash text primary key,
  id text not null,
  version text not null,
  lang text not null,
  body text not null,
  change text not null check (change in ('first', 'minor', 'material')),
  in_force boolean not null,
  proposed_by text not null,
  proposed_jkt text not null,
  approved_by text,
  published_at bigint,
  bump_after text,
  unique (id, version, lang)
);
create unique index notices_in_force on notices (id, lang) where in_force;
comment on table notices is 'Texts that consents are given to, by their hash: never changed, so that what was shown can be shown again. About no person.';
comment on column notices.hash is 'sha-256: and base64url, of the text in UTF-8.';
comment on column notices.id is 'Which notice, as events name it.';
comment on column notices.version is 'Version, as events name it.';
comment on column notices.lang is 'Language (BCP 47), as events name it.';
comment on column notices.body is 'The text.';
comment on column notices.change is 'Against the version before: first where there is none, minor, or material: who agreed to another text has to be asked again.';
comment on column notices.in_force is 'One version of each notice and language is; a yes to any other is refused.';
comment on column notices.proposed_by is 'Officer who put it up (pseudonym of the credential).';
comment on column notices.proposed_jkt is 'Thumbprint of that officer''s key: the second one has another.';
comment on column notices.approved_by is 'Second officer, who agreed with the text and with how much it changes; null until then, and where there was none before.';
comment on column notices.published_at is 'When it came into force; null while a second officer is awaited.';
comment on column notices.bump_after is 'While the change is carried into the consents of everybody who agreed to an older text: the last subject done (an empty text before the first). Null when there is nothing to do.';

create table consent_proposals (
  id text primary key,
  subject text not null references subject_keys on delete cascade,
  request bytea not null,
  proposed_by text not null,
  proposed_jkt text not null,
  proposed_at bigint not null
);
comment on table consent_proposals is 'What one officer asked for and a second one has to agree to. Deleted when it is decided.';
comment on column consent_proposals.id is 'Random.';
comment on column consent_proposals.subject is 'Whom it is about. Personal data.';
comment on column consent_proposals.request is 'What was asked for, sealed under the subject''s key.';
comment on column consent_proposals.proposed_by is 'First officer (pseudonym of the credential).';
comment on column consent_proposals.proposed_jkt is 'Thumbprint of the first officer''s key: the second one has another.';
comment on column consent_proposals.proposed_at is 'When. It lapses after a week.';

create table consent_signals (
  subject text not null references subject_keys on delete cascade,
  jkt text not null,
  primary key (subject, jkt)
);
comment on table consent_signals is 'From which of a subject''s devices an opt-out signal (GPC) is in the log: it is recorded once, or it would undo every later choice.';
comment on column consent_signals.subject is 'Whose. Personal data.';
comment on column consent_signals.jkt is 'Thumbprint of the device''s key.';
alter table reports drop constraint reports_disposition_check;
alter table reports add check (disposition in ('received', 'in-set', 'consent-withdrawn', 'consent-lapsed', 'consent-missing',
  'consent-floor', 'helper-refused', 'head-room'));
`;
