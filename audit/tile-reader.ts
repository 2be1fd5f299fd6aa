// Reads a tiled log's resources, from wherever they are served. What is read comes from somebody who may want to mislead: here its
// length is bounded and its form checked, and whether it is true is for `createTileTree` and `fsckTiles` to find out.

import { concatBytes } from './bytes.ts';
import { AuditError, TileError } from './errors.ts';
import { HASH_LENGTH } from './hash.ts';
import { TILE_WIDTH, tileToPath, type TileId } from './tile-path.ts';
import { decodeEntryBundle, decodeTile, MAX_ENTRY_LENGTH } from './tiles.ts';

/**
 * The bytes at a path below the log's prefix: `checkpoint`, or one of `tileToPath`. Rejects with a `TileError` of code `tile/missing`
 * if there is nothing, and with anything else if that cannot be told. Should not give more than `maxLengthOf` the path.
 */
export type TileReader = (path: string) => Promise<Uint8Array>;

export const CHECKPOINT_PATH = 'checkpoint';

const MAX_OTHER_LENGTH = 128 * 1024;

/** Bytes that a resource may have at most; more is not worth reading. */
export function maxLengthOf(path: string): number {
  if (path.startsWith('tile/entries/')) return TILE_WIDTH * (2 + MAX_ENTRY_LENGTH);
  return path.startsWith('tile/') ? TILE_WIDTH * HASH_LENGTH : MAX_OTHER_LENGTH;
}

/** Over HTTP. 404 and 410 mean that there is nothing; any other failure rejects as `fetch` does, or with `tile/unreadable`. */
export function createFetchReader(
  prefix: string,
  { fetch: get = fetch, signal }: { fetch?: typeof fetch; signal?: AbortSignal } = {},
): TileReader {
  const base = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return async (path) => {
    const response = await get(`${base}${path}`, { ...(signal === undefined ? {} : { signal }) });
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      throw new TileError('tile/missing', path, 'is not there');
    }
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw new AuditError('tile/unreadable', `${path}: the server answered with ${response.status}`);
    }
    return readAtMost(response.body, path);
  };
}

/** The hashes of a tile or the entries of a bundle, as views of the bytes read. Throws what the reader throws, and `tile/malformed`. */
export async function readRow(reader: TileReader, tile: TileId): Promise<Uint8Array[]> {
  try {
    return decodeRow(tile, await reader(tileToPath(tile)));
  } catch (error) {
    // A log may drop a partial tile once it has the full one, which begins with it.
    if (!isMissing(error) || tile.width === TILE_WIDTH) throw error;
    const full = { ...tile, width: TILE_WIDTH };
    const bytes = await reader(tileToPath(full)).catch((second: unknown) => {
      throw isMissing(second) ? error : second;
    });
    return decodeRow(full, bytes).slice(0, tile.width);
  }
}

function decodeRow(tile: TileId, bytes: Uint8Array): Uint8Array[] {
  const decode = tile.level === 'entries' ? decodeEntryBundle : decodeTile;
  try {
    return decode(bytes, tile.width);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    throw new TileError('tile/malformed', tileToPath(tile), cause.message, { cause });
  }
}

async function readAtMost(body: ReadableStream<Uint8Array>, path: string): Promise<Uint8Array> {
  const limit = maxLengthOf(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Not `for await`: not every browser's streams can be iterated.
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > limit) {
      await reader.cancel();
      throw new TileError('tile/malformed', path, `has more than ${limit} bytes`);
    }
    chunks.push(next.value);
  }
  return concatBytes(...chunks);
}

function isMissing(error: unknown): boolean {
  return error instanceof TileError && error.code === 'tile/missing';
}
