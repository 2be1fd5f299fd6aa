/**
 * What a helper must never do twice, as transactions. A set is answered only while its round is open, bound to no other set, and every
 * member has budget left; without noise, only one set is ever answered on one model, since the difference of two would show who is in
 * one of them only. All of it is decided and written together, one round at a time, so a crash leaves everything or nothing, and two
 * processes cannot both take the last participation.
 */
import type { RoundConfig } from '@twinkeep/protocol';
import { sql, type Transaction } from 'kysely';
import type { HelperTables } from './schema.ts';

type Trx = Transaction<HelperTables>;

/** Why a set is not answered. */
export type SetRefusal = 'closed' | 'other-set' | 'model-answered' | 'budget-spent';

/** `ready`: the helper had bound itself to a set, and said so or was about to. */
export type ClosedRound = { closed: true; ready: boolean } | { closed: false };

/** Most rounds of this kind that one participant may be in; null: any number, since the sum carries no noise to budget. */
export function capOf({ dp, kind }: Pick<RoundConfig, 'dp' | 'kind'>): number | null {
  if (dp.mech === 'none') return null;
  return kind === 'train' ? dp.trainings : dp.evaluations;
}

export async function bindSet(
  trx: Trx,
  rcHash: string,
  scHash: string,
  members: readonly string[],
): Promise<SetRefusal | null> {
  const refusal = await findRefusal(trx, rcHash, scHash, members);
  if (refusal === null)
    await trx.updateTable('round').set({ sc_hash: scHash }).where('rc_hash', '=', rcHash).execute();
  return refusal;
}

export async function answerSet(
  trx: Trx,
  rcHash: string,
  scHash: string,
  members: readonly string[],
): Promise<SetRefusal | null> {
  const refusal = await findRefusal(trx, rcHash, scHash, members);
  if (refusal !== null) return refusal;
  await trx
    .updateTable('round')
    .set({ sc_hash: scHash, revealed: true })
    .where('rc_hash', '=', rcHash)
    .execute();
  await sql`
    INSERT INTO participation (rc_hash, participant, task_id, kind)
    SELECT rc_hash, participant, task_id, kind FROM verdict JOIN round USING (rc_hash)
    WHERE rc_hash = ${rcHash} AND header_hash = ANY(${members}) AND participant IS NOT NULL
    ON CONFLICT DO NOTHING`.execute(trx);
  return null;
}

/** A round that was never taken on is closed too: its configuration never can be taken on then. */
export async function closeRound(trx: Trx, rcHash: string, config: RoundConfig): Promise<ClosedRound> {
  const row = {
    rc_hash: rcHash,
    task_id: config.taskId,
    round: config.round,
    e: null,
    reveal_deadline: String(config.revealDeadline),
    sc_hash: null,
    revealed: false,
    closed: true,
    kind: config.kind,
    model_hash: config.modelHash,
    cap: capOf(config),
    named: false,
  };
  // Where another configuration of this task and round was taken on, this one never will be either.
  await trx
    .insertInto('round')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const kept = await lockRound(trx, rcHash);
  if (kept?.revealed === true) return { closed: false };
  await trx.updateTable('round').set({ closed: true }).where('rc_hash', '=', rcHash).execute();
  await trx.updateTable('verdict').set({ seeds: null }).where('rc_hash', '=', rcHash).execute();
  return { closed: true, ready: kept !== undefined && kept.sc_hash !== null };
}

/** Whether this participant is in as many answered rounds, other than this one, as rounds of this kind allow. */
export async function hasSpentAll(trx: Trx, rcHash: string, participant: Uint8Array): Promise<boolean> {
  const { rows } = await sql<{ spent: boolean }>`
    SELECT count(p.rc_hash) >= r.cap AS spent FROM round r
    LEFT JOIN participation p ON p.task_id = r.task_id AND p.kind = r.kind AND p.rc_hash <> r.rc_hash
      AND p.participant = ${Buffer.from(participant)}
    WHERE r.rc_hash = ${rcHash} AND r.cap IS NOT NULL GROUP BY r.cap`.execute(trx);
  return rows[0]?.spent === true;
}

async function findRefusal(
  trx: Trx,
  rcHash: string,
  scHash: string,
  members: readonly string[],
): Promise<SetRefusal | null> {
  // One decision at a time, whichever rounds they are of.
  await trx.selectFrom('helper').select('id').forUpdate().execute();
  const round = await lockRound(trx, rcHash);
  if (round === undefined || round.closed) return 'closed';
  if (round.sc_hash !== null && round.sc_hash !== scHash) return 'other-set';
  if (round.cap === null) return (await answeredOnModel(trx, rcHash)) ? 'model-answered' : null;
  return (await someoneHasSpentAll(trx, rcHash, members)) ? 'budget-spent' : null;
}

async function lockRound(
  trx: Trx,
  rcHash: string,
): Promise<Pick<HelperTables['round'], 'closed' | 'revealed' | 'sc_hash' | 'cap'> | undefined> {
  return trx
    .selectFrom('round')
    .select(['closed', 'revealed', 'sc_hash', 'cap'])
    .where('rc_hash', '=', rcHash)
    .forUpdate()
    .executeTakeFirst();
}

async function answeredOnModel(trx: Trx, rcHash: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM round other JOIN round own USING (task_id, model_hash, kind)
    WHERE own.rc_hash = ${rcHash} AND other.rc_hash <> ${rcHash} AND other.revealed LIMIT 1`.execute(trx);
  return rows.length > 0;
}

async function someoneHasSpentAll(trx: Trx, rcHash: string, members: readonly string[]): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM verdict v JOIN round r USING (rc_hash)
    JOIN participation p ON p.task_id = r.task_id AND p.kind = r.kind AND p.participant = v.participant
      AND p.rc_hash <> r.rc_hash
    WHERE v.rc_hash = ${rcHash} AND v.header_hash = ANY(${members})
    GROUP BY v.participant, r.cap HAVING count(*) >= r.cap LIMIT 1`.execute(trx);
  return rows.length > 0;
}
