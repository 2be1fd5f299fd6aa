/**
 * What is done once: a key, and a database bound to it. Both are made new and never over something: a witness that goes on with its key
 * and an empty database would cosign any history again.
 */
import { createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import { generateKeyPairSync } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { readConfig, readSigner, type WitnessConfig } from './config.ts';
import { WitnessError } from './errors.ts';
import { bindDatabase, migrate } from './store/bind.ts';
import { openDatabase } from './store/database.ts';

/** What goes into the trust files of those who rely on this witness. */
export interface WitnessIdentity {
  name: string;
  vkey: string;
}

/** Makes the key file. @throws WitnessError 'config/key-exists' */
export async function generateKey(configFile: string): Promise<WitnessIdentity> {
  const config = await readConfig(configFile);
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  try {
    await writeFile(config.keyFile, `${JSON.stringify(jwk, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new WitnessError('config/key-exists', `${config.keyFile}: there is a key already`);
  }
  return readIdentity(config);
}

/**
 * Makes the key, if it is not there, and its database. Done again, it changes nothing.
 * @param unusedKey the operator's word that a key that is there already has never cosigned anything
 * @throws WitnessError 'store/lost' where there is a key and the database knows nothing of it; 'store/foreign'
 */
export async function initWitness(
  configFile: string,
  { unusedKey = false }: { unusedKey?: boolean } = {},
): Promise<WitnessIdentity> {
  const config = await readConfig(configFile);
  const isNewKey = !(await exists(config.keyFile));
  if (isNewKey) await generateKey(configFile);
  const identity = await readIdentity(config);
  const db = openDatabase(config.databaseUrl, () => undefined);
  try {
    await migrate(db);
    await bindDatabase(db, identity.vkey, isNewKey || unusedKey);
  } finally {
    await db.destroy();
  }
  return identity;
}

async function readIdentity({ name, keyFile }: WitnessConfig): Promise<WitnessIdentity> {
  const { publicKey } = await readSigner(keyFile);
  return { name, vkey: noteKeyToVkey(createNoteKey(name, publicKey, 'cosignature')) };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
