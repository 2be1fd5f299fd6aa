/**
 * A helper's memory. Its promises are what safety rests on: a flag is durable when its promise resolves (PostgreSQL commits with
 * fsync, asked for here by name), a flag that is set never changes, and two processes on one database see each other's. What a
 * crash leaves behind is always a flag without its answer, which may be given again, and never an answer without its flag.
 */
import type { RoundConfig } from '@twinkeep/protocol';
import { sql, type Transaction } from 'kysely';
import { RegionError } from '../errors.ts';
import { migrate, type Database } from '../process/database.ts';
import {
  answerSet,
  bindSet,
  capOf,
  closeRound,
  hasSpentAll,
  type ClosedRound,
  type SetRefusal,
} from './ledger.ts';
import {
  advanceLog,
  readLogPosition,
  refuseLog,
  setsOfRound,
  type LoggedSet,
  type LogPosition,
} from './log-position.ts';
import { HELPER_SCHEMA, type HelperTables } from './schema.ts';
import type { HelperSeal } from './seal.ts';

export interface StoredEpoch {
  e: number;
  boxKey: string;
  notBefore: number;
  notAfter: number;
}

export interface Verdict {
  headerHash: string;
  /** Null: accepted. */
  code: string | null;
  twins: number;
}

export interface NewVerdict extends Verdict {
  /** Of an accepted report: what is the same for two reports of one participant in this round. */
  subTag: Uint8Array | null;
  /** Of an accepted report, where there is a budget: what is the same for all reports of one participant in this task. */
  participant: Uint8Array | null;
  seeds: ReadonlyMap<number, Uint8Array> | null;
}

export interface HelperStore {
  /** Newest first. */
  epochs(): Promise<StoredEpoch[]>;
  /** Of two processes that make the same epoch one wins; read them again. */
  addEpoch(epoch: StoredEpoch, privateKey: Uint8Array): Promise<void>;
  /** Null where it was erased or never made here. */
  epochKey(e: number): Promise<{ boxKey: string; privateKey: Uint8Array } | null>;
  /**
   * Takes a configuration on. @returns false where another configuration of this task and round was taken on before, or the
   * round is closed
   */
  admitRound(rcHash: string, config: RoundConfig, e: number): Promise<boolean>;
  /** Notes that the coordinator names it as a round at work. @returns false where it was not taken on, or is closed */
  nameRound(rcHash: string): Promise<boolean>;
  /**
   * Keeps verdicts; one that was given before stays. A second accepted report of one participant in the round is refused here, and
   * that of one whose budget is spent.
   */
  addVerdicts(rcHash: string, verdicts: readonly NewVerdict[]): Promise<void>;
  verdicts(rcHash: string, headerHashes: readonly string[]): Promise<Map<string, Verdict>>;
  /** Durably binds the round to this set. @returns why it may not be answered, or null */
  bindSet(rcHash: string, scHash: string, members: readonly string[]): Promise<SetRefusal | null>;
  /**
   * In one durable transaction: binds the round to this set, spends one participation of every member, marks that the sums may leave. To do
   * it again spends nothing more. @returns why it may not be answered, with nothing changed; or null
   */
  answerSet(rcHash: string, scHash: string, members: readonly string[]): Promise<SetRefusal | null>;
  /** Durably closes a round that was not answered, taken on or not. */
  closeRound(rcHash: string, config: RoundConfig): Promise<ClosedRound>;
  logPosition(): Promise<LogPosition>;
  /** Moves on from `from`, with the sets found on the way. @returns false where another process was faster */
  advanceLog(from: number, to: LogPosition, sets: readonly LoggedSet[]): Promise<boolean>;
  /** Follows this log no further, for ever. */
  refuseLog(why: string, note: string): Promise<void>;
  /** Sets of a round in the log up to the position, in its order. */
  setsOfRound(rcHash: string): Promise<LoggedSet[]>;
  /** Seeds of accepted reports, by header hash; what is not there is left out. */
  seeds(rcHash: string, headerHashes: readonly string[]): Promise<Map<string, Map<number, Uint8Array>>>;
  /** Closes rounds for good and erases their seeds: those that are over by `now`, and those once named that are not in `live`. */
  closeRounds(live: readonly string[], now: number): Promise<number>;
  /** Erases box keys that are past their day and that no open round needs. */
  eraseEpochs(now: number): Promise<number>;
  close(): Promise<void>;
}

/** @throws RegionError 'store/foreign' where the database is another helper's */
export async function openHelperStore(
  db: Database<HelperTables>,
  owner: { j: number; keyId: string },
  seal: HelperSeal,
): Promise<HelperStore> {
  await migrate(db, HELPER_SCHEMA);
  await requireOwner(db, owner);
  const durable = <T>(work: (trx: Transaction<HelperTables>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (trx) => {
      await sql`SET LOCAL synchronous_commit TO on`.execute(trx);
      return work(trx);
    });

  return {
    async epochs() {
      const rows = await db.selectFrom('epoch').selectAll().orderBy('e', 'desc').execute();
      return rows.map((row) => ({
        e: row.e,
        boxKey: row.box_key,
        notBefore: Number(row.not_before),
        notAfter: Number(row.not_after),
      }));
    },
    async addEpoch({ e, boxKey, notBefore, notAfter }, privateKey) {
      const row = {
        e,
        box_key: boxKey,
        private_key: seal.sealEpochKey(e, privateKey),
        not_before: String(notBefore),
        not_after: String(notAfter),
      };
      await durable((trx) =>
        trx
          .insertInto('epoch')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
    },
    async epochKey(e) {
      const row = await db.selectFrom('epoch').selectAll().where('e', '=', e).executeTakeFirst();
      if (row === undefined || row.private_key === null) return null;
      return { boxKey: row.box_key, privateKey: seal.openEpochKey(e, row.private_key) };
    },
    admitRound: (rcHash, config, e) =>
      durable(async (trx) => {
        const row = {
          rc_hash: rcHash,
          task_id: config.taskId,
          round: config.round,
          e,
          reveal_deadline: String(config.revealDeadline),
          sc_hash: null,
          revealed: false,
          closed: false,
          kind: config.kind,
          model_hash: config.modelHash,
          cap: capOf(config),
          named: false,
        };
        await trx
          .insertInto('round')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const kept = await trx
          .selectFrom('round')
          .select('closed')
          .where('rc_hash', '=', rcHash)
          .executeTakeFirst();
        return kept?.closed === false;
      }),
    async nameRound(rcHash) {
      const { numUpdatedRows } = await db
        .updateTable('round')
        .set({ named: true })
        .where('rc_hash', '=', rcHash)
        .where('closed', '=', false)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    addVerdicts: (rcHash, verdicts) =>
      durable(async (trx) => {
        await lockOpenRound(trx, rcHash);
        for (const verdict of verdicts) await addVerdict(trx, seal, rcHash, verdict);
      }),
    async verdicts(rcHash, headerHashes) {
      const rows = await db
        .selectFrom('verdict')
        .select(['header_hash', 'code', 'twins'])
        .where('rc_hash', '=', rcHash)
        .where(sql<boolean>`header_hash = ANY(${headerHashes})`)
        .execute();
      return new Map(
        rows.map(({ header_hash, code, twins }) => [header_hash, { headerHash: header_hash, code, twins }]),
      );
    },
    bindSet: (rcHash, scHash, members) => durable((trx) => bindSet(trx, rcHash, scHash, members)),
    answerSet: (rcHash, scHash, members) => durable((trx) => answerSet(trx, rcHash, scHash, members)),
    closeRound: (rcHash, config) => durable((trx) => closeRound(trx, rcHash, config)),
    logPosition: () => readLogPosition(db),
    advanceLog: (from, to, sets) => durable((trx) => advanceLog(trx, from, to, sets)),
    refuseLog: (why, note) => durable((trx) => refuseLog(trx, why, note)),
    setsOfRound: (rcHash) => setsOfRound(db, rcHash),
    async seeds(rcHash, headerHashes) {
      const rows = await db
        .selectFrom('verdict')
        .select(['header_hash', 'seeds'])
        .where('rc_hash', '=', rcHash)
        .where(sql<boolean>`header_hash = ANY(${headerHashes})`)
        .execute();
      return new Map(
        rows.flatMap(({ header_hash, seeds }) =>
          seeds === null ? [] : [[header_hash, seal.openSeeds(rcHash, header_hash, seeds)]],
        ),
      );
    },
    closeRounds: (live, now) =>
      durable(async (trx) => {
        const closed = await trx
          .updateTable('round')
          .set({ closed: true })
          .where('closed', '=', false)
          .where(sql<boolean>`reveal_deadline < ${now} OR (named AND NOT (rc_hash = ANY(${live})))`)
          .returning('rc_hash')
          .execute();
        const hashes = closed.map(({ rc_hash }) => rc_hash);
        if (hashes.length > 0)
          await trx.updateTable('verdict').set({ seeds: null }).where('rc_hash', 'in', hashes).execute();
        return hashes.length;
      }),
    async eraseEpochs(now) {
      const { numUpdatedRows } = await db
        .updateTable('epoch')
        .set({ private_key: null })
        .where('private_key', 'is not', null)
        .where(sql<boolean>`not_after < ${now}`)
        .where(sql<boolean>`NOT EXISTS (SELECT FROM round WHERE round.e = epoch.e AND NOT round.closed)`)
        .executeTakeFirst();
      return Number(numUpdatedRows);
    },
    close: () => db.destroy(),
  };
}

/** Holds the round's row, so that no seed is added to a round while it is being closed. */
async function lockOpenRound(trx: Transaction<HelperTables>, rcHash: string): Promise<void> {
  const row = await trx
    .selectFrom('round')
    .select('closed')
    .where('rc_hash', '=', rcHash)
    .forUpdate()
    .executeTakeFirst();
  if (row?.closed !== false) throw new RegionError('helper/closed', 'the round is over');
}

async function addVerdict(
  trx: Transaction<HelperTables>,
  seal: HelperSeal,
  rcHash: string,
  { headerHash, code, twins, subTag, participant, seeds }: NewVerdict,
): Promise<void> {
  const refused = {
    rc_hash: rcHash,
    header_hash: headerHash,
    sub_tag: null,
    twins: 0,
    seeds: null,
    participant: null,
  };
  const spent = participant !== null && (await hasSpentAll(trx, rcHash, participant));
  const row =
    code === null && seeds !== null && subTag !== null && !spent
      ? {
          ...refused,
          sub_tag: Buffer.from(subTag),
          code,
          twins,
          seeds: seal.sealSeeds(rcHash, headerHash, seeds),
          participant: participant === null ? null : Buffer.from(participant),
        }
      : { ...refused, code: code ?? (spent ? 'report/budget-spent' : 'report/malformed') };
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('verdict')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 1n) return;
  // Either this report has its verdict, which stays, or another report of the same participant was accepted.
  await trx
    .insertInto('verdict')
    .values({ ...refused, code: 'report/duplicate' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function requireOwner(
  db: Database<HelperTables>,
  { j, keyId }: { j: number; keyId: string },
): Promise<void> {
  await db
    .insertInto('helper')
    .values({ id: 1, j, key_id: keyId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const owner = await db.selectFrom('helper').selectAll().executeTakeFirstOrThrow();
  if (owner.j !== j || owner.key_id !== keyId)
    throw new RegionError('store/foreign', `this database belongs to helper ${owner.j} with another key`);
}
