/** A database belongs to one witness key, from its first moment on. */
import { sql } from 'kysely';
import { WitnessError } from '../errors.ts';
import type { Db } from './database.ts';

/** Two processes that start together: the second waits, and finds the work done. */
export async function migrate(db: Db): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(7469)`.execute(tx);
    for (const statement of SCHEMA.split(/;\n+/)) {
      if (statement.trim() !== '') await sql.raw(statement).execute(tx);
    }
  });
}

/** @throws WitnessError 'store/foreign', and 'store/lost' where the database is bound to nobody and may not be now */
export async function bindDatabase(db: Db, vkey: string, mayBind: boolean): Promise<void> {
  const bound = await readBinding(db);
  if (bound === null && !mayBind)
    throw new WitnessError(
      'store/lost',
      'there is a key, and the database knows nothing of it: if it cosigned anything, make a new key; if it never did, say --unused-key',
    );
  if (bound === null)
    await db
      .insertInto('witness')
      .values({ one: true, vkey })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  await requireBinding(db, vkey);
}

/** @throws WitnessError 'store/new' or 'store/foreign' */
export async function requireBinding(db: Db, vkey: string): Promise<void> {
  const bound = await readBinding(db);
  if (bound === null)
    throw new WitnessError('store/new', 'this database is no witness’s; a new witness begins with init');
  if (bound !== vkey)
    throw new WitnessError('store/foreign', 'this database is that of a witness of another name or key');
}

async function readBinding(db: Db): Promise<string | null> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass('witness') is not null as there`.execute(
    db,
  );
  if (rows[0]?.there !== true) return null;
  return (await db.selectFrom('witness').select('vkey').executeTakeFirst())?.vkey ?? null;
}

const SCHEMA = `
create table if not exists witness (
  one boolean primary key default true check (one),
  vkey text not null
);
comment on table witness is 'Whose database this is; one row. Without it the witness does not start: an empty database has forgotten what was cosigned.';
comment on column witness.one is 'Always true.';
comment on column witness.vkey is 'Name and public key of the witness.';

create table if not exists heads (
  origin text primary key,
  size bigint not null check (size >= 0),
  root bytea not null,
  note text,
  cosigned_at bigint
);
comment on table heads is 'The last head of each log that was cosigned. Sizes never fall. The row is the lock under which a head is judged.';
comment on column heads.origin is 'The log.';
comment on column heads.size is 'Leaves; 0 before the first.';
comment on column heads.root is 'RFC 6962 root.';
comment on column heads.note is 'Checkpoint as the log signed it, with our cosignature; null before the first.';
comment on column heads.cosigned_at is 'Seconds since 1970; null before the first.';

create table if not exists forks (
  origin text not null,
  size bigint not null,
  root bytea not null,
  note text not null,
  kept_note text not null,
  seen_at bigint not null,
  primary key (origin, size, root)
);
comment on table forks is 'Proof that a log lied: two heads of one size that it signed both. Refused, and kept for ever.';
comment on column forks.origin is 'The log.';
comment on column forks.size is 'Leaves in both trees.';
comment on column forks.root is 'Root of the one that was refused.';
comment on column forks.note is 'The refused checkpoint with the signature of the log.';
comment on column forks.kept_note is 'The checkpoint of this size that was cosigned before, with the signature of the log.';
comment on column forks.seen_at is 'Seconds since 1970.';
`;
