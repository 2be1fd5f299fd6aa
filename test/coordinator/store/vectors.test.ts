/** Vectors as they come out of PostgreSQL: the bytes that went in, a batch at a time. */
import { bytesToBase64Url } from '@twinkeep/audit';
import { randomBytes } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopiedRow } from '../../../coordinator/store/copy.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import { readVectors } from '../../../coordinator/store/reports.ts';
import type { Db, Disposition, Tx } from '../../../coordinator/store/schema.ts';
import { createTestDatabase } from '../../support/postgres.ts';

let db: Db;
beforeAll(async () => {
  db = openDatabase(await createTestDatabase(), (error) => {
    throw error;
  });
  await migrate(db);
  // Which round the reports are of does not matter here.
  await sql`alter table reports drop constraint reports_rc_hash_fkey`.execute(db);
});
afterAll(() => db.destroy());

const inTx = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work);

async function store(
  rcHash: string,
  place: number,
  vector: Uint8Array | null,
  disposition: Disposition = 'in-set',
): Promise<void> {
  const name = bytesToBase64Url(randomBytes(32));
  await sql`insert into reports (rc_hash, header_hash, place, sub, jkt, twins, message_hash, disposition, received_at, vector)
    values (${rcHash}, ${name}, ${place}, ${name}, ${name}, 1, ${name}, ${disposition}, 0, ${vector})`.execute(
    db,
  );
}

async function batchesOf(rcHash: string, batch: number): Promise<Uint8Array[][]> {
  return inTx(async (tx) => {
    const batches: Uint8Array[][] = [];
    for await (const vectors of readVectors(tx, rcHash, batch)) batches.push(vectors);
    return batches;
  });
}

const sorted = (vectors: readonly Uint8Array[]): string[] => vectors.map((v) => bytesToBase64Url(v)).sort();

describe('vectors of a set', () => {
  it('come back as they were stored, whatever their bytes and length, in batches of no more than asked for', async () => {
    const given = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(1),
      new Uint8Array(),
      new Uint8Array(70_000).fill(255),
      randomBytes(3_000_001),
      randomBytes(65_536),
      randomBytes(19),
    ];
    for (const [i, vector] of given.entries()) await store('a', i + 1, vector);
    for (const batch of [1, 2, 3, 7, 100]) {
      const batches = await batchesOf('a', batch);
      expect(sorted(batches.flat())).toEqual(sorted(given));
      expect(Math.max(...batches.map((vectors) => vectors.length))).toBeLessThanOrEqual(batch);
      expect(batches.flat().every((vector) => vector.byteOffset % 4 === 0)).toBe(true);
    }
  });

  it('are those of the round and of the set, and nothing that was scrubbed', async () => {
    const [one, two] = [randomBytes(100), randomBytes(100)];
    await store("b'; drop table reports; --", 1, one);
    await store('c', 1, randomBytes(100), 'helper-refused');
    await store('c', 2, two);
    await store('c', 3, randomBytes(100), 'received');
    await store('c', 4, null);
    expect((await batchesOf('c', 2)).flat()).toEqual([two]);
    expect((await batchesOf("b'; drop table reports; --", 10)).flat()).toEqual([one]);
    expect(await batchesOf('d', 10)).toEqual([]);
  });

  it('own their memory: one that was read is not written over by the next', async () => {
    const given = Array.from({ length: 40 }, (_, i) => new Uint8Array(50_000).fill(i + 1));
    for (const [i, vector] of given.entries()) await store('e', i + 1, vector);
    const seen = (await batchesOf('e', 40)).flat();
    expect(new Set(seen.map(({ buffer }) => buffer)).size).toBe(40);
    expect(sorted(seen)).toEqual(sorted(given));
  });
});

describe('a copied query', () => {
  it('that fails, fails where it is read, and the connection goes on', async () => {
    await db.connection().execute(async (connection) => {
      const copy = (value: string): AsyncIterable<CopiedRow> =>
        connection
          .selectFrom('reports')
          .select(sql<Uint8Array>`convert_to(${value}::int::text, 'UTF8')`.as('bytes'))
          .limit(1)
          .stream(10);
      await expect(collect(copy('one'))).rejects.toMatchObject({ code: '22P02' });
      expect(Buffer.from((await collect(copy('41')))[0]!.bytes).toString()).toBe('41');
    });
  });

  it('that is left in the middle leaves the connection fit for others', async () => {
    for (let place = 1; place <= 9; place++) await store('f', place, randomBytes(200_000));
    const seen = await inTx(async (tx) => {
      for await (const vectors of readVectors(tx, 'f', 4)) {
        const { rows } = await sql<{
          n: number;
        }>`select count(*) as n from reports where rc_hash = 'f'`.execute(tx);
        return { vectors: vectors.length, rows: rows[0]?.n };
      }
      return null;
    });
    expect(seen).toEqual({ vectors: 4, rows: 9 });
  });

  it('has one column without nulls, and parameters that it can spell', async () => {
    const two = db.selectFrom('reports').select(['vector as bytes', 'header']).where('rc_hash', '=', 'f');
    await expect(collect(two.$castTo<CopiedRow>().stream(10))).rejects.toThrowError(RangeError);
    const none = db.selectFrom('reports').select('header as bytes').where('rc_hash', '=', 'f');
    await expect(collect(none.$castTo<CopiedRow>().stream(10))).rejects.toThrowError(RangeError);
    const odd = db.selectFrom('reports').select('vector as bytes').where('vector', '=', Uint8Array.of(1));
    await expect(collect(odd.$castTo<CopiedRow>().stream(10))).rejects.toThrowError(TypeError);
    expect(
      await collect(db.selectFrom('reports').select('vector as bytes').where('rc_hash', '=', 'f').stream(10)),
    ).toHaveLength(9);
  });
});

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
