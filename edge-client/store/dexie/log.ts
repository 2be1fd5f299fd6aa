/** The last checkpoint, moved by compare-and-swap, and memos: small things that the twin remembers between visits. */
import { bytesToUtf8, utf8ToBytes } from '@twinkeep/audit';
import { StoreError } from '../errors.ts';
import { createRowId, type Place } from './cipher.ts';
import { StaleError } from './failure.ts';
import type { LogRow } from './schema.ts';
import type { StoreContext } from './twins.ts';

const ID = 'checkpoint';
const PLACE: Place = { table: 'log', twin: '', row: ID };

export async function readCheckpoint(context: StoreContext): Promise<string | null> {
  return openCheckpoint(context, await context.db.log.get(ID));
}

export async function saveCheckpoint(
  context: StoreContext,
  previous: string | null,
  next: string,
): Promise<void> {
  const { db, crypto, keys } = context;
  const before = await db.log.get(ID);
  if ((await openCheckpoint(context, before)) !== previous)
    throw new StoreError('store/conflict', 'another checkpoint was kept meanwhile');
  const sealed = await keys.cipher.seal(PLACE, utf8ToBytes(next));
  await db.transaction('rw', db.log, async () => {
    if ((await db.log.get(ID))?.revision !== before?.revision)
      throw new StaleError('the checkpoint has changed');
    await db.log.put({ id: ID, revision: createRowId(crypto), sealed });
  });
}

export async function readMemo({ db, keys }: StoreContext, name: string): Promise<Uint8Array | null> {
  const id = await keys.cipher.tag('memo', name);
  const row = await db.memo.get(id);
  return row === undefined ? null : keys.cipher.open(placeOfMemo(id), row.sealed);
}

/** @param content null: forget it */
export async function writeMemo(
  { db, keys }: StoreContext,
  name: string,
  content: Uint8Array | null,
): Promise<void> {
  const id = await keys.cipher.tag('memo', name);
  if (content === null) await db.memo.delete(id);
  else await db.memo.put({ id, sealed: await keys.cipher.seal(placeOfMemo(id), content) });
}

async function openCheckpoint({ keys }: StoreContext, row: LogRow | undefined): Promise<string | null> {
  return row === undefined ? null : bytesToUtf8(await keys.cipher.open(PLACE, row.sealed));
}

function placeOfMemo(row: string): Place {
  return { table: 'memo', twin: '', row };
}
