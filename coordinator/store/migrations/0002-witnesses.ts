/** What witnesses of the log have cosigned, who of them does not answer, and which process asks them. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of WITNESSES.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

const WITNESSES = `
create table witnessed_heads (
  size bigint primary key check (size > 0),
  root bytea not null,
  note text not null,
  cosignatures text not null
);
comment on table witnessed_heads is 'The newest head that enough witnesses cosigned: what readers are shown is under it. Older rows are deleted. Empty where the trust file names no witnesses.';
comment on column witnessed_heads.size is 'Leaves in the tree.';
comment on column witnessed_heads.root is 'RFC 6962 root.';
comment on column witnessed_heads.note is 'Checkpoint of exactly this size and root as the log signed it.';
comment on column witnessed_heads.cosignatures is 'Signature lines of witnesses over it (C2SP tlog-cosignature).';

create table witness_problems (
  name text primary key,
  problem text not null,
  since bigint not null
);
comment on table witness_problems is 'Witnesses that did not cosign when they were asked last. For the operator.';
comment on column witness_problems.name is 'Name of the witness in the trust file.';
comment on column witness_problems.problem is 'Why: a code.';
comment on column witness_problems.since is 'When it was first seen.';

create table witness_lease (
  one boolean primary key default true check (one),
  holder text,
  until bigint not null
);
comment on table witness_lease is 'One row: which process asks the witnesses now. Two would only get in each other''s way.';
comment on column witness_lease.one is 'Always true.';
comment on column witness_lease.holder is 'Random name of the process.';
comment on column witness_lease.until is 'When another may take over, milliseconds since 1970 by the clock of the database.';
insert into witness_lease (until) values (0);
`;
