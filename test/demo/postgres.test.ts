import { createPartyDatabase, dropPartyDatabases, startPostgres } from '@twinkeep/demo/postgres';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const refusal = async (url: string, sql = 'select 1'): Promise<unknown> =>
  ask(url, sql).then(
    () => 'it was let in',
    (error: { code?: string }) => error.code,
  );

const PERMISSION_DENIED = '42501';
const WRONG_PASSWORD = '28P01';

describe('a database and a role per party', () => {
  const as = (url: string, database: string): string =>
    Object.assign(new URL(url), { pathname: `/${database}` }).href;
  const nameOf = (url: string): string => new URL(url).username;

  test('a party owns its database', async () => {
    const url = await createTestDatabase();
    await ask(url, 'create table visitors (name text)');
    expect(await ask(url, 'select count(*)::int as n from visitors')).toEqual([{ n: 0 }]);
  });

  test("no party gets into another's, nor into the server's own", async () => {
    const [one, other] = [await createTestDatabase(), await createTestDatabase()];
    for (const database of [nameOf(other), 'postgres', 'template1']) {
      expect(await refusal(as(one, database))).toBe(PERMISSION_DENIED);
    }
    expect(await refusal(one, `create role helper login`)).toBe(PERMISSION_DENIED);
    expect(await refusal(one, `create database annex`)).toBe(PERMISSION_DENIED);
    expect(await refusal(one, `alter role ${nameOf(other)} password 'x'`)).toBe(PERMISSION_DENIED);
    expect(await refusal(one, `copy (select 1) to program 'cat'`)).toBe(PERMISSION_DENIED);
  });

  test('asked for again, it keeps its data and changes its password', async () => {
    const admin = inject('testPostgres');
    const before = await createPartyDatabase(admin, 'returning_party');
    await ask(before, 'create table visitors as select 7 as n');
    const after = await createPartyDatabase(admin, 'returning_party');
    expect(await ask(after, 'select n from visitors')).toEqual([{ n: 7 }]);
    expect(await refusal(before)).toBe(WRONG_PASSWORD);
  });
});

describe('the server', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeep-server-'));
    await chmod(folder, 0o711);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const processOf = async (): Promise<number> =>
    Number((await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
  const killOwner = (adminUrl: string): Promise<unknown> =>
    ask(
      adminUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'twinkeep-owner'`,
    );

  test('is durable, listens on this machine only, and keeps its password from other accounts', async () => {
    const server = await startPostgres(folder);
    expect(await ask(server.adminUrl, 'show fsync')).toEqual([{ fsync: 'on' }]);
    expect(await ask(server.adminUrl, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect((await stat(join(folder, 'superuser.password'))).mode & 0o777).toBe(0o600);
    const stranger = Object.assign(new URL(server.adminUrl), { password: 'guess' }).href;
    expect(await refusal(stranger)).toBe(WRONG_PASSWORD);
    await server.stop();
    expect(await refusal(server.adminUrl)).toBe('ECONNREFUSED');
  });

  test('has one owner; a server whose owner was killed is taken over with its data', async () => {
    const first = await startPostgres(folder);
    const party = await createPartyDatabase(first.adminUrl, 'party');
    await ask(party, 'create table visitors as select 7 as n');
    await expect(startPostgres(folder)).rejects.toMatchObject({ code: 'demo/in-use' });

    await killOwner(first.adminUrl);
    const second = await startPostgres(folder);
    expect(second.takenOver).toBe(true);
    expect(await ask(party, 'select n from visitors')).toEqual([{ n: 7 }]);
    await dropPartyDatabases(second.adminUrl);
    const left = `select rolname from pg_roles where rolcanlogin union all select datname from pg_database where not datistemplate`;
    expect(await ask(second.adminUrl, left)).toEqual([{ rolname: 'postgres' }, { rolname: 'postgres' }]);
    await second.stop();
    await first.stop();
  });

  test('that was itself killed starts again with what was committed', async () => {
    const first = await startPostgres(folder);
    await ask(first.adminUrl, 'create table visitors as select 7 as n');
    process.kill(await processOf(), 'SIGKILL');
    const second = await startPostgres(folder);
    expect(second.takenOver).toBe(false);
    expect(await ask(second.adminUrl, 'select n from visitors')).toEqual([{ n: 7 }]);
    await second.stop();
  });

  test('starts although its process id now belongs to another program', async () => {
    await (await startPostgres(folder)).stop();
    const claim = [process.pid, join(folder, 'data'), 0, 1, '', '127.0.0.1', '', 'ready'].join('\n');
    await writeFile(join(folder, 'data/postmaster.pid'), claim);
    const server = await startPostgres(folder);
    expect(server.takenOver).toBe(false);
    await server.stop();
  });

  test.runIf(process.getuid?.() === 0)(
    'of root, in a folder that only root may enter, lies elsewhere',
    async () => {
      await chmod(folder, 0o700);
      const server = await startPostgres(folder);
      const elsewhere = (await readFile(join(folder, 'IS-ELSEWHERE.txt'), 'utf8')).trim();
      expect(await ask(server.adminUrl, 'show data_directory')).toEqual([
        { data_directory: join(elsewhere, 'data') },
      ]);
      await server.stop();
      await rm(elsewhere, { recursive: true });
    },
  );
});
