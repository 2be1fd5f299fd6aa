// Copies a tiled log to where it is kept besides its operator, and continues the copy later. Every file is verified against the signed
// checkpoint before it is written, so that the copy holds nothing that the log did not sign, and the checkpoint is written last, so that
// a copy that was interrupted is an older copy with a few files more. Those are not fetched again, and verified like all others: what
// they were copied from need not have been the log that is served now.

import { bytesToUtf8 } from './bytes.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { TileError } from './errors.ts';
import { exportTiles } from './export-tiles.ts';
import { requireContinued } from './fsck-tiles.ts';
import { sha256 } from './hash.ts';
import { openTiles, type OpenTilesOptions } from './open-tiles.ts';
import { CHECKPOINT_PATH, type TileReader } from './tile-reader.ts';
import { vkeyToNoteKey } from './vkey.ts';

/** Where a copy is kept. Trusted to keep what it is given. */
export interface TileSink {
  read: TileReader;
  has(path: string): Promise<boolean>;
  /** All of it or nothing, in place of what may be there; resolves once it is durable. */
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface MirrorReport {
  origin: string;
  /** Entries in the copy. */
  size: number;
  /** Entries in the copy before. */
  from: number;
  /** Files written. */
  files: number;
  witnesses: string[];
}

/**
 * Throws a `TileError` that names what is missing or not to be believed, at the source or in the copy; nothing of it was written. Throws
 * `vkey/malformed` and `policy/malformed`, and what reader and sink throw: run it again.
 */
export async function mirrorTiles({
  sink,
  ...options
}: OpenTilesOptions & { sink: TileSink }): Promise<MirrorReport> {
  const { hash = sha256 } = options;
  const before = await readCopy(sink, options);
  const { checkpoint, note, witnesses, tree, pruning } = await openTiles({
    ...options,
    reader: copyFirst(sink, options.reader),
  });
  const { origin, size } = checkpoint;
  const from = before?.size ?? 0;
  if (from > size) {
    const problem = `covers ${size} entries, fewer than the ${from} that were copied earlier`;
    throw new TileError('tile/disagrees', CHECKPOINT_PATH, problem);
  }
  if (before !== null && from > 0) await requireContinued(before, checkpoint, tree, hash);
  let files = 0;
  const log = { hashes: tree.hashes, leaves: tree.entries };
  for await (const { path, bytes } of exportTiles({ log, head: { size, note }, from, pruning })) {
    if (isTile(path) && (await sink.has(path))) continue;
    await sink.write(path, bytes);
    files++;
  }
  return { origin, size, from, files, witnesses };
}

/** Null where there is no copy yet. One of another log is not written over. */
async function readCopy(sink: TileSink, { vkey, verify }: OpenTilesOptions): Promise<Checkpoint | null> {
  const bytes = await sink.read(CHECKPOINT_PATH).catch((error: unknown) => {
    if (error instanceof TileError && error.code === 'tile/missing') return null;
    throw error;
  });
  if (bytes === null) return null;
  return openCheckpoint(bytesToUtf8(bytes), vkeyToNoteKey(vkey), verify === undefined ? {} : { verify });
}

/** What does not change is read from the copy where the copy has it. */
function copyFirst(sink: TileSink, reader: TileReader): TileReader {
  return async (path) => (isTile(path) && (await sink.has(path)) ? sink.read(path) : reader(path));
}

function isTile(path: string): boolean {
  return path.startsWith('tile/');
}
