// The way into a tiled log: its checkpoint, believed for its signatures; its tree, believed for the checkpoint; and what it says it no
// longer keeps, believed for being an entry of that tree. All of it is read from whoever serves the log.

import { bytesToUtf8 } from './bytes.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { verifyEd25519, type Ed25519Verify } from './ed25519.ts';
import { AuditError, TileError, TwinkeepError } from './errors.ts';
import { sha256, type Sha256 } from './hash.ts';
import {
  bytesToPublished,
  isLogPolicyEntry,
  LOG_POLICY_PATH,
  type PublishedLogPolicy,
} from './log-policy.ts';
import type { TlogPolicy } from './policy.ts';
import { openWitnessed, requirePolicyFor } from './quorum.ts';
import { CHECKPOINT_PATH, type TileReader } from './tile-reader.ts';
import { createTileTree, type TileTree } from './tile-tree.ts';
import { vkeyToNoteKey } from './vkey.ts';

export interface OpenTilesOptions {
  reader: TileReader;
  /** The log's verifier key. */
  vkey: string;
  /** Whose cosignatures the log's checkpoint must bear. If it names logs, this one must be among them. */
  policy?: TlogPolicy;
  hash?: Sha256;
  verify?: Ed25519Verify;
}

export interface OpenedTiles {
  checkpoint: Checkpoint;
  /** The checkpoint as it was signed. */
  note: string;
  /** Names of the policy's witnesses that cosigned it. */
  witnesses: string[];
  tree: TileTree;
  /** What the log publishes about what it keeps; null: it keeps everything. */
  pruning: PublishedLogPolicy | null;
}

/**
 * Throws a `TileError` that names the resource that is missing or not to be believed, `vkey/malformed` and `policy/malformed` where it is
 * the verifier's own key or policy that is wrong, and what the reader throws.
 */
export async function openTiles(options: OpenTilesOptions): Promise<OpenedTiles> {
  const opened = await readTilesHead(options);
  const { pruning, tree } = opened;
  if (pruning !== null) {
    const [entry] = await tree.entries(pruning.leaf, pruning.leaf + 1);
    requirePolicyEntry(entry!, pruning, options.hash);
  }
  return opened;
}

/** `openTiles`, but that the log's policy is one of its entries is left to the caller, who reads them all. */
export async function readTilesHead(options: OpenTilesOptions): Promise<OpenedTiles> {
  const { reader, policy, hash = sha256, verify = verifyEd25519 } = options;
  const key = vkeyToNoteKey(options.vkey);
  if (policy !== undefined) requirePolicyFor(policy, key);
  // In this order: a log publishes its policy after the checkpoint that covers it, so the one read later covers the one read first.
  const pruning = await readPublished(reader);
  const bytes = await reader(CHECKPOINT_PATH);
  const head = blameOn(CHECKPOINT_PATH, () => {
    const note = bytesToUtf8(bytes);
    if (policy !== undefined) return { note, ...openWitnessed(note, key, policy, { verify }) };
    return { note, checkpoint: openCheckpoint(note, key, { verify }), witnesses: [] };
  });
  const { size, root } = head.checkpoint;
  if (pruning !== null) requireKept(pruning, size);
  return { ...head, tree: createTileTree({ reader, size, root, hash }), pruning };
}

/** Throws a `TileError` unless the entry is the log policy that was published. */
export function requirePolicyEntry(
  entry: Uint8Array,
  published: PublishedLogPolicy,
  hash: Sha256 = sha256,
): void {
  blameOn(LOG_POLICY_PATH, () => {
    if (!isLogPolicyEntry(entry, published, hash))
      throw malformed(`entry ${published.leaf} does not commit to it`);
  });
}

/** Runs `read`, and turns what it refuses into a `TileError` of this path. */
function blameOn<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof TwinkeepError)) throw cause;
    throw new TileError('tile/disagrees', path, cause.message, { cause });
  }
}

async function readPublished(reader: TileReader): Promise<PublishedLogPolicy | null> {
  const bytes = await reader(LOG_POLICY_PATH).catch((error: unknown) => {
    if (error instanceof TileError && error.code === 'tile/missing') return null;
    throw error;
  });
  return bytes === null ? null : blameOn(LOG_POLICY_PATH, () => bytesToPublished(bytes));
}

/** A policy that prunes itself could say anything. */
function requireKept({ leaf, body }: PublishedLogPolicy, size: number): void {
  blameOn(LOG_POLICY_PATH, () => {
    if (leaf >= size || leaf < body.minimumIndex)
      throw malformed('it is not among the entries that are kept');
  });
}

function malformed(message: string): AuditError {
  return new AuditError('log-policy/malformed', `log policy: ${message}`);
}
