import { equalBytes } from './bytes.ts';
import { signCheckpoint } from './checkpoint.ts';
import { createCompactRange, type CompactRange } from './compact-range.ts';
import { verifyEd25519, type Ed25519Signer, type Ed25519Verify } from './ed25519.ts';
import { AuditError } from './errors.ts';
import { checkLog, requireSignedHead, type FsckProgress, type FsckReport } from './fsck.ts';
import { sha256, type Sha256 } from './hash.ts';
import { leafToEnvelope } from './leaf.ts';
import { hashLeaf, type ConsistencyProof, type InclusionProof } from './merkle.ts';
import { proofToText } from './proof.ts';
import { completeSubtrees, proveConsistency, proveInclusion, type HashReader } from './prove.ts';
import type { LogHead, LogStore } from './store.ts';
import { createNoteKey, type NoteKey } from './vkey.ts';

export interface LogDeps {
  store: LogStore;
  /** The log's private key, the one thing with which history could be rewritten for those who kept no checkpoint. */
  signer: Ed25519Signer;
  /** The log's name, for ever: a schema-less URL such as `bank.example/twinkeep`. */
  origin: string;
  hash?: Sha256;
  verify?: Ed25519Verify;
}

export interface Log {
  /**
   * Adds leaves of `createLeaf` in order and signs the new head. Throws `log/conflict` if another writer was faster
   * (nothing is written; a caller without a lock tries again), `log/disagrees` if the stored head is not one that this
   * key signed over the stored hashes, `leaf/malformed`, and `log/empty-append` for no leaves at all.
   */
  append(leaves: Uint8Array[]): Promise<{ firstIndex: number; head: LogHead }>;
  /** Null before the first append. */
  head(): Promise<LogHead | null>;
  /** In the tree of `size` leaves, by default the latest. Throws `merkle/out-of-range`. */
  inclusionProof(index: number, size?: number): Promise<InclusionProof>;
  /** Between the trees of `from` > 0 and `to` leaves, the latter by default the latest. Throws `merkle/out-of-range`. */
  consistencyProof(from: number, to?: number): Promise<ConsistencyProof>;
  /**
   * A tlog-proof of one leaf, which `verifyProof` checks offline, under the latest checkpoint or an earlier one of this log, perhaps with
   * cosignatures. Throws `merkle/out-of-range`.
   */
  receipt(index: number, under?: Pick<LogHead, 'size' | 'note'>): Promise<string>;
  /** Derives everything again from the leaves, in time and reads linear in the log. */
  fsck(progress?: FsckProgress): Promise<FsckReport>;
}

/** Holds no state between calls, so that a log over a store bound to a transaction costs nothing to make. */
export function createLog(deps: LogDeps): Log {
  const { store, origin, signer, hash = sha256, verify = verifyEd25519 } = deps;
  const key = createNoteKey(origin, signer.publicKey);
  const reader: HashReader = (ids) => store.hashes(ids);

  return {
    append: async (leaves) => {
      if (leaves.length === 0) throw new AuditError('log/empty-append', 'an append needs a leaf');
      leaves.forEach(leafToEnvelope);
      const edge = await readEdge(store, key, hash, verify);
      const firstIndex = edge.size();
      const hashes = leaves.flatMap((leaf) => edge.append(hashLeaf(leaf, hash)));
      const tree = { size: edge.size(), root: edge.root() };
      // Signed before it is stored and shown to nobody until then: of two writers, the loser's signature dies with it.
      const head = { ...tree, note: await signCheckpoint({ origin, ...tree }, signer) };
      await store.append(firstIndex, head, leaves, hashes);
      return { firstIndex, head };
    },
    head: () => store.head(),
    inclusionProof: async (index, wanted) => {
      const size = await treeSize(store, wanted);
      return { index, size, proof: await proveInclusion(index, size, reader, hash) };
    },
    consistencyProof: async (from, wanted) => {
      const size = await treeSize(store, wanted);
      return { size1: from, size2: size, proof: await proveConsistency(from, size, reader, hash) };
    },
    receipt: async (index, under) => {
      const head = under ?? (await store.head());
      if (head === null) throw outOfRange('the log is empty');
      const proof = await proveInclusion(index, head.size, reader, hash);
      return proofToText({ index, proof, checkpoint: head.note });
    },
    fsck: (progress) => checkLog(store, key, hash, verify, progress),
  };
}

/** `createLog`, after the stored hashes have been found to add up to the head that this key signed. */
export async function openLog(deps: LogDeps): Promise<Log> {
  const { store, origin, signer, hash = sha256, verify = verifyEd25519 } = deps;
  await readEdge(store, createNoteKey(origin, signer.publicKey), hash, verify);
  return createLog(deps);
}

async function readEdge(
  store: LogStore,
  key: NoteKey,
  hash: Sha256,
  verify: Ed25519Verify,
): Promise<CompactRange> {
  const head = await store.head();
  if (head === null) return createCompactRange(0, [], hash);
  requireSignedHead(head, key, verify);
  const peaks = await store.hashes(completeSubtrees(0, head.size));
  const edge = createCompactRange(head.size, peaks, hash);
  if (!equalBytes(edge.root(), head.root)) {
    throw new AuditError(
      'log/disagrees',
      `the stored hashes do not add up to the root of the head at ${head.size}`,
    );
  }
  return edge;
}

async function treeSize(store: LogStore, wanted?: number): Promise<number> {
  const latest = (await store.head())?.size ?? 0;
  const size = wanted ?? latest;
  if (size > latest) throw outOfRange(`the log has ${latest} leaves, not ${size}`);
  return size;
}

function outOfRange(message: string): AuditError {
  return new AuditError('merkle/out-of-range', message);
}
