/** Makes the key files that a party's configuration names and that are not there yet. What is there is never overwritten. */
import { writeFile } from 'node:fs/promises';
import { bytesToBase64Url } from '@twinkeep/audit';
import { createSigningKey, exportSigningKey, randomBytes, sodiumReady, thumbprint } from '@twinkeep/protocol';
import { KEY_BYTES } from '../store/cipher.ts';
import { readHelperConfig, readKey, readRegionConfig, readWrappingKey } from './config.ts';

/** @returns what others need to know: the public key, and its thumbprint for the issuer of credentials */
export async function initRegion(configFile: string): Promise<{ key: string; jkt: string }> {
  await sodiumReady;
  const { keyFile, wrappingKeyFile } = await readRegionConfig(configFile);
  await writeKey(keyFile);
  await writeNew(wrappingKeyFile, `${bytesToBase64Url(randomBytes(KEY_BYTES))}\n`);
  await readWrappingKey(wrappingKeyFile);
  const { id, publicKey } = await readKey(keyFile);
  return { key: id, jkt: thumbprint(publicKey) };
}

/** @returns what goes into everybody's trust file */
export async function initHelper(configFile: string): Promise<{ j: number; key: string }> {
  const { j, keyFile } = await readHelperConfig(configFile);
  await writeKey(keyFile);
  const { id } = await readKey(keyFile);
  return { j, key: id };
}

async function writeKey(file: string): Promise<void> {
  const key = await createSigningKey(true);
  await writeNew(file, `${JSON.stringify(await exportSigningKey(key), null, 2)}\n`);
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
