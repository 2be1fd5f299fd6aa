/**
 * A database and a role per party. The role owns its database and can connect to no other: CONNECT is taken from PUBLIC on every
 * database of the server, its own templates included.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Makes the party's database, or keeps the one there is, and gives its role a new password. @returns the party's URL */
export async function createPartyDatabase(adminUrl: string, party: string): Promise<string> {
  const name = pg.escapeIdentifier(party);
  const password = randomBytes(24).toString('hex');
  await withAdmin(adminUrl, async (admin) => {
    const [role, database] = await Promise.all([
      admin.query('select 1 from pg_roles where rolname = $1', [party]),
      admin.query('select 1 from pg_database where datname = $1', [party]),
    ]);
    await admin.query(
      `${role.rowCount === 0 ? 'create' : 'alter'} role ${name} login nosuperuser nocreatedb nocreaterole password '${password}'`,
    );
    // A database is made by copying files and cannot share a transaction with the rest: a crash before the last line leaves a database
    // that is open to PUBLIC but empty, and the next call closes it.
    if (database.rowCount === 0) await admin.query(`create database ${name} owner ${name}`);
    await admin.query(`revoke all on database ${name} from public`);
  });
  const url = new URL(adminUrl);
  url.username = party;
  url.password = password;
  url.pathname = `/${party}`;
  return url.href;
}

/** Removes the databases and roles of all parties, whoever is connected. */
export async function dropPartyDatabases(adminUrl: string): Promise<void> {
  const parties = await withAdmin(adminUrl, async (admin) => {
    const sql = `select rolname as party from pg_roles where rolcanlogin and not rolsuper`;
    return (await admin.query<{ party: string }>(sql)).rows.map(({ party }) => pg.escapeIdentifier(party));
  });
  // Each waits for a checkpoint; at the same time they wait for the same one.
  const drop = (name: string): Promise<void> =>
    withAdmin(adminUrl, async (admin) => {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`drop role ${name}`);
    });
  await Promise.all(parties.map(drop));
}

/** Shuts the databases that come with a new server to everyone but the superuser. */
export async function closeToPublic(adminUrl: string): Promise<void> {
  await withAdmin(adminUrl, async (admin) => {
    for (const name of ['postgres', 'template1'])
      await admin.query(`revoke all on database ${name} from public`);
  });
}

async function withAdmin<T>(adminUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
