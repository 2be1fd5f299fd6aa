/** Reports, their boxes and their members: everything that a device sent. Scrubbed by `scrubRound` when the round ends. */
import type { DecodedReport } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { CopiedRow } from './copy.ts';
import type { Db, Disposition, Tx } from './schema.ts';

export function findReport(
  tx: Tx,
  rcHash: string,
  sub: string,
): Promise<{ header_hash: string; message_hash: string } | undefined> {
  return tx
    .selectFrom('reports')
    .select(['header_hash', 'message_hash'])
    .where('rc_hash', '=', rcHash)
    .where('sub', '=', sub)
    .executeTakeFirst();
}

export interface NewReport {
  rcHash: string;
  headerHash: string;
  place: number;
  sub: string;
  jkt: string;
  messageHash: string;
  receivedAt: number;
  decoded: DecodedReport;
}

/**
 * In one statement, since every device waits for it.
 * @returns false where a twin is in another report of the round; the caller then gives the transaction up
 */
export async function insertReport(tx: Tx, report: NewReport): Promise<boolean> {
  const { rcHash, headerHash, decoded } = report;
  const { rows } = await sql<{ members: number }>`with
    boxes as (
      insert into report_boxes (rc_hash, header_hash, j, box)
      select ${rcHash}, ${headerHash}, j, box
      from unnest(${decoded.boxes}::bytea[]) with ordinality as given (box, j)),
    members as (
      insert into report_members (rc_hash, subject, header_hash, place, salt)
      select ${rcHash}, subject, ${headerHash}, place - 1, salt
      from unnest(${decoded.members}::text[], ${decoded.memberSalts}::bytea[]) with ordinality as given (subject, salt, place)
      on conflict do nothing returning 1),
    report as (
      insert into reports (rc_hash, header_hash, place, sub, jkt, twins, message_hash, disposition, received_at,
        header, signature, vector)
      values (${rcHash}, ${headerHash}, ${report.place}, ${report.sub}, ${report.jkt}, ${decoded.header.twins},
        ${report.messageHash}, 'received', ${report.receivedAt},
        ${decoded.headerBytes}, ${decoded.signature}, ${decoded.vectorBytes}))
    select count(*) as members from members`.execute(tx);
  return rows[0]?.members === decoded.members.length;
}

export interface StoredCandidate {
  headerHash: string;
  twins: number;
  sub: string;
  jkt: string;
  header: Uint8Array;
  signature: Uint8Array;
  /** In the order of the report. */
  members: string[];
  salts: Uint8Array[];
}

/** Every report of the round in order of arrival, with whose twins are in it. */
export async function readCandidates(tx: Tx, rcHash: string): Promise<StoredCandidate[]> {
  const { rows } = await sql<{
    header_hash: string;
    twins: number;
    sub: string;
    jkt: string;
    header: Uint8Array;
    signature: Uint8Array;
    members: string;
    salts: Uint8Array;
  }>`
    select r.header_hash, r.twins, r.sub, r.jkt, r.header, r.signature, m.members, m.salts
    from reports r join (
      select header_hash, string_agg(subject, ' ' order by place) as members,
        string_agg(salt, ''::bytea order by place) as salts
      from report_members where rc_hash = ${rcHash} group by header_hash) m using (header_hash)
    where r.rc_hash = ${rcHash} order by r.place`.execute(tx);
  return rows.map(({ header_hash, members, salts, ...row }) => {
    const subjects = members.split(' ');
    const each = salts.length / subjects.length;
    return {
      ...row,
      headerHash: header_hash,
      members: subjects,
      salts: subjects.map((_, i) => salts.slice(i * each, (i + 1) * each)),
    };
  });
}

export async function setDispositions(
  tx: Tx,
  rcHash: string,
  given: readonly { headerHash: string; disposition: Disposition }[],
): Promise<void> {
  await sql`update reports set disposition = given.disposition
    from unnest(${given.map(({ headerHash }) => headerHash)}::text[], ${given.map(({ disposition }) => disposition)}::text[])
      as given (header_hash, disposition)
    where reports.rc_hash = ${rcHash} and reports.header_hash = given.header_hash`.execute(tx);
}

/** Header hashes of the set, in no order. */
export async function readSet(db: Db, rcHash: string): Promise<string[]> {
  const rows = await db
    .selectFrom('reports')
    .select('header_hash')
    .where('rc_hash', '=', rcHash)
    .where('disposition', '=', 'in-set')
    .execute();
  return rows.map(({ header_hash }) => header_hash);
}

/**
 * Masked vectors of the set, packed, at most `batch` at a time, so that memory holds a batch and not a round. Each batch is a statement
 * of its own, and so within the time that one may take.
 */
export async function* readVectors(tx: Tx, rcHash: string, batch: number): AsyncGenerator<Uint8Array[]> {
  const { places } = await tx
    .selectFrom('reports')
    .select(({ fn }) => fn.coalesce(fn.max('place'), sql<number>`0`).as('places'))
    .where('rc_hash', '=', rcHash)
    .executeTakeFirstOrThrow();
  for (let after = 0; after < places; after += batch) {
    const rows = tx
      .selectFrom('reports')
      .select('vector as bytes')
      .where('rc_hash', '=', rcHash)
      .where('disposition', '=', 'in-set')
      .where('place', '>', after)
      .where('place', '<=', after + batch)
      .where('vector', 'is not', null)
      .$castTo<CopiedRow>()
      .stream(batch);
    const vectors: Uint8Array[] = [];
    for await (const { bytes } of rows) vectors.push(bytes);
    yield vectors;
  }
}

/** What helper j has not judged, oldest first. */
export async function readUnjudged(
  db: Db,
  rcHash: string,
  j: number,
  limit: number,
): Promise<{ header: Uint8Array; signature: Uint8Array; box: Uint8Array }[]> {
  const { rows } = await sql<{ header: Uint8Array; signature: Uint8Array; box: Uint8Array }>`
    select r.header, r.signature, b.box
    from reports r join report_boxes b on b.rc_hash = r.rc_hash and b.header_hash = r.header_hash and b.j = ${j}
    where r.rc_hash = ${rcHash} and r.header is not null and not exists (
      select from verdicts v where v.rc_hash = r.rc_hash and v.j = ${j} and v.header_hash = r.header_hash)
    order by r.place limit ${limit}`.execute(db);
  return rows;
}

/**
 * Deletes what was sent and said in an ended round. What stays names who took part and what became of the report: pseudonym, key,
 * number of twins, hashes.
 */
export async function scrubRound(tx: Tx, rcHash: string): Promise<void> {
  await sql`with
    boxes as (delete from report_boxes where rc_hash = ${rcHash}),
    members as (delete from report_members where rc_hash = ${rcHash}),
    said as (delete from verdicts where rc_hash = ${rcHash}),
    ready as (delete from readies where rc_hash = ${rcHash}),
    sums as (delete from mask_sums where rc_hash = ${rcHash})
    update reports set header = null, signature = null, vector = null where rc_hash = ${rcHash}`.execute(tx);
}
