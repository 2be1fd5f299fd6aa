/**
 * The one thing that a witness does (C2SP tlog-witness, add-checkpoint). Its whole worth is a promise: of two heads that it cosigned, one
 * begins with the other. So the new head is in the database, durably, before anyone sees the cosignature, and the check and the write are
 * one transaction that holds the log's row: two processes on one database, a replay or a crash at any point cannot put an older head back.
 *
 * The request comes from a stranger. What is believed of it: the checkpoint, once the log's key has verified, and the proof, once it holds.
 */
import {
  AuditError,
  bytesToUtf8,
  cosign,
  mergeCosignatures,
  openCheckpoint,
  readNote,
  textToAddCheckpoint,
  textToCheckpoint,
  vkeyToNoteKey,
  type AddCheckpoint,
  type Checkpoint,
  type Ed25519Signer,
} from '@twinkeep/audit';
import type { Logger } from 'pino';
import { judge } from './judge.ts';
import type { Db, Tx } from './store/database.ts';
import { insertFork, lockHead, saveHead, type KeptHead } from './store/heads.ts';

export interface Answer {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  body: string;
}

/** Moments between which a crash may fall; the last two enclose the commit. */
export type Step = 'verified' | 'locked' | 'judged' | 'cosigned' | 'stored' | 'committed';

export interface CosignerDeps {
  db: Db;
  name: string;
  signer: Ed25519Signer;
  /** Verifier keys by origin. */
  logs: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  clock: () => number;
  log: Logger;
  /** Tests die here; production passes none. */
  observe?: ((step: Step) => void) | undefined;
}

/** @returns a function that answers the body of a request, and throws only where the database fails */
export function createCosigner(deps: CosignerDeps): (body: Uint8Array) => Promise<Answer> {
  return async (body) => {
    const request = parseRequest(body);
    if (request === null) return refuse(400, 'this is not an add-checkpoint request');
    const { origin, size } = request.claimed;
    const vkey = deps.logs.get(origin);
    if (vkey === undefined) return refuse(404, 'this witness does not know the log');
    const next = verifiedCheckpoint(request.checkpoint, vkey);
    if (next === null) return refuse(403, 'the log’s key did not sign this checkpoint');
    if (request.oldSize > size) return refuse(400, 'the old size is larger than the new one');
    deps.observe?.('verified');
    const answer = await deps.db.transaction().execute((tx) => judgeLocked(tx, deps, request, next));
    deps.observe?.('committed');
    return answer;
  };
}

async function judgeLocked(
  tx: Tx,
  deps: CosignerDeps,
  request: AddCheckpoint,
  next: Checkpoint,
): Promise<Answer> {
  const { observe, log } = deps;
  const { origin, size } = next;
  const last = await lockHead(tx, origin);
  observe?.('locked');
  const verdict = judge(last, request, next);
  observe?.('judged');
  switch (verdict) {
    case 'other-size':
      return { status: 409, type: 'text/x.tlog.size', body: `${last.size}\n` };
    case 'fork':
      log.error({ origin, size }, 'the log signed two trees of one size: the proof is kept in forks');
      await keepFork(tx, deps, last, next, request.checkpoint);
      return refuse(409, 'this witness has cosigned another tree of this size');
    case 'no-proof':
      log.warn({ origin, size, last: last.size }, 'a signed head without proof that it continues the last');
      return refuse(422, 'the proof does not lead from the last cosigned head to this one');
    case 'cosign':
      return accept(tx, deps, request, next);
  }
}

async function accept(
  tx: Tx,
  { name, signer, clock, log, observe }: CosignerDeps,
  { checkpoint }: AddCheckpoint,
  { origin, size, root }: Checkpoint,
): Promise<Answer> {
  const time = Math.floor(clock() / 1_000);
  const line = await cosign(readNote(checkpoint, []).text, { name, signer }, time);
  observe?.('cosigned');
  // The log's own lines are kept too: without its signature a head proves nothing against it.
  await saveHead(tx, origin, { size, root, note: mergeCosignatures(checkpoint, [line]), cosignedAt: time });
  observe?.('stored');
  log.info({ origin, size }, 'cosigned');
  return { status: 200, type: 'text/plain; charset=utf-8', body: line };
}

async function keepFork(
  tx: Tx,
  { clock }: CosignerDeps,
  last: KeptHead,
  { origin, size, root }: Checkpoint,
  note: string,
): Promise<void> {
  const seenAt = Math.floor(clock() / 1_000);
  // Of the empty tree there is one root, so a fork has a head with a note before it.
  await insertFork(tx, { origin, size, root, note, keptNote: last.note ?? '', seenAt });
}

function parseRequest(body: Uint8Array): (AddCheckpoint & { claimed: Checkpoint }) | null {
  try {
    const request = textToAddCheckpoint(bytesToUtf8(body));
    return { ...request, claimed: textToCheckpoint(readNote(request.checkpoint, []).text) };
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

/** Null where the log did not sign it. That it is well formed was seen before. */
function verifiedCheckpoint(note: string, vkey: string): Checkpoint | null {
  try {
    return openCheckpoint(note, vkeyToNoteKey(vkey));
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

function refuse(status: Exclude<Answer['status'], 200>, why: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${why}\n` };
}
