import { bytesToBase64Url, equalBytes, utf8ToBytes } from '@twinkeep/audit';
import { randomBytes } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { deriveVaultKeys, open, seal } from '../../../coordinator/store/seal.ts';
import { openVault, type ToSeal, type Vault } from '../../../coordinator/store/vault.ts';
import { createTestDatabase } from '../../support/postgres.ts';

const KEY = randomBytes(32);
const BROKEN = { code: 'store/seal-broken' };
const subject = (): string => bytesToBase64Url(randomBytes(16));

let db: Db;
let vault: Vault;
beforeAll(async () => {
  db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  vault = await openVault(db, KEY, randomBytes);
});
afterAll(() => db.destroy());

const sealAll = (items: readonly ToSeal[]): Promise<(Uint8Array | null)[]> =>
  db.transaction().execute((tx) => vault.sealFor(tx, items));

async function sealOne(item: ToSeal): Promise<Uint8Array> {
  const [sealed] = await sealAll([item]);
  return sealed as Uint8Array;
}

describe('sealing', () => {
  const key = randomBytes(32);

  it('binds to key, subject and context, every byte', () => {
    const sealed = seal(key, 'a', 'x:1', utf8ToBytes('withdrawn'), randomBytes);
    expect(open(key, 'a', 'x:1', sealed)).toEqual(utf8ToBytes('withdrawn'));
    expect(() => open(randomBytes(32), 'a', 'x:1', sealed)).toThrow(/not sealed for this row/);
    expect(() => open(key, 'b', 'x:1', sealed)).toThrow(/not sealed for this row/);
    expect(() => open(key, 'a', 'x:2', sealed)).toThrow(/not sealed for this row/);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] as number) ^ 1;
      expect(() => open(key, 'a', 'x:1', changed)).toThrow(/not sealed for this row/);
      expect(() => open(key, 'a', 'x:1', sealed.subarray(0, i))).toThrow(/not sealed for this row/);
    }
  });

  it('of equal bytes looks different each time', () => {
    const [one, two] = [1, 2].map(() => seal(key, 'a', 'x', new Uint8Array(1), randomBytes));
    expect(one).not.toEqual(two);
  });

  it('takes a key of 32 bytes, and uses it for each purpose apart', () => {
    expect(() => deriveVaultKeys(new Uint8Array(16))).toThrow(/vaultKey/);
    const { wrap, mark, check } = deriveVaultKeys(KEY);
    expect(new Set([wrap, mark, check, KEY].map(bytesToBase64Url)).size).toBe(4);
  });
});

describe('the vault', () => {
  it('opens in order what it sealed, of one subject and of many, in any process with the same key', async () => {
    const [a, b] = [subject(), subject()];
    const items = [a, b, a].map((who, i) => ({
      subject: who,
      context: `c:${i}`,
      bytes: utf8ToBytes(`${i}`),
    }));
    const sealed = (await sealAll(items)) as Uint8Array[];
    const other = await openVault(db, KEY, randomBytes);
    const toOpen = items.map((item, i) => ({ ...item, sealed: sealed[i] as Uint8Array }));
    expect(await other.openFor(db, toOpen)).toEqual(items.map(({ bytes }) => bytes));
    expect(await other.openFor(db, [])).toEqual([]);
    // What was sealed for one is not opened for another, nor in another place.
    const [first, second] = toOpen as [(typeof toOpen)[0], (typeof toOpen)[0]];
    await expect(vault.openFor(db, [{ ...first, sealed: second.sealed }])).rejects.toMatchObject(BROKEN);
    await expect(vault.openFor(db, [{ ...first, context: 'c:1' }])).rejects.toMatchObject(BROKEN);
    expect(
      await db.selectFrom('subject_keys').select('subject').where('subject', 'in', [a, b]).execute(),
    ).toHaveLength(2);
  });

  it('gives two transactions that meet one key', async () => {
    const who = subject();
    const sealed = await Promise.all(
      ['x', 'y', 'z'].map((context) => sealOne({ subject: who, context, bytes: utf8ToBytes(context) })),
    );
    const opened = await vault.openFor(
      db,
      ['x', 'y', 'z'].map((context, i) => ({ subject: who, context, sealed: sealed[i] as Uint8Array })),
    );
    expect(opened).toEqual(['x', 'y', 'z'].map(utf8ToBytes));
  });

  it('opens nothing of an erased subject, seals nothing more, and keeps the name of nobody', async () => {
    const [gone, kept] = [subject(), subject()];
    const item = (who: string): ToSeal => ({ subject: who, context: 'c', bytes: utf8ToBytes(who) });
    const sealed = (await sealAll([item(gone), item(kept)])) as [Uint8Array, Uint8Array];
    const read = (): Promise<(Uint8Array | null)[]> =>
      vault.openFor(db, [
        { subject: gone, context: 'c', sealed: sealed[0] },
        { subject: kept, context: 'c', sealed: sealed[1] },
      ]);
    expect(await vault.erased(db, [gone, kept])).toEqual(new Set());
    await db.transaction().execute((tx) => vault.erase(tx, gone, 5));
    await db.transaction().execute((tx) => vault.erase(tx, gone, 6));
    expect(await read()).toEqual([null, utf8ToBytes(kept)]);
    const again = await sealAll([item(gone), item(kept)]);
    expect(again[0]).toBeNull();
    expect(again[1]).not.toBeNull();
    expect(await vault.erased(db, [gone, kept])).toEqual(new Set([gone]));
    const marks = await db.selectFrom('erased_subjects').selectAll().execute();
    expect(marks).toHaveLength(1);
    expect(JSON.stringify(marks)).not.toContain(gone);
  });

  it('does not work with another key than the one that sealed', async () => {
    await expect(openVault(db, randomBytes(32), randomBytes)).rejects.toMatchObject({
      code: 'config/key-mismatch',
      message: expect.stringMatching(/vaultKeyFile/) as string,
    });
  });

  it('seals and opens five thousand rows of as many subjects in the time of a round trip or a few', async () => {
    const items = Array.from({ length: 5_000 }, (_, i) => ({
      subject: subject(),
      context: `consent:${i}`,
      bytes: randomBytes(1_500),
    }));
    const start = performance.now();
    const sealed = (await sealAll(items)) as Uint8Array[];
    const middle = performance.now();
    const opened = await vault.openFor(
      db,
      items.map((item, i) => ({ ...item, sealed: sealed[i] as Uint8Array })),
    );
    console.log(
      `vault: 5,000 rows of new subjects sealed in ${Math.round(middle - start)} ms, opened in ${Math.round(performance.now() - middle)} ms`,
    );
    const wrong = items.filter(({ bytes }, i) => !equalBytes(bytes, opened[i] as Uint8Array));
    expect(wrong).toEqual([]);
  });
});
