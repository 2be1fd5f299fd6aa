/** Brings a database to the newest schema. Several processes may start at once: Kysely's migrator takes a lock in the database. */
import { Migrator } from 'kysely';
import { up as init } from './migrations/0001-init.ts';
import { up as witnesses } from './migrations/0002-witnesses.ts';
import { up as cosignedRounds } from './migrations/0003-cosigned-rounds.ts';
import { up as vault } from './migrations/0004-vault.ts';
import { up as contributions } from './migrations/0005-contributions.ts';
import { up as siem } from './migrations/0006-siem.ts';
import type { Db } from './schema.ts';

const MIGRATIONS = {
  '0001-init': { up: init },
  '0002-witnesses': { up: witnesses },
  '0003-cosigned-rounds': { up: cosignedRounds },
  '0004-vault': { up: vault },
  '0005-contributions': { up: contributions },
  '0006-siem': { up: siem },
};

/** Every migration runs in one transaction with its record: a crash leaves the schema before or after, never between. */
export async function migrate(db: Db): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve(MIGRATIONS) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}
