import { createPartyDatabase } from '@twinkeep/demo/postgres';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a party owns its database and can make tables in it', async () => {
  const url = await createTestDatabase();
  await ask(url, 'create table visitors (name text)');
  expect(await ask(url, 'select count(*)::int as n from visitors')).toEqual([{ n: 0 }]);
});
