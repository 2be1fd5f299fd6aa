import { equalBytes } from './bytes.ts';
import { openCheckpoint } from './checkpoint.ts';
import { createCompactRange } from './compact-range.ts';
import type { Ed25519Verify } from './ed25519.ts';
import { AuditError } from './errors.ts';
import type { Sha256 } from './hash.ts';
import { hashLeaf } from './merkle.ts';
import type { SubtreeId } from './prove.ts';
import type { LogHead, LogStore } from './store.ts';
import type { NoteKey } from './vkey.ts';

/** What a full check found: all in order (`root` is null before the first append), or the first disagreement. */
export type FsckReport =
  | { ok: true; size: number; root: Uint8Array | null }
  | {
      ok: false;
      /** The stored subtree, level 0 being a leaf and its hash; null if it is the head. */
      subtree: SubtreeId | null;
      problem: string;
    };

/** Told every now and then how many leaves are done, and of how many. */
export type FsckProgress = (done: number, of: number) => void;

const BATCH = 1024;

/** Trusts the key, the leaves as far as they lead to the root that it signed, and the stored hashes not at all. */
export async function checkLog(
  store: LogStore,
  key: NoteKey,
  hash: Sha256,
  verify: Ed25519Verify,
  progress: FsckProgress = () => undefined,
): Promise<FsckReport> {
  const head = await store.head();
  if (head === null) return { ok: true, size: 0, root: null };
  const problem = headProblem(head, key, verify);
  return problem === null ? compareTree(store, head, hash, progress) : { ok: false, subtree: null, problem };
}

/** Throws `log/disagrees` unless the head's note is this key's checkpoint of the head's own size and root. */
export function requireSignedHead(head: LogHead, key: NoteKey, verify: Ed25519Verify): void {
  const problem = headProblem(head, key, verify);
  if (problem !== null) throw new AuditError('log/disagrees', problem);
}

function headProblem(head: LogHead, key: NoteKey, verify: Ed25519Verify): string | null {
  try {
    const { size, root } = openCheckpoint(head.note, key, { verify, unknownSignatures: 'refuse' });
    return size === head.size && equalBytes(root, head.root)
      ? null
      : 'the head is not the one that was signed';
  } catch (error) {
    if (error instanceof AuditError) return `the head has no valid checkpoint: ${error.message}`;
    throw error;
  }
}

async function compareTree(
  store: LogStore,
  head: LogHead,
  hash: Sha256,
  progress: FsckProgress,
): Promise<FsckReport> {
  const edge = createCompactRange(0, [], hash);
  for (let start = 0; start < head.size; start += BATCH) {
    progress(start, head.size);
    const indexes = Array.from({ length: Math.min(BATCH, head.size - start) }, (_, i) => start + i);
    const leaves = await readPresent(indexes, (some) => store.leaves(some[0]!, some.at(-1)! + 1));
    const derived = leaves.flatMap((leaf) => edge.append(hashLeaf(leaf, hash)));
    const stored = await readPresent(derived, (some) => store.hashes(some.map(toId)));
    const wrong = derived.findIndex(
      (each, i) => stored[i] === undefined || !equalBytes(each.hash, stored[i]),
    );
    if (wrong !== -1) {
      const how = wrong < stored.length ? 'is not the one that the leaves lead to' : 'is missing';
      return { ok: false, subtree: toId(derived[wrong]!), problem: `the stored hash ${how}` };
    }
    if (leaves.length < indexes.length) {
      return {
        ok: false,
        subtree: { level: 0, index: start + leaves.length },
        problem: 'the leaf is missing',
      };
    }
  }
  const root = edge.root();
  if (equalBytes(root, head.root)) return { ok: true, size: head.size, root };
  return { ok: false, subtree: null, problem: 'the leaves do not lead to the signed root' };
}

/** All that was asked for or, where something is missing, what comes before it. */
async function readPresent<T>(items: T[], read: (some: T[]) => Promise<Uint8Array[]>): Promise<Uint8Array[]> {
  const whole = await orNullIfMissing(() => read(items));
  if (whole !== null) return whole;
  const present: Uint8Array[] = [];
  for (const item of items) {
    const one = await orNullIfMissing(() => read([item]));
    if (one === null) break;
    present.push(...one);
  }
  return present;
}

async function orNullIfMissing<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (
      error instanceof AuditError &&
      (error.code === 'log/missing-hash' || error.code === 'log/missing-leaf')
    ) {
      return null;
    }
    throw error;
  }
}

function toId({ level, index }: SubtreeId): SubtreeId {
  return { level, index };
}
