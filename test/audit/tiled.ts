import {
  completeSubtrees,
  cosign,
  createLeaf,
  createNoteKey,
  createSigner,
  EMPTY_ROOT,
  equalBytes,
  exportTiles,
  foldSubtrees,
  noteKeyToVkey,
  publishedToBytes,
  readNote,
  signCheckpoint,
  TileError,
  type ExportTilesOptions,
  type LogPolicy,
  type PublishedLogPolicy,
  type TileReader,
  type TileSink,
} from '@twinkeep/audit';

import { treeReader } from './tree.ts';

export const origin = 'tiles.example/log';
export const signer = createSigner(new Uint8Array(32).fill(21));
export const vkey: string = noteKeyToVkey(createNoteKey(origin, signer.publicKey));

/** What a web server would serve, by path. */
export type Files = Map<string, Uint8Array>;

export interface TiledLog {
  leaves: Uint8Array[];
  /** The signed checkpoint of the first `size` leaves. */
  noteOf(size: number): Promise<string>;
  /** The files of the first `size` leaves, added to those of `from` if there are any. */
  publish(
    size: number,
    more?: Partial<Pick<ExportTilesOptions, 'pruning' | 'from'>> & { files?: Files; note?: string },
  ): Promise<Files>;
}

export function createTiledLog(leaves: Uint8Array[]): TiledLog {
  const hashes = treeReader(leaves);
  const log: ExportTilesOptions['log'] = {
    hashes,
    leaves: (start, end) => Promise.resolve(leaves.slice(start, end)),
  };
  const noteOf = async (size: number): Promise<string> => {
    const peaks = await hashes(completeSubtrees(0, size));
    return signCheckpoint({ origin, size, root: size === 0 ? EMPTY_ROOT : foldSubtrees(peaks) }, signer);
  };
  return {
    leaves,
    noteOf,
    publish: async (size, { files = new Map(), note, ...more } = {}) => {
      const head = { size, note: note ?? (await noteOf(size)) };
      for await (const { path, bytes } of exportTiles({ log, head, ...more })) files.set(path, bytes);
      return files;
    },
  };
}

/** Paths at which two directories differ, some thousand times faster than `toEqual`. */
export function differences(a: Files, b: Files): string[] {
  const paths = new Set([...a.keys(), ...b.keys()]);
  const none = Uint8Array.of(0);
  return [...paths].filter((path) => !equalBytes(a.get(path) ?? none, b.get(path) ?? none));
}

/** Counts what is read, and copies it, as a network would. */
export function readerOf(files: Files, asked: string[] = []): TileReader {
  return async (path) => {
    asked.push(path);
    const bytes = files.get(path);
    if (bytes === undefined) throw new TileError('tile/missing', path, 'is not there');
    return bytes.slice();
  };
}

export function sinkOf(files: Files, written: string[] = []): TileSink {
  return {
    read: readerOf(files),
    has: (path) => Promise.resolve(files.has(path)),
    write: async (path, bytes) => {
      written.push(path);
      files.set(path, bytes.slice());
    },
  };
}

export interface PolicyEntry {
  entry: Uint8Array;
  pruning: PublishedLogPolicy;
}

/** A log policy as the entry at `leaf`. */
export function policyEntry(leaf: number, minimumIndex: number): PolicyEntry {
  const policy: LogPolicy = { v: 1, minimumIndex, retention: { consent: 3650 }, otherwise: 30 };
  const salt = new Uint8Array(32).fill(3);
  const at = new Date('2026-03-01T00:00:00Z');
  const { leaf: entry } = createLeaf({ type: 'log-policy', at, body: policy, salt });
  return { entry, pruning: { leaf, salt, body: policy } };
}

export function withPolicy(files: Files, published: PublishedLogPolicy): Files {
  return new Map(files).set('log-policy.json', publishedToBytes(published));
}

export async function cosigned(note: string, name: string, seed: number): Promise<[string, string]> {
  const witness = createSigner(new Uint8Array(32).fill(seed));
  const line = await cosign(readNote(note, []).text, { name, signer: witness }, 1_700_000_000);
  return [note + line, noteKeyToVkey(createNoteKey(name, witness.publicKey, 'cosignature'))];
}
