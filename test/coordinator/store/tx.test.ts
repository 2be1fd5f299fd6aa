import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import { raiseRevisions, readRevisions } from '../../../coordinator/store/revisions.ts';
import type { Db, Tx } from '../../../coordinator/store/schema.ts';
import { createRunTx } from '../../../coordinator/store/tx.ts';
import { createTestDatabase } from '../../support/postgres.ts';

let db: Db;
beforeAll(async () => {
  db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  await db.transaction().execute((tx) => raiseRevisions(tx, ['a', 'b']));
});
afterAll(() => db.destroy());

const raise = async (tx: Tx, topic: string): Promise<void> => raiseRevisions(tx, [topic]);

describe('a named transaction', () => {
  it('is tried again after a deadlock, and its effects are there once', async () => {
    const retried: string[] = [];
    const runTx = createRunTx({ db, onRetry: (name, code) => retried.push(`${name} ${code}`) });
    const before = await readRevisions(db, ['a', 'b']);
    let waiting = 0;
    let meet = (): void => undefined;
    const both = new Promise<void>((resolve) => (meet = resolve));
    const crossed = (first: string, second: string): Promise<void> =>
      runTx(`${first} then ${second}`, async (tx) => {
        await raise(tx, first);
        if (++waiting >= 2) meet();
        await both;
        await raise(tx, second);
      });
    await Promise.all([crossed('a', 'b'), crossed('b', 'a')]);
    expect(retried).toEqual([expect.stringMatching(/^[ab] then [ab] 40P01$/)]);
    const after = await readRevisions(db, ['a', 'b']);
    for (const topic of ['a', 'b']) expect(after.get(topic)).toBe((before.get(topic) as number) + 2);
  });

  it('is not tried again for anything else, and leaves nothing behind', async () => {
    const runTx = createRunTx({ db, onRetry: () => expect.unreachable() });
    const before = await readRevisions(db, ['a']);
    const failed = runTx('fails', async (tx) => {
      await raise(tx, 'a');
      throw new Error('for good');
    });
    await expect(failed).rejects.toThrow('for good');
    expect(await readRevisions(db, ['a'])).toEqual(before);
  });

  it('is given up where it fails again and again', async () => {
    let attempts = 0;
    const runTx = createRunTx({ db, onRetry: () => attempts++ });
    const failed = runTx('never', () => Promise.reject(Object.assign(new Error('again'), { code: '40001' })));
    await expect(failed).rejects.toThrow('again');
    expect(attempts).toBe(5);
  });
});
