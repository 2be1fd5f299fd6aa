/** Files that the user names on the command line: what cannot be read from them cannot be tried. */
import { parseTrust, ProtocolError, type Trust } from '@twinkeep/protocol';
import { readFile } from 'node:fs/promises';

/** What was asked for cannot be tried, so that nothing is known about the file. */
export class UsageError extends Error {}

export async function readTrust(file: string): Promise<Trust> {
  try {
    return parseTrust(await readJson(file));
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}
