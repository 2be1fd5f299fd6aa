/** The region node's store: the port of the edge client over PostgreSQL, and what only a keeper of many twins needs. */
import {
  StoreError,
  type AdmittedEvent,
  type ConsentEntry,
  type SignedConsentEntry,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import { sql } from 'kysely';
import { RegionError } from '../errors.ts';
import { migrate, type Database } from '../process/database.ts';
import { createNodeSecret, createWrappedKey, unwrapKey, type NodeSecret } from './cipher.ts';
import { createKeyRing } from './keys.ts';
import { addReceipts, pendingConsents } from './outbox.ts';
import { createTwinReader, readChains } from './read.ts';
import { addReport, readReports, settleReport } from './reports.ts';
import { planWithdrawals, takeDueWithdrawals } from './planned.ts';
import { createRoleStore, type DrawRoles } from './roles.ts';
import { REGION_SCHEMA, type RegionTables } from './schema.ts';
import {
  addTwins,
  appendConsents,
  forgetEvents,
  recordEvents,
  refoldEvents,
  type Refold,
  type WriteContext,
} from './write.ts';

export interface RegionStore extends TwinStore {
  /** The pseudonym that this node gives to a customer of its records; the same again for the same number. */
  subjectOf(customer: string): string;
  /** All changes of `work` together, or none. */
  transaction<T>(work: (session: ImportSession) => Promise<T>): Promise<T>;
  /** As `drawRoles`, for a draw that may depend on the twin: demos draw from a seed. */
  drawRolesBy: DrawRoles;
  /** As `refoldEvents`, for many twins; those that are gone meanwhile are left out. */
  refoldTwins(twins: readonly Refold[]): Promise<void>;
  /** Deletes all events and features of a twin, and keeps its consents. */
  forgetEvents(subject: string): Promise<void>;
  /** Demos only: twins whose planned withdrawal is due at this share of the rounds; they are due once. */
  takeDueWithdrawals(share: number): Promise<string[]>;
  /** How much is kept; nothing about anybody. */
  counts(): Promise<{ twins: number; events: number; consents: number; undelivered: number }>;
  close(): Promise<void>;
}

/** Many twins at once, within one transaction. */
export interface ImportSession {
  /** Chains of those subjects that have a twin; the twins are locked. */
  lockChains(subjects: readonly string[]): Promise<Map<string, ConsentEntry[]>>;
  addTwins(twins: readonly { subject: string; bindings: readonly string[] }[]): Promise<void>;
  appendConsents(
    twins: readonly { subject: string; after: number; consents: readonly SignedConsentEntry[] }[],
  ): Promise<void>;
  /** Features of twins with fresh events are dropped, to be folded when a task asks for them. @returns how many were fresh */
  recordEvents(twins: readonly { subject: string; events: readonly AdmittedEvent[] }[]): Promise<number>;
  planWithdrawals(plans: readonly { subject: string; share: number }[]): Promise<void>;
}

/**
 * @param wrappingKey 32 bytes, from a file of the operator's
 * @throws RegionError 'store/foreign' where the database was made under another wrapping key
 */
export async function openRegionStore(
  db: Database<RegionTables>,
  wrappingKey: Uint8Array,
): Promise<RegionStore> {
  await migrate(db, REGION_SCHEMA);
  const secret = await openNodeSecret(db, wrappingKey);
  const context: WriteContext = { keys: createKeyRing(wrappingKey), secret };
  const drawRoles = createRoleStore(db, context);
  return { ...createPort(db, context, drawRoles), ...createExtras(db, context), drawRolesBy: drawRoles };
}

function createPort(db: Database<RegionTables>, context: WriteContext, drawRoles: DrawRoles): TwinStore {
  const { keys, secret } = context;
  const read = createTwinReader(keys);
  return {
    addTwin: (subject, bindings) =>
      db.transaction().execute((trx) => addTwins(trx, context, [{ subject, bindings }])),
    async findTwin(binding) {
      const row = await db
        .selectFrom('binding')
        .innerJoin('twin_key', 'twin_key.subject', 'binding.subject')
        .select('binding.subject')
        .where('tag', '=', secret.bindingTag(binding))
        .executeTakeFirst();
      return row?.subject ?? null;
    },
    async listTwins(after, limit) {
      const rows = await db
        .selectFrom('twin_key')
        .select('subject')
        .where('subject', '>', after ?? '')
        .orderBy('subject')
        .limit(limit)
        .execute();
      return rows.map(({ subject }) => subject);
    },
    readTwins: (subjects) => read(db, subjects),
    deleteTwin: async (subject) => {
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('twin').where('subject', '=', subject).execute();
      });
    },
    recordEvents: (subject, events, fold) =>
      db.transaction().execute((trx) => recordEvents(trx, context, [{ subject, events }], fold)),
    refoldEvents: (subject, forget, fold) =>
      db.transaction().execute((trx) => refoldEvents(trx, context, [{ subject, forget, fold }])),
    async expireEvents(day) {
      const { numDeletedRows } = await db.deleteFrom('event').where('last_day', '<', day).executeTakeFirst();
      return Number(numDeletedRows);
    },
    appendConsents: (subject, after, consents) =>
      db.transaction().execute((trx) => appendConsents(trx, context, [{ subject, after, consents }])),
    pendingConsents: (limit) => pendingConsents(db, context, limit),
    addReceipts: (receipts) => db.transaction().execute((trx) => addReceipts(trx, context, receipts)),
    drawRoles: (taskId, subjects, draw) => drawRoles(taskId, subjects, () => draw()),
    async readCheckpoint() {
      const { checkpoint } = await db.selectFrom('node').select('checkpoint').executeTakeFirstOrThrow();
      return checkpoint;
    },
    async saveCheckpoint(previous, next) {
      const { numUpdatedRows } = await db
        .updateTable('node')
        .set({ checkpoint: next })
        .where(sql<boolean>`checkpoint IS NOT DISTINCT FROM ${previous}`)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n)
        throw new StoreError('store/conflict', 'another checkpoint was kept meanwhile');
    },
    addReport: (report) => addReport(db, report),
    readReports: (taskId) => readReports(db, taskId),
    settleReport: (rcHash, outcome) => settleReport(db, rcHash, outcome),
  };
}

function createExtras(
  db: Database<RegionTables>,
  context: WriteContext,
): Omit<RegionStore, keyof TwinStore | 'drawRolesBy'> {
  const { keys, secret } = context;
  return {
    subjectOf: secret.subjectOf,
    transaction: (work) =>
      db.transaction().execute((trx) =>
        work({
          async lockChains(subjects) {
            const found = await keys.find(trx, subjects, true);
            const chains = await readChains(trx, found, [...found.keys()]);
            return new Map([...found.keys()].map((subject) => [subject, chains.get(subject) ?? []]));
          },
          addTwins: (twins) => addTwins(trx, context, twins),
          appendConsents: (twins) => appendConsents(trx, context, twins),
          recordEvents: (twins) => recordEvents(trx, context, twins, null),
          planWithdrawals: (plans) => planWithdrawals(trx, context, plans),
        }),
      ),
    refoldTwins: (twins) =>
      db.transaction().execute(async (trx) => {
        const found = await keys.find(
          trx,
          twins.map(({ subject }) => subject),
          true,
        );
        await refoldEvents(
          trx,
          context,
          twins.filter(({ subject }) => found.has(subject)),
        );
      }),
    forgetEvents: (subject) => db.transaction().execute((trx) => forgetEvents(trx, [subject])),
    takeDueWithdrawals: (share) => db.transaction().execute((trx) => takeDueWithdrawals(trx, context, share)),
    async counts() {
      const { rows } = await sql<{ twins: number; events: number; consents: number; undelivered: number }>`
        SELECT (SELECT count(*)::int FROM twin_key) AS twins, (SELECT count(*)::int FROM event) AS events,
          count(*)::int AS consents, count(*) FILTER (WHERE receipt IS NULL)::int AS undelivered FROM consent`.execute(
        db,
      );
      return rows[0]!;
    },
    close: () => db.destroy(),
  };
}

async function openNodeSecret(db: Database<RegionTables>, wrappingKey: Uint8Array): Promise<NodeSecret> {
  const { wrapped } = createWrappedKey(wrappingKey, 'node');
  await db
    .insertInto('node')
    .values({ id: 1, secret: wrapped, checkpoint: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { secret } = await db.selectFrom('node').select('secret').executeTakeFirstOrThrow();
  try {
    return createNodeSecret(unwrapKey(secret, wrappingKey, 'node'));
  } catch (cause) {
    throw new RegionError('store/foreign', 'this database was made under another wrapping key', { cause });
  }
}
