/** Makes the key files that a configuration names and that are not there yet. What is there is never overwritten. */
import { createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import { createSigningKey, exportSigningKey, importSigningKey } from '@twinkeep/protocol';
import { writeFile } from 'node:fs/promises';
import { readKeyFile, readSettings } from './config.ts';

/**
 * @param origin the log's name, for ever
 * @returns the coordinator's part of the trust file: what everyone else pins
 */
export async function initKeys(
  configFile: string,
  origin: string,
): Promise<{ coordinator: { key: string }; log: { vkey: string } }> {
  const { keyFile, logKeyFile } = await readSettings(configFile);
  await writeNewKey(keyFile);
  await writeNewKey(logKeyFile);
  const key = await importSigningKey(await readKeyFile(keyFile));
  const logKey = await importSigningKey(await readKeyFile(logKeyFile));
  return {
    coordinator: { key: key.id },
    log: { vkey: noteKeyToVkey(createNoteKey(origin, logKey.publicKey)) },
  };
}

async function writeNewKey(file: string): Promise<void> {
  const jwk = await exportSigningKey(await createSigningKey(true));
  try {
    await writeFile(file, `${JSON.stringify(jwk, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
