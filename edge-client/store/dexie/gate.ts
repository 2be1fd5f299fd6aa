/**
 * G0 once more, below every query: no event of a category that its twin's subject does not allow to be collected is written or
 * returned, whatever code asks for it. `admit.ts` keeps such events out; this keeps them out where that was forgotten, or where
 * consent was withdrawn, or ran out, between the question and the write.
 *
 * Where the category of a sealed row is known: every event row carries a tag that only the holder of its twin's key can make or
 * read (see cipher.ts), different for every row, and authenticated with the sealed event.
 *
 * How the gate knows what is allowed: `know` gives it a reading of a twin's chain of consents, and the tag of that chain.
 * Each use of the events looks up, in its own transaction, which chain is in force; that transaction cannot overlap with one that
 * adds a consent, so another tab's withdrawal counts from the moment it is stored, message or not. A reading of another chain
 * than the one in force is refused with `StaleError`, and so is a twin that nobody has read yet: the gate never guesses.
 *
 * What it cannot stop: a script of this origin that opens the database itself and deletes rows, or reads ciphertext.
 */
import type { DBCore, DBCoreKeyRange, DBCoreTable, DBCoreTransaction, Middleware } from 'dexie';
import type { Category } from '@twinkeep/consent';
import { StoreError } from '../errors.ts';
import type { CategoryTags } from './cipher.ts';
import { StaleError } from './failure.ts';
import type { EventRow, TwinRow } from './schema.ts';

export interface ConsentGate {
  middleware: Middleware<DBCore>;
  know(twin: string, reading: GateReading): void;
  forget(twin: string): void;
  /** Deletes a twin's events but those of the categories in `keep`, hidden ones included. @returns how many */
  purge(trans: DBCoreTransaction, twin: string, keep: ReadonlySet<Category>): PromiseLike<number>;
  /** Deletes all events whose last day is before `day`, hidden ones included. @returns how many */
  expire(trans: DBCoreTransaction, day: number): PromiseLike<number>;
}

export interface GateReading {
  /** Tag of the chain that was read, see `TwinRow`. */
  consents: string;
  categories: CategoryTags;
  /** Categories that may be kept at this time, milliseconds since 1970. */
  allowed: (now: number) => ReadonlySet<Category>;
}

const GATED = 'event';
const TWINS = 'twin';

/** Below Dexie's own middleware, whose levels start at -1. */
const LEVEL = -10;

/** `DBCoreRangeType` in numbers, because a const enum cannot be imported one file at a time. */
const RANGE = 2;
const ANY = 3;

export function createConsentGate(clock: () => number): ConsentGate {
  const readings = new Map<string, GateReading>();
  let below: DBCore | null = null;

  const eventsBelow = (): DBCoreTable => {
    if (below === null) throw new StoreError('store/closed', 'the store was never open');
    return below.table(GATED);
  };
  const deleteRows = (trans: DBCoreTransaction, rows: readonly EventRow[]): PromiseLike<number> =>
    eventsBelow()
      .mutate({ trans, type: 'delete', keys: rows.map(({ twin, id }) => [twin, id]) })
      .then(({ numFailures }) => rows.length - numFailures);

  return {
    middleware: {
      stack: 'dbcore',
      name: 'consent',
      level: LEVEL,
      create(down) {
        below = down;
        return {
          // A question about events is one about consents too.
          transaction: (stores, mode, options) =>
            down.transaction(
              stores.includes(GATED) ? [...new Set([...stores, TWINS])] : stores,
              mode,
              options,
            ),
          table: (name) => {
            const table = down.table(name);
            return name === GATED
              ? gateTable(table, (trans) => judge(down, trans, readings, clock()))
              : table;
          },
        };
      },
    },
    know: (twin, reading) => void readings.set(twin, reading),
    forget: (twin) => void readings.delete(twin),
    purge(trans, twin, keep) {
      const { primaryKey } = eventsBelow().schema;
      const range = rangeOf([twin], [twin, []]);
      return eventsBelow()
        .query({ trans, values: true, query: { index: primaryKey, range } })
        .then(({ result }) => {
          const categories = readings.get(twin)?.categories;
          const kept = (row: EventRow): boolean => categories?.isAmong(row.id, row.category, keep) ?? false;
          return deleteRows(
            trans,
            (result as EventRow[]).filter((row) => !kept(row)),
          );
        });
    },
    expire(trans, day) {
      const index = eventsBelow().schema.getIndexByKeyPath('day');
      if (index === undefined) throw new StoreError('store/corrupt', 'a table has lost an index');
      const range = { ...rangeOf(-Infinity, day), upperOpen: true };
      return eventsBelow()
        .query({ trans, values: true, query: { index, range } })
        .then(({ result }) => deleteRows(trans, result as EventRow[]));
    },
  };
}

/** Whether a row passes. @throws StaleError for a twin whose chain in force is not the one that was read */
type Verdict = (row: EventRow) => boolean;

function judge(
  down: DBCore,
  trans: DBCoreTransaction,
  readings: ReadonlyMap<string, GateReading>,
  now: number,
): Promise<Verdict> {
  const twins = down.table(TWINS);
  const query = { index: twins.schema.primaryKey, range: { type: ANY, lower: undefined, upper: undefined } };
  return twins.query({ trans, values: true, query }).then(({ result }) => {
    const inForce = new Map((result as TwinRow[]).map(({ id, consents }) => [id, consents]));
    const allowed = new Map<string, ReadonlySet<Category>>();
    return ({ twin, id, category }) => {
      const consents = inForce.get(twin);
      if (consents === undefined) return false;
      const reading = readings.get(twin);
      if (reading?.consents !== consents) throw new StaleError('consents were not read yet');
      const categories = allowed.get(twin) ?? reading.allowed(now);
      allowed.set(twin, categories);
      return reading.categories.isAmong(id, category, categories);
    };
  });
}

/** The same table, as far as verdicts allow. Deleting is always allowed. */
function gateTable(table: DBCoreTable, judge: (trans: DBCoreTransaction) => Promise<Verdict>): DBCoreTable {
  const { primaryKey } = table.schema;
  const visible: DBCoreTable['query'] = ({ limit = Infinity, values = false, ...request }) =>
    judge(request.trans).then((passes) =>
      table.query({ ...request, values: true }).then(({ result }) => {
        const rows = (result as EventRow[]).filter(passes).slice(0, limit);
        return { result: values ? rows : rows.map((row) => primaryKey.extractKey?.(row) as unknown) };
      }),
    );
  return {
    ...table,
    mutate(request) {
      if (request.type !== 'add' && request.type !== 'put') return table.mutate(request);
      return judge(request.trans).then((passes) => {
        if (!(request.values as EventRow[]).every(passes))
          throw new StoreError('store/not-consented', 'an event of a category that may not be kept');
        return table.mutate(request);
      });
    },
    get: (request) =>
      judge(request.trans).then((passes) =>
        table
          .get(request)
          .then((row: EventRow | undefined) => (row !== undefined && passes(row) ? row : undefined)),
      ),
    getMany: (request) =>
      judge(request.trans).then((passes) =>
        table
          .getMany(request)
          .then((rows: (EventRow | undefined)[]) =>
            rows.map((row) => (row !== undefined && passes(row) ? row : undefined)),
          ),
      ),
    query: visible,
    count: (request) => visible({ ...request, values: false }).then(({ result }) => result.length),
    openCursor: (request) =>
      judge(request.trans).then((passes) =>
        table
          .openCursor({ ...request, values: true })
          .then((cursor) => (cursor === null ? null : gateCursor(cursor, passes))),
      ),
  };
}

type Cursor = NonNullable<Awaited<ReturnType<DBCoreTable['openCursor']>>>;

/** Passes over hidden rows. `advance` counts them and `unique` may end on one: both show less than there is, never more. */
function gateCursor(cursor: Cursor, passes: Verdict): Cursor {
  return Object.create(cursor, {
    key: { get: () => cursor.key as unknown },
    primaryKey: { get: () => cursor.primaryKey as unknown },
    value: { get: () => (passes(cursor.value as EventRow) ? (cursor.value as unknown) : undefined) },
    done: { get: () => cursor.done },
    continue: { value: (key?: unknown) => cursor.continue(key) },
    continuePrimaryKey: {
      value: (key: unknown, primaryKey: unknown) => cursor.continuePrimaryKey(key, primaryKey),
    },
    advance: { value: (count: number) => cursor.advance(count) },
    fail: { value: (error: Error) => cursor.fail(error) },
    stop: { value: (value?: unknown) => cursor.stop(value) },
    start: {
      value: (onNext: () => void) =>
        cursor.start(() => (passes(cursor.value as EventRow) ? onNext() : cursor.continue())),
    },
  }) as Cursor;
}

function rangeOf(lower: unknown, upper: unknown): DBCoreKeyRange {
  return { type: RANGE, lower, upper };
}
