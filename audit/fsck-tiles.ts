// Checks a whole log by its tiles, as a stream, in memory that does not grow with the log: from the entries every hash of every level is
// derived again and compared with the tile that should hold it, up to the root that the log's key signed and witnesses saw. All of it
// comes from whoever serves the log; the key, the policy and an earlier checkpoint come from the verifier.
//
// Of an entry and a tile that contradict each other one is wrong. Which, is told by the tiles above, if they lead to the signed root.
//
// Of a pruned log (log-policy.ts) the entries from the minimum index on are checked. The tree before them is taken from the tiles as a
// handful of subtree hashes, which the signed root vouches for as much as for the entries.

import { equalBytes } from './bytes.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { deriveTiles } from './derive-tiles.ts';
import { TileError } from './errors.ts';
import { sha256, type Sha256 } from './hash.ts';
import { verifyConsistency } from './merkle.ts';
import { readTilesHead, requirePolicyEntry, type OpenTilesOptions } from './open-tiles.ts';
import { proveConsistency } from './prove.ts';
import { TILE_WIDTH } from './tile-path.ts';
import { CHECKPOINT_PATH } from './tile-reader.ts';
import type { TileTree } from './tile-tree.ts';
import { vkeyToNoteKey } from './vkey.ts';

export interface FsckTilesOptions extends OpenTilesOptions {
  /** A checkpoint that the verifier saw before, as a signed note: the log must begin with all that it covers. */
  earlier?: string;
}

/** What a full check found: all in order, or the first resource that is missing or not what it should be. */
export type TilesReport =
  | {
      ok: true;
      origin: string;
      size: number;
      root: Uint8Array;
      /** Entries below may be missing, and were looked at only so far as they share a bundle with others. 0: nothing is pruned. */
      minimumIndex: number;
      /** Names of the policy's witnesses that cosigned the checkpoint. */
      witnesses: string[];
      /** Size of the earlier checkpoint that this log was found to continue. */
      earlierSize?: number;
    }
  | { ok: false; path: string; problem: string };

/**
 * Throws `vkey/malformed`, `policy/malformed` and the codes of `openCheckpoint` if it is the verifier's own key, policy or checkpoint that is
 * wrong, and what the reader throws.
 */
export async function fsckTiles(options: FsckTilesOptions): Promise<TilesReport> {
  const { reader, hash = sha256 } = options;
  const earlier = openEarlier(options);
  try {
    const { checkpoint, witnesses, tree, pruning } = await readTilesHead(options);
    const { origin, size, root } = checkpoint;
    const minimumIndex = pruning?.body.minimumIndex ?? 0;
    const start = minimumIndex - (minimumIndex % TILE_WIDTH);
    if (earlier !== null && earlier.size > size)
      throw wrong(`covers ${size} entries, fewer than ${earlier.size} seen earlier`);
    // Before all entries that are kept: only a proof can tell, for which the log may have to serve more than it must.
    if (earlier !== null && 0 < earlier.size && earlier.size <= start)
      await requireContinued(earlier, checkpoint, tree, hash);

    const policyEntries: Uint8Array[] = [];
    const derived = await deriveTiles({
      reader,
      size,
      start,
      tree,
      hash,
      visit: (entry, edge) => {
        if (edge.size() - 1 === pruning?.leaf) policyEntries.push(entry);
        if (edge.size() === earlier?.size && !equalBytes(edge.root(), earlier.root)) throw rewritten(earlier);
      },
    });
    if (!equalBytes(derived, root)) throw wrong('the entries and all tiles lead to another root');
    // Only now: of an entry and a policy that do not match, the entry is right once the tree says so.
    if (pruning !== null) requirePolicyEntry(policyEntries[0]!, pruning, hash);
    const report = { ok: true, origin, size, root, minimumIndex, witnesses } as const;
    return earlier === null ? report : { ...report, earlierSize: earlier.size };
  } catch (error) {
    if (error instanceof TileError) return { ok: false, path: error.path, problem: error.message };
    throw error;
  }
}

function openEarlier({ earlier, vkey, verify }: FsckTilesOptions): Checkpoint | null {
  if (earlier === undefined) return null;
  return openCheckpoint(earlier, vkeyToNoteKey(vkey), verify === undefined ? {} : { verify });
}

export async function requireContinued(
  earlier: Checkpoint,
  { size, root }: Checkpoint,
  tree: TileTree,
  hash: Sha256,
): Promise<void> {
  const proof = await proveConsistency(earlier.size, size, tree.hashes, hash);
  const claim = { size1: earlier.size, root1: earlier.root, size2: size, root2: root, proof };
  if (!verifyConsistency(claim, hash)) throw rewritten(earlier);
}

function rewritten({ size }: Checkpoint): TileError {
  return wrong(`the first ${size} entries are not those of the earlier checkpoint`);
}

function wrong(message: string): TileError {
  return new TileError('tile/disagrees', CHECKPOINT_PATH, message);
}
