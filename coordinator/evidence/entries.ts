/** Log entries of a pack with their inclusion proofs, all under one head. */
import { bytesToBase64Url, proveInclusion, type HashReader, type SubtreeId } from '@twinkeep/audit';
import type { EvidenceEntry } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { nativeSha256 } from '../log/journal.ts';
import { createLogStore } from '../store/log-store.ts';
import type { Db } from '../store/schema.ts';

export interface OpenedLeaf {
  index: number;
  salt: Uint8Array;
  body: EvidenceEntry['body'];
}

const AT_ONCE = 1_000;

/** Ascending by index; @param size of the head that they are proved under, beyond which none of them is */
export async function proveEntries(
  db: Db,
  opened: readonly OpenedLeaf[],
  size: number,
): Promise<EvidenceEntry[]> {
  const sorted = opened.toSorted((a, b) => a.index - b.index);
  const entries: EvidenceEntry[] = [];
  for (let at = 0; at < sorted.length; at += AT_ONCE) {
    const some = sorted.slice(at, at + AT_ONCE);
    const leaves = await readLeaves(
      db,
      some.map(({ index }) => index),
    );
    const reader = gatherReads(createLogStore(db).hashes);
    const proofs = await Promise.all(
      some.map(({ index }) => proveInclusion(index, size, reader, nativeSha256)),
    );
    for (const [i, { index, salt, body }] of some.entries()) {
      entries.push({
        index,
        leaf: bytesToBase64Url(leaves.get(index) as Uint8Array),
        salt: bytesToBase64Url(salt),
        body,
        proof: (proofs[i] as Uint8Array[]).map(bytesToBase64Url),
      });
    }
  }
  return entries;
}

async function readLeaves(db: Db, indices: readonly number[]): Promise<Map<number, Uint8Array>> {
  const rows = await db
    .selectFrom('log_leaves')
    .selectAll()
    .where(sql<boolean>`leaf_index = any(${indices}::bigint[])`)
    .execute();
  return new Map(rows.map(({ leaf_index, leaf }) => [leaf_index, leaf]));
}

/** Proofs that are asked for together share most of their hashes, and one query. */
function gatherReads(read: HashReader): HashReader {
  let waiting: {
    ids: SubtreeId[];
    resolve: (hashes: Uint8Array[]) => void;
    reject: (why: unknown) => void;
  }[] = [];
  const nameOf = ({ level, index }: SubtreeId): string => `${level}/${index}`;
  const flush = async (): Promise<void> => {
    const asked = waiting;
    waiting = [];
    try {
      const ids = new Map(asked.flatMap((each) => each.ids.map((id) => [nameOf(id), id] as const)));
      const hashes = await read([...ids.values()]);
      const found = new Map([...ids.keys()].map((name, i) => [name, hashes[i] as Uint8Array]));
      for (const each of asked) each.resolve(each.ids.map((id) => found.get(nameOf(id)) as Uint8Array));
    } catch (error) {
      for (const each of asked) each.reject(error);
    }
  };
  return (ids) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ ids, resolve, reject }) === 1) queueMicrotask(() => void flush());
    });
}
