/** How far the log was carried to each receiver of security monitoring. */
import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of SIEM.split(/;\n+/)) {
    if (statement.trim() !== '') await sql.raw(statement).execute(db);
  }
}

const SIEM = `
create table siem_cursors (
  receiver text primary key,
  next_index bigint not null check (next_index >= 0)
);
comment on table siem_cursors is 'How far each receiver of security events has taken the log. Locked while a process sends to it.';
comment on column siem_cursors.receiver is 'Name in the configuration.';
comment on column siem_cursors.next_index is 'Leaf that it is sent next; moved after it took those before.';
`;
