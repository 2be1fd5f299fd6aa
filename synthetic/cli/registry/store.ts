/**
 * A registry of data sets in a folder. Two processes may add at once and any may be killed at any moment:
 *
 *   objects/HEX          a file's bytes under the SHA-256 of them: written beside, synced, moved there whole; never changed
 *   sets/NAME/N.json     a version: written beside, synced, and linked to its number, which fails for whoever comes second, who
 *                        then takes the next one. Its files are there before it is, so a version that can be read is complete
 *   partial/             what is being written. Whoever adds next removes what dead processes of this machine left there
 *
 * Whoever can write to the folder can replace everything in it: hashes are checked when rows are read, signatures there are none.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { NAME, parseVersion, type DataSetVersion, type StoredFile } from '@twinkeep/synthetic/registry';
import { SyntheticError } from '@twinkeep/synthetic/synthesize';
import { readJson } from '../files.ts';

export interface Registry {
  /** Keeps a file; the same bytes are kept once. */
  store(file: string, mediaType: string): Promise<StoredFile>;
  /** Under the next number of its name. */
  add(version: Omit<DataSetVersion, 'format' | 'version' | 'previous' | 'created'>): Promise<DataSetVersion>;
  /** By name, then by number. */
  list(): Promise<DataSetVersion[]>;
  /** `NAME` or `NAME@N`; without a number the last. @throws SyntheticError 'synthetic/registry' */
  read(reference: string): Promise<DataSetVersion>;
  /** Where the file lies, after its bytes were compared with its hash. @throws SyntheticError 'synthetic/registry' */
  path(file: StoredFile): Promise<string>;
}

export function createRegistry(folder: string, now: () => Date): Registry {
  const objects = join(folder, 'objects');
  const partial = join(folder, 'partial');
  const setFolder = (name: string): string => join(folder, 'sets', name);
  const versionFile = (name: string, version: number): string => join(setFolder(name), `${version}.json`);

  return {
    async store(file, mediaType) {
      await mkdir(objects, { recursive: true });
      await clearDead(partial);
      const place = join(partial, partialName());
      const hash = createHash('sha256');
      let bytes = 0;
      await writeSynced(place, async (write) => {
        for await (const chunk of createReadStream(file)) {
          hash.update(chunk as Uint8Array);
          bytes += (chunk as Uint8Array).length;
          await write(chunk as Uint8Array);
        }
      });
      const digest = hash.digest();
      await rename(place, join(objects, digest.toString('hex')));
      await syncFolder(objects);
      return { hash: `sha-256:${digest.toString('base64url')}`, bytes, mediaType };
    },

    async add(given) {
      if (!NAME.test(given.name))
        throw new SyntheticError(
          'synthetic/registry',
          `${given.name} is no name: small letters, digits, dots, hyphens and underscores, at most 100`,
        );
      await mkdir(setFolder(given.name), { recursive: true });
      for (;;) {
        const last = (await numbersOf(setFolder(given.name))).at(-1) ?? 0;
        const previous = last === 0 ? null : await hashOf(versionFile(given.name, last));
        const version: DataSetVersion = {
          format: 1,
          ...given,
          version: last + 1,
          created: now().toISOString(),
          previous,
        };
        const place = join(partial, partialName());
        await writeSynced(place, (write) => write(`${JSON.stringify(version, null, 2)}\n`));
        try {
          await link(place, versionFile(given.name, last + 1));
        } catch (error) {
          // Another process took this number: the next one, after that version.
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
          throw error;
        } finally {
          await rm(place, { force: true });
        }
        await syncFolder(setFolder(given.name));
        return version;
      }
    },

    async list() {
      const versions: DataSetVersion[] = [];
      for (const name of (await entriesOf(join(folder, 'sets'))).toSorted())
        for (const number of await numbersOf(setFolder(name)))
          versions.push(await readVersion(versionFile(name, number)));
      return versions;
    },

    async read(reference) {
      const [, name = '', number] = /^([^@]*)(?:@([1-9]\d*))?$/.exec(reference) ?? [];
      const numbers = NAME.test(name) ? await numbersOf(setFolder(name)) : [];
      const wanted = number === undefined ? numbers.at(-1) : Number(number);
      if (wanted === undefined || !numbers.includes(wanted))
        throw new SyntheticError('synthetic/registry', `there is no ${reference} in ${folder}`);
      return readVersion(versionFile(name, wanted));
    },

    async path({ hash }) {
      const file = join(objects, hashToHex(hash));
      const found = await hashOf(file).catch((error: unknown) => {
        throw new SyntheticError('synthetic/registry', `is not there: ${(error as Error).message}`, { file });
      });
      if (found !== hash)
        throw new SyntheticError('synthetic/registry', 'its bytes are not those that were added', { file });
      return file;
    },
  };
}

export function hashToHex(hash: string): string {
  return Buffer.from(hash.slice('sha-256:'.length), 'base64url').toString('hex');
}

async function readVersion(file: string): Promise<DataSetVersion> {
  return parseVersion(await readJson(file), file);
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return `sha-256:${hash.digest('base64url')}`;
}

/** Ascending. */
async function numbersOf(setFolder: string): Promise<number[]> {
  return (await entriesOf(setFolder))
    .flatMap((file) => /^([1-9]\d*)\.json$/.exec(file)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function writeSynced(
  file: string,
  fill: (write: (piece: Uint8Array | string) => Promise<void>) => Promise<void>,
): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  try {
    const handle = await open(file, 'wx');
    try {
      await fill((piece) => handle.writeFile(piece));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** What was moved or linked there is there after a power cut, too. Some systems cannot sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function partialName(): string {
  return `${encodeURIComponent(hostname())}~${process.pid}~${randomUUID()}`;
}

async function clearDead(partial: string): Promise<void> {
  for (const name of await entriesOf(partial)) {
    const [host, pid] = name.split('~');
    if (host === encodeURIComponent(hostname()) && !isAlive(Number(pid)))
      await rm(join(partial, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
