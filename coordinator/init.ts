/** Makes the key files that a configuration names and that are not there yet. What is there is never overwritten. */
import { bytesToBase64Url, createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import { createSigningKey, exportSigningKey, importSigningKey, randomBytes } from '@twinkeep/protocol';
import { writeFile } from 'node:fs/promises';
import { readKeyFile, readSecret, readSettings } from './config.ts';
import { KEY_BYTES } from './store/seal.ts';

/**
 * @param origin the log's name, for ever
 * @returns the coordinator's part of the trust file: what everyone else pins
 */
export async function initKeys(
  configFile: string,
  origin: string,
): Promise<{ coordinator: { key: string }; log: { vkey: string } }> {
  const { keyFile, logKeyFile, vaultKeyFile } = await readSettings(configFile);
  await writeNewKey(keyFile);
  await writeNewKey(logKeyFile);
  await writeNew(vaultKeyFile, bytesToBase64Url(randomBytes(KEY_BYTES)));
  await readSecret(vaultKeyFile);
  const key = await importSigningKey(await readKeyFile(keyFile));
  const logKey = await importSigningKey(await readKeyFile(logKeyFile));
  return {
    coordinator: { key: key.id },
    log: { vkey: noteKeyToVkey(createNoteKey(origin, logKey.publicKey)) },
  };
}

async function writeNewKey(file: string): Promise<void> {
  await writeNew(file, JSON.stringify(await exportSigningKey(await createSigningKey(true)), null, 2));
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, `${text}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
