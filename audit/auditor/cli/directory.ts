/**
 * A tiled log as a directory: what any web server can serve, and where a mirror keeps its copy. Trusted to keep what it is given; whoever
 * can write to it can change it, which a verification of the copy finds. A crash leaves whole files only, and perhaps one that begins
 * with a dot and that nobody reads.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { maxLengthOf, TileError, type TileReader, type TileSink } from '@twinkeep/audit';

export function createDirectoryReader(directory: string): TileReader {
  return async (path) => {
    const length = await lengthOf(join(directory, path));
    if (length === null) throw new TileError('tile/missing', path, 'is not there');
    if (length > maxLengthOf(path)) throw new TileError('tile/malformed', path, 'is too long');
    return readFile(join(directory, path));
  };
}

export function createDirectorySink(directory: string): TileSink {
  return {
    read: createDirectoryReader(directory),
    has: async (path) => (await lengthOf(join(directory, path))) !== null,
    write: async (path, bytes) => {
      const file = join(directory, path);
      const folder = dirname(file);
      await mkdir(folder, { recursive: true });
      const draft = join(folder, `.${basename(file)}.${randomBytes(6).toString('hex')}`);
      await writeDurably(draft, bytes);
      await rename(draft, file);
      await syncFolder(folder);
    },
  };
}

/** Null if there is no such file. */
async function lengthOf(file: string): Promise<number | null> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without it, the name of a file may be lost though its content is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
