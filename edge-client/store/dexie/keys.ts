/**
 * The keys of a store, made once. Keys are made before the transaction that keeps them, which takes those of another tab where
 * that was faster: two tabs that open a new store at the same time get the same keys. A crash leaves all of them or none.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import type { SigningKey } from '@twinkeep/protocol';
import { StoreError } from '../errors.ts';
import { createRootKey, createSecret, openSecret, type Cipher } from './cipher.ts';
import type { KeyRow, StoreDatabase } from './schema.ts';

export interface StoreKeys {
  root: CryptoKey;
  /** What is sealed for the store as a whole. */
  cipher: Cipher;
  /** Was the store made by this opening? */
  created: boolean;
}

const STORE = 'store';

/** @returns null where an erasure was begun here and not ended. @throws StoreError 'store/corrupt', 'store/unreadable' */
export async function openKeys(db: StoreDatabase, crypto: Crypto): Promise<StoreKeys | null> {
  const present = await readKeys(db);
  if (present === 'erasing') return null;
  const keys = present ?? (await createKeys(db, crypto));
  const cipher = await openSecret(crypto, keys.root, keys.wrapped, STORE);
  return { root: keys.root, cipher, created: keys.created };
}

/** The device's signing key, made where there is none. Nobody can read it out, this page included. */
export async function openDeviceKey(db: StoreDatabase, crypto: Crypto): Promise<SigningKey> {
  const row = (await db.key.get('device')) ?? (await createDeviceKey(db, crypto));
  if (row.id !== 'device') throw new StoreError('store/corrupt', 'the key of the device has another form');
  const { privateKey, publicKey } = row;
  return {
    id: bytesToBase64Url(publicKey),
    publicKey,
    privateKey,
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, new Uint8Array(message))),
  };
}

interface RawKeys {
  root: CryptoKey;
  wrapped: Uint8Array;
  created: boolean;
}

async function readKeys(db: StoreDatabase): Promise<RawKeys | 'erasing' | null> {
  const tables = [db.key, db.twin, db.report, db.log];
  const [rows, kept] = await db.transaction('r', tables, async () => [
    await db.key.toArray(),
    (await db.twin.count()) + (await db.report.count()) + (await db.log.count()),
  ]);
  if (rows.some(({ id }) => id === 'erasing')) return 'erasing';
  const keys = findKeys(rows);
  if (keys === null && (rows.length > 0 || kept > 0))
    throw new StoreError('store/corrupt', 'the keys of this store are gone');
  return keys;
}

async function createKeys(db: StoreDatabase, crypto: Crypto): Promise<RawKeys> {
  const root = await createRootKey(crypto);
  const wrapped = await createSecret(crypto, root, STORE);
  return db.transaction('rw', db.key, async () => {
    const faster = findKeys(await db.key.toArray());
    if (faster !== null) return faster;
    await db.key.bulkAdd([
      { id: 'root', key: root },
      { id: STORE, wrapped },
    ]);
    return { root, wrapped, created: true };
  });
}

function findKeys(rows: readonly KeyRow[]): RawKeys | null {
  const root = rows.find((row) => row.id === 'root');
  const store = rows.find((row) => row.id === STORE);
  if (root === undefined || store === undefined) return null;
  return { root: root.key, wrapped: store.wrapped, created: false };
}

async function createDeviceKey(db: StoreDatabase, crypto: Crypto): Promise<KeyRow> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  const made: KeyRow = { id: 'device', privateKey, publicKey: raw };
  return db.transaction('rw', db.key, async () => {
    const faster = await db.key.get('device');
    if (faster !== undefined) return faster;
    // A store whose keys are gone must not look like one that has some.
    if ((await db.key.get('root')) === undefined)
      throw new StoreError('store/closed', 'the store was erased');
    await db.key.add(made);
    return made;
  });
}
