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
`;
