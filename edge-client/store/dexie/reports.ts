/**
 * Reports of this store. What must be unique is a unique index over a tag, so that of two tabs that report at the same time the
 * database itself refuses one.
 */
import { StoreError } from '../errors.ts';
import type { NewReport, ReportOutcome, ReportRecord } from '../port.ts';
import type { Cipher, Place } from './cipher.ts';
import type { ReportRow } from './schema.ts';
import { bytesToJson, jsonToBytes, type StoreContext } from './twins.ts';

type ReportFacts = Omit<ReportRecord, 'bytes'>;

export async function addReport({ db, keys }: StoreContext, report: NewReport): Promise<void> {
  const { bytes, ...facts } = report;
  const { cipher } = keys;
  const row = await sealReport(cipher, { ...facts, outcome: 'pending' });
  const sent = { ...row, bytes: await cipher.seal(placeOfBytes(row.id), bytes) };
  try {
    await db.report.add(sent);
  } catch (cause) {
    if (!(cause instanceof Error && cause.name === 'ConstraintError')) throw cause;
    throw new StoreError('store/reported', 'this round or this model was reported on before', { cause });
  }
}

export async function readReports({ db, keys }: StoreContext, taskId: string): Promise<ReportRecord[]> {
  const { cipher } = keys;
  const rows = await db.report
    .where('task')
    .equals(await cipher.tag('task', taskId))
    .toArray();
  const reports = await Promise.all(
    rows.map(async (row) => ({
      ...bytesToJson<ReportFacts>(await cipher.open(placeOfFacts(row.id), row.sealed)),
      bytes: row.bytes === undefined ? null : await cipher.open(placeOfBytes(row.id), row.bytes),
    })),
  );
  return reports.sort((a, b) => b.round - a.round);
}

export async function settleReport(
  { db, keys }: StoreContext,
  rcHash: string,
  outcome: Exclude<ReportOutcome, 'pending'>,
): Promise<void> {
  const { cipher } = keys;
  const id = await cipher.tag('report', rcHash);
  const row = await db.report.get(id);
  if (row === undefined) return;
  const facts = bytesToJson<ReportFacts>(await cipher.open(placeOfFacts(id), row.sealed));
  const settled = await sealReport(cipher, { ...facts, outcome });
  await db.transaction('rw', db.report, async () => {
    if ((await db.report.get(id)) !== undefined) await db.report.put(settled);
  });
}

async function sealReport(cipher: Cipher, facts: ReportFacts): Promise<ReportRow> {
  const { taskId, round, modelHash, kind, rcHash, outcome } = facts;
  const id = await cipher.tag('report', rcHash);
  const row: ReportRow = {
    id,
    task: await cipher.tag('task', taskId),
    round: await cipher.tag('round', taskId, round),
    sealed: await cipher.seal(placeOfFacts(id), jsonToBytes(facts)),
  };
  const free = outcome === 'released' || outcome === 'counted';
  return free ? row : { ...row, model: await cipher.tag('model', taskId, modelHash, kind) };
}

function placeOfFacts(row: string): Place {
  return { table: 'report', twin: '', row };
}

function placeOfBytes(row: string): Place {
  return { table: 'report bytes', twin: '', row };
}
