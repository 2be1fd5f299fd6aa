/** What helpers said in a round. Scrubbed by `scrubRound` when the round ends. */
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';

export interface Verdict {
  headerHash: string;
  /** Null: accepted. */
  refusal: string | null;
}

/** What helper j said before of these reports, and which of them are in the round at all. */
export async function readVerdicts(
  tx: Tx,
  rcHash: string,
  j: number,
  headerHashes: readonly string[],
): Promise<Map<string, { judged: boolean; refusal: string | null }>> {
  const { rows } = await sql<{ header_hash: string; judged: boolean; refusal: string | null }>`
    select r.header_hash, v.j is not null as judged, v.refusal
    from reports r left join verdicts v on v.rc_hash = r.rc_hash and v.header_hash = r.header_hash and v.j = ${j}
    where r.rc_hash = ${rcHash} and r.header_hash = any(${headerHashes}::text[])`.execute(tx);
  return new Map(rows.map(({ header_hash, judged, refusal }) => [header_hash, { judged, refusal }]));
}

export async function insertVerdicts(
  tx: Tx,
  rcHash: string,
  j: number,
  verdicts: readonly Verdict[],
): Promise<void> {
  await sql`insert into verdicts (rc_hash, j, header_hash, refusal)
    select ${rcHash}, ${j}, * from unnest(${verdicts.map(({ headerHash }) => headerHash)}::text[],
      ${verdicts.map(({ refusal }) => refusal)}::text[])`.execute(tx);
}

/** Reports that one of these helpers refused. */
export async function readRefused(tx: Tx, rcHash: string, helpers: readonly number[]): Promise<Set<string>> {
  const rows = await tx
    .selectFrom('verdicts')
    .select('header_hash')
    .distinct()
    .where('rc_hash', '=', rcHash)
    .where('j', 'in', helpers)
    .where('refusal', 'is not', null)
    .execute();
  return new Set(rows.map(({ header_hash }) => header_hash));
}

export async function insertReady(tx: Tx, rcHash: string, j: number, statement: string): Promise<void> {
  await tx.insertInto('readies').values({ rc_hash: rcHash, j, statement }).execute();
}

export async function readReadies(db: Db, rcHash: string): Promise<string[]> {
  const rows = await db
    .selectFrom('readies')
    .select('statement')
    .where('rc_hash', '=', rcHash)
    .orderBy('j')
    .execute();
  return rows.map(({ statement }) => statement);
}

/** Sums that another helper sent before are not stored again. */
export async function insertSums(
  tx: Tx,
  rcHash: string,
  sums: readonly { set: number; hash: string; words: Uint8Array }[],
): Promise<void> {
  await tx
    .insertInto('mask_sums')
    .values(sums.map(({ set, hash, words }) => ({ rc_hash: rcHash, set_index: set, hash, words })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** @param hashes by set index */
export async function readSums(tx: Tx, rcHash: string, hashes: readonly string[]): Promise<Uint8Array[]> {
  const { rows } = await sql<{ words: Uint8Array }>`
    select m.words from unnest(${hashes}::text[]) with ordinality as asked (hash, place)
    join mask_sums m on m.rc_hash = ${rcHash} and m.set_index = asked.place - 1 and m.hash = asked.hash
    order by asked.place`.execute(tx);
  return rows.map(({ words }) => words);
}
