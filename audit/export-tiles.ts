// A log as files that any web server can serve (C2SP tlog-tiles), and as copies of such files that were verified first.
//
// Whoever reads while files are added must never find a checkpoint that promises more than is there. So the order is: each bundle, each
// tile, then the checkpoint, then what the log says that it no longer keeps; only after that may files be removed.

import { utf8ToBytes } from './bytes.ts';
import { LOG_POLICY_PATH, publishedToBytes, type PublishedLogPolicy } from './log-policy.ts';
import { readAhead } from './read-ahead.ts';
import type { LogHead, LogStore } from './store.ts';
import { TILE_WIDTH, tileToPath, type TileId } from './tile-path.ts';
import { CHECKPOINT_PATH } from './tile-reader.ts';
import { encodeEntryBundle, encodeTile, tilesFor, tileToLeaves, tileToSubtrees } from './tiles.ts';

export interface TileFile {
  path: string;
  bytes: Uint8Array;
}

export interface ExportTilesOptions {
  log: Pick<LogStore, 'hashes' | 'leaves'>;
  /** Signed, perhaps cosigned: the checkpoint is published as it is. */
  head: Pick<LogHead, 'size' | 'note'>;
  /** Size of a tree whose files are there already. */
  from?: number;
  /** What the log no longer serves is not written; nothing, if it publishes no policy. */
  pruning?: PublishedLogPolicy | null;
}

/** Files that are made at once. */
const AHEAD = 8;

/** Yields the files in the order in which they must appear. Throws what the log throws, and `tile/malformed` for an entry that is too long. */
export async function* exportTiles({
  log,
  head,
  from = 0,
  pruning = null,
}: ExportTilesOptions): AsyncGenerator<TileFile, void, undefined> {
  const toFile = async (tile: TileId): Promise<TileFile> => ({
    path: tileToPath(tile),
    bytes: await encode(tile, log),
  });
  const minimumIndex = pruning?.body.minimumIndex ?? 0;
  yield* readAhead(keptTiles(head.size, from, minimumIndex), toFile, AHEAD);
  yield { path: CHECKPOINT_PATH, bytes: utf8ToBytes(head.note) };
  if (pruning !== null) yield { path: LOG_POLICY_PATH, bytes: publishedToBytes(pruning) };
}

/** Whether a log of this minimum index need not serve a tile: all that the full tile is over is pruned. */
export function isPruned(tile: TileId, minimumIndex: number): boolean {
  return tileToLeaves({ ...tile, width: TILE_WIDTH }).end <= minimumIndex;
}

function* keptTiles(size: number, from: number, minimumIndex: number): Generator<TileId, void, undefined> {
  for (const tile of tilesFor(size, from)) if (!isPruned(tile, minimumIndex)) yield tile;
}

async function encode(tile: TileId, log: ExportTilesOptions['log']): Promise<Uint8Array> {
  if (tile.level !== 'entries') return encodeTile(await log.hashes(tileToSubtrees(tile)));
  const { start, end } = tileToLeaves(tile);
  return encodeEntryBundle(await log.leaves(start, end));
}
