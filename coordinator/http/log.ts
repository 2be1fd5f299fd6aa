/**
 * The audit log for everyone: its checkpoint and its tiles (C2SP tlog-tiles), consistency between two of its sizes, its leaves, and the whole of
 * it as a file that verifies offline. Tiles are made from the tables when they are asked for: there is no second copy to disagree.
 */
import {
  AuditError,
  bytesToBase64Url,
  encodeEntryBundle,
  encodeTile,
  exportLog,
  leafToEnvelope,
  pathToTile,
  tileToLeaves,
  tileToSubtrees,
  type ExportEntry,
  type LogHead,
  type TileId,
} from '@twinkeep/audit';
import {
  MAX_LOG_ENTRIES,
  MEDIA,
  PATHS,
  ProblemError,
  type ConsistencyAnswer,
  type LogEntries,
  type LogEntry,
  type SetCommit,
  type Statement,
} from '@twinkeep/protocol';
import type { Request, RequestHandler } from 'express';
import { once } from 'node:events';
import type { Journal, PublishedHead } from '../log/journal.ts';
import { createLogStore } from '../store/log-store.ts';
import type { Db } from '../store/schema.ts';
import { countStatements, readExportRows, type ExportRow } from '../store/statements.ts';
import { cacheForEver, sendJson } from './answer.ts';
import { parseCount } from './wait.ts';

/** Leaves read at a time. */
const EXPORT_BATCH = 512;
/** An export reads the whole log; more at once would slow down the rounds. */
const MAX_EXPORTS = 2;

export interface LogRoutes {
  checkpoint: RequestHandler;
  tile: RequestHandler;
  consistency: RequestHandler;
  entries: RequestHandler;
  export: RequestHandler;
}

export function createLogRoutes(db: Db, journal: Journal): LogRoutes {
  let exports = 0;
  return {
    checkpoint: async (_req, res) => {
      const head = await mustFindHead(db, journal);
      res.type('text/plain; charset=utf-8').send(head.note);
    },
    tile: async (req, res) => {
      const tile = tileOf(req);
      // A tile that the published tree has, or had on its way there, never changes. Any other is not there, nor is a hint of it.
      if (tileToLeaves(tile).end > (await publishedSize(db, journal)))
        throw new ProblemError('request/not-found');
      cacheForEver(res);
      res.type(MEDIA.tile).send(Buffer.from(await readTile(db, tile)));
    },
    entries: async (req, res) => {
      const { from, to } = rangeOf(req);
      if (from > to) throw new ProblemError('log/range');
      await requirePublished(db, journal, to);
      const rows = await readExportRows(db, from, Math.min(to, from + MAX_LOG_ENTRIES));
      const answer: LogEntries = { from, entries: rows.map(rowToEntry) };
      cacheForEver(res);
      sendJson(res, answer);
    },
    consistency: async (req, res) => {
      const { from, to } = rangeOf(req);
      await requirePublished(db, journal, to);
      const answer: ConsistencyAnswer = { from, to, proof: [] };
      try {
        const { proof } = await journal.read(db).consistencyProof(from, to);
        answer.proof = proof.map((hash) => bytesToBase64Url(hash));
      } catch (error) {
        if (error instanceof AuditError && error.code === 'merkle/out-of-range')
          throw new ProblemError('log/range');
        throw error;
      }
      sendJson(res, answer);
    },
    export: async (_req, res) => {
      if (exports >= MAX_EXPORTS) throw new ProblemError('request/busy');
      exports++;
      try {
        const { size, root, bare } = await mustFindHead(db, journal);
        // A file that must not change by a byte bears no lines that anyone may add to: the log's own signature only.
        const head: LogHead = { size, root, note: bare };
        const disclosed = await countStatements(db, head.size);
        res.type('application/x-ndjson');
        const entries = readEntries(db, head.size);
        for await (const line of exportLog({ head, origin: journal.origin, disclosed, entries })) {
          if (res.destroyed) return;
          if (!res.write(line)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
        }
        res.end();
      } finally {
        exports--;
      }
    },
  };
}

async function mustFindHead(db: Db, journal: Journal): Promise<PublishedHead> {
  const head = await journal.published(db);
  if (head === null) throw new ProblemError('log/range', 'the log is empty');
  return head;
}

/** Only in the one spelling of its path. @throws ProblemError 'request/not-found' */
function tileOf(req: Request): TileId {
  try {
    return pathToTile(req.path.slice(`${PATHS.log}/`.length));
  } catch (error) {
    if (error instanceof AuditError) throw new ProblemError('request/not-found');
    throw error;
  }
}

async function readTile(db: Db, tile: TileId): Promise<Uint8Array> {
  const store = createLogStore(db);
  if (tile.level !== 'entries') return encodeTile(await store.hashes(tileToSubtrees(tile)));
  const { start, end } = tileToLeaves(tile);
  return encodeEntryBundle(await store.leaves(start, end));
}

/** Beyond the published head nothing is shown, not even that it is there. @throws ProblemError 'log/range' */
async function requirePublished(db: Db, journal: Journal, size: number): Promise<void> {
  if (size > (await publishedSize(db, journal))) throw new ProblemError('log/range');
}

async function publishedSize(db: Db, journal: Journal): Promise<number> {
  return (await journal.published(db))?.size ?? 0;
}

function rangeOf(req: Request): { from: number; to: number } {
  const from = parseCount(req.query['from'], 'from', Number.MAX_SAFE_INTEGER);
  const to = parseCount(req.query['to'], 'to', Number.MAX_SAFE_INTEGER);
  if (from === null || to === null) throw new ProblemError('request/malformed', 'from and to are needed');
  return { from, to };
}

/** Set commits are opened, so that whoever is to answer one can see that it is the first of its round, and the only one. */
function rowToEntry({ leaf, statement, salt }: ExportRow): LogEntry {
  const entry: LogEntry = { leaf: bytesToBase64Url(leaf) };
  if (statement === null || salt === null || leafToEnvelope(leaf).type !== 'set-commit') return entry;
  return {
    ...entry,
    opened: { statement: JSON.parse(statement) as Statement<SetCommit>, salt: bytesToBase64Url(salt) },
  };
}

/** Leaves never change and public statements are never erased, so batches need no common transaction. */
async function* readEntries(db: Db, size: number): AsyncGenerator<ExportEntry> {
  for (let start = 0; start < size; start += EXPORT_BATCH) {
    for (const { leaf, statement, salt } of await readExportRows(
      db,
      start,
      Math.min(start + EXPORT_BATCH, size),
    )) {
      const isPublic = statement !== null && salt !== null;
      yield isPublic ? { leaf, disclosure: { body: JSON.parse(statement) as unknown, salt } } : { leaf };
    }
  }
}
