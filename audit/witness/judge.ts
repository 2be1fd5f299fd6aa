/** May this witness cosign the next head? Pure: the head that it cosigned last, and what it is asked to cosign now. */
import { equalBytes, verifyConsistency, type Checkpoint } from '@twinkeep/audit';

/** What was cosigned last; of an unknown past, the empty tree. */
export interface Head {
  size: number;
  root: Uint8Array;
}

export type Verdict =
  /** The next head begins with the last one. */
  | 'cosign'
  /** The request starts from another head than the last one. */
  | 'other-size'
  /** Two histories of one length: the log has signed both. */
  | 'fork'
  /** The proof does not lead from the last head to the next. */
  | 'no-proof';

/**
 * @param last as kept here, under a lock
 * @param next a checkpoint whose log signature was verified
 */
export function judge(
  last: Head,
  { oldSize, proof }: { oldSize: number; proof: readonly Uint8Array[] },
  next: Checkpoint,
): Verdict {
  if (oldSize !== last.size) return 'other-size';
  if (next.size === last.size && !equalBytes(next.root, last.root)) return 'fork';
  // Nothing links an empty tree to what follows it: whatever grows from it is the first that is seen.
  const holds =
    last.size === 0
      ? proof.length === 0
      : verifyConsistency({
          size1: last.size,
          root1: last.root,
          size2: next.size,
          root2: next.root,
          proof: [...proof],
        });
  return holds ? 'cosign' : 'no-proof';
}
