/** Rounds that helpers sign before anybody else sees them, abandoned ones that they close, and the ledger of participations. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of COSIGNED.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

const COSIGNED = `
alter table rounds drop constraint rounds_rc_hash_fkey;
alter table rounds add column kind text;
update rounds set kind = (select s.statement::jsonb #>> '{body,kind}' from statements s where s.hash = rc_hash);
alter table rounds alter column kind set not null;
alter table rounds add column proposal text;
update rounds set state = state || '{"cosigned": [], "disputed": []}';
alter table rounds add check (kind in ('train', 'evaluate'));
alter table rounds add check ((proposal is not null) = (state ->> 'phase' = 'proposed'));
comment on column rounds.rc_hash is 'Hash of the round configuration, immutable. In the table statements once the helpers have signed it.';
comment on column rounds.kind is 'Whether it trains or evaluates, as its configuration says; immutable.';
comment on column rounds.proposal is 'The configuration with the signatures so far, canonical JSON, while it is proposed; null once it is in the log.';
drop index rounds_one_open;
create unique index rounds_one_open on rounds (task_id)
  where phase in ('proposed', 'collecting', 'acking', 'revealing');

alter table tasks drop constraint tasks_check;
alter table tasks add column evaluated boolean not null default false;
alter table tasks alter column evaluated drop default;
alter table tasks add column clip_l2 double precision;
update tasks set clip_l2 = (select (s.statement::jsonb #>> '{body,clipL2}')::float8 from statements s where s.hash = task_hash);
alter table tasks alter column clip_l2 set not null;
alter table tasks add column ended text check (ended in ('rounds-done', 'budget-spent'));
update tasks set ended = 'rounds-done' where state = 'finished';
alter table tasks add check ((state = 'finished') = (ended is not null));
alter table tasks add check (state = 'waiting' or open_at is null);
comment on column tasks.state is 'waiting: no round is open, one will be at open_at; running: one is proposed or open; finished: all rounds are over.';
comment on column tasks.open_at is 'While waiting: when to try to propose a round; null: not before helpers have closed the last one, which was abandoned.';
comment on column tasks.evaluated is 'Whether a round has evaluated since the last sealed training round.';
comment on column tasks.clip_l2 is 'Clipping bound of the next training round; the task''s own until it adapts.';
comment on column tasks.ended is 'Why it is finished; null until it is.';

create table closes (
  rc_hash text not null references rounds,
  j integer not null,
  statement text not null,
  primary key (rc_hash, j)
);
comment on table closes is 'HelperClose statements on abandoned rounds, passed on to devices for ever. About no person.';
comment on column closes.rc_hash is 'The abandoned round.';
comment on column closes.j is 'Helper.';
comment on column closes.statement is 'The signed statement, canonical JSON.';

create table participations (
  task_id text not null references tasks,
  kind text not null,
  sub text not null,
  rc_hash text not null references rounds,
  primary key (task_id, kind, sub, rc_hash)
);
comment on table participations is 'The privacy ledger: whose reports were in which set. Written with the set; deleted only where the helpers have closed the round, so that the set was never opened.';
comment on column participations.task_id is 'Task whose budget it is.';
comment on column participations.kind is 'Kind of the round; trainings and evaluations have a cap each.';
comment on column participations.sub is 'Pseudonym of the credential. Personal data where a person reports.';
comment on column participations.rc_hash is 'The round: one set each, so one participation each.';
`;
