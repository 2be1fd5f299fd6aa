import { createLog, createSigner, createLeaf, openLog, type LogStore } from '@twinkeep/audit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createLogStore } from '../../../coordinator/store/log-store.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { logStoreContract } from '../../contracts/log-store.ts';
import { createTestDatabase } from '../../support/postgres.ts';

async function openMigrated(url: string): Promise<Db> {
  const db = openDatabase(url, (error) => {
    throw error;
  });
  await migrate(db);
  return db;
}

// A database for each test of the contract would be most of its time: the tables are emptied instead.
let url: string;
let shared: Db;
beforeAll(async () => {
  url = await createTestDatabase();
  shared = await openMigrated(url);
});
afterAll(() => shared.destroy());

async function emptyLog(): Promise<void> {
  for (const table of ['log_hashes', 'log_leaves'] as const) await shared.deleteFrom(table).execute();
  await shared.updateTable('log_head').set({ size: 0, root: null, note: null }).execute();
}

logStoreContract('PostgreSQL, each append its own transaction', async () => {
  await emptyLog();
  const opened: Db[] = [];
  return {
    open: async () => {
      const db = await openMigrated(url);
      opened.push(db);
      return createLogStore(db);
    },
    close: async () => {
      for (const db of opened) await db.destroy();
    },
  };
});

logStoreContract('PostgreSQL, bound to a transaction with the head locked', async () => {
  await emptyLog();
  return {
    open: async (): Promise<LogStore> => {
      const read = createLogStore(shared);
      return {
        ...read,
        append: (...args) =>
          shared.transaction().execute((tx) => createLogStore(tx, 'lock-head').append(...args)),
      };
    },
    close: () => Promise.resolve(),
  };
});

describe('a log in a transaction', () => {
  const signer = createSigner(new Uint8Array(32).fill(7));
  const origin = 'coordinator.test/log';
  const leafOf = (body: string): Uint8Array =>
    createLeaf({ type: 'task', at: new Date(0), body, salt: new Uint8Array(32).fill(1) }).leaf;

  it('is as durable as the transaction: a rollback takes the entry with it', async () => {
    await emptyLog();
    const failed = shared.transaction().execute(async (tx) => {
      await createLog({ store: createLogStore(tx, 'lock-head'), signer, origin }).append([leafOf('lost')]);
      throw new Error('given up');
    });
    await expect(failed).rejects.toThrow('given up');
    expect(await createLogStore(shared).head()).toBeNull();
    await expect(createLogStore(shared).leaves(0, 1)).rejects.toMatchObject({ code: 'log/missing-leaf' });
  });

  it('makes the next writer wait for the head, so that two transactions append one after the other', async () => {
    await emptyLog();
    const order: string[] = [];
    const write = (name: string, hold: Promise<void>): Promise<void> =>
      shared.transaction().execute(async (tx) => {
        await createLog({ store: createLogStore(tx, 'lock-head'), signer, origin }).append([leafOf(name)]);
        await hold;
        order.push(name);
      });
    let release = (): void => undefined;
    const first = write('first', new Promise((resolve) => (release = resolve)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = write('second', Promise.resolve());
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(order).toEqual([]);
    release();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    const log = await openLog({ store: createLogStore(shared), signer, origin });
    expect(await log.fsck()).toMatchObject({ ok: true, size: 2 });
    expect(await createLogStore(shared).leaves(0, 2)).toEqual([leafOf('first'), leafOf('second')]);
  });

  it('migrates once, however many start together', async () => {
    const fresh = await createTestDatabase();
    const started = await Promise.all([openMigrated(fresh), openMigrated(fresh), openMigrated(fresh)]);
    expect(await createLogStore(started[0]).head()).toBeNull();
    for (const db of started) await db.destroy();
  });

  it('says in the database what every column means', async () => {
    const { rows } = await sql<{ place: string; comment: string | null }>`
      select c.relname || '.' || a.attname as place, col_description(c.oid, a.attnum) as comment
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not like 'kysely%'`.execute(
      shared,
    );
    expect(rows.length).toBeGreaterThan(90);
    expect(rows.filter(({ comment }) => comment === null)).toEqual([]);
  });
});
