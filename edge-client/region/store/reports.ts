/** Reports of this node: recorded before they are sent, one per round, and one per model unless the round was abandoned. */
import {
  StoreError,
  type NewReport,
  type ReportOutcome,
  type ReportRecord,
} from '@twinkeep/edge-client/fleet';
import type { Connection } from '../process/database.ts';
import type { RegionTables } from './schema.ts';

type Conn = Connection<RegionTables>;

/** The two unique indices decide, so that two processes cannot both get through. @throws StoreError 'store/reported' */
export async function addReport(conn: Conn, report: NewReport): Promise<void> {
  const { numInsertedOrUpdatedRows } = await conn
    .insertInto('report')
    .values({
      rc_hash: report.rcHash,
      task_id: report.taskId,
      round: report.round,
      kind: report.kind,
      model_hash: report.modelHash,
      header_hash: report.headerHash,
      outcome: 'pending',
      bytes: Buffer.from(report.bytes),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n)
    throw new StoreError('store/reported', 'this round or this model was reported on before');
}

export async function readReports(conn: Conn, taskId: string): Promise<ReportRecord[]> {
  const rows = await conn
    .selectFrom('report')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('round', 'desc')
    .execute();
  return rows.map((row) => ({
    taskId: row.task_id,
    round: row.round,
    kind: row.kind,
    rcHash: row.rc_hash,
    modelHash: row.model_hash,
    headerHash: row.header_hash,
    outcome: row.outcome,
    bytes: row.bytes === null ? null : new Uint8Array(row.bytes),
  }));
}

export async function settleReport(
  conn: Conn,
  rcHash: string,
  outcome: Exclude<ReportOutcome, 'pending'>,
): Promise<void> {
  await conn.updateTable('report').set({ outcome, bytes: null }).where('rc_hash', '=', rcHash).execute();
}
