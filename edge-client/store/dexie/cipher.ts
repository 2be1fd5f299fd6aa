/**
 * How rows are sealed. Everything here is WebCrypto, so that a page that only records events loads no libsodium.
 *
 *   root     AES-256-GCM key, made by the browser, not extractable, kept as a CryptoKey object; it only wraps.
 *   secret   32 random bytes for the store and 32 for each twin, wrapped by the root (AES-GCM, its place is authenticated).
 *            They are unwrapped straight into HKDF keys and never seen by script.
 *   seal     HKDF-SHA-256(secret, info "…/seal"): AES-256-GCM, not extractable; random 96-bit nonce before the ciphertext.
 *            Authenticated with it: table, twin, row and every field of the row that is in the clear, so that whoever can write
 *            to the database can pass no row off as another's, nor move a day of retention.
 *   tags     HKDF-SHA-256(secret, info "…/tags"): HMAC-SHA-256, not extractable; 16 bytes stand for an identifier that rows must
 *            be found or kept unique by, and say nothing without the key.
 *   category SHA-256(k ‖ row id ‖ category), 8 bytes, k = 32 bytes of HKDF-SHA-256(secret, info "…/categories"). It tells the
 *            consent gate the category of a sealed row, see gate.ts. Inputs have a fixed length and the output is cut, so that
 *            nothing can be appended; the row id goes in, so that equal categories do not show as equal. The gate runs inside
 *            transactions, which end as soon as they wait for WebCrypto, so k alone lies in the memory of the page.
 *
 * Trust: a script of the same origin can do all that this code can. Somebody with the files of the browser reads lengths, counts
 * and days of retention, and finds in Chromium's files the root too, since a browser has nowhere else to keep it: what is sealed is
 * as safe as the profile, and an erasure as good as the erasure of the root, see erase.ts.
 */
import { bytesToBase64Url, concatBytes, equalBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import { CATEGORIES, type Category } from '@twinkeep/consent';
import { StoreError } from '../errors.ts';

/** What is sealed belongs to one row of one table of one twin ('' for the store itself). */
export interface Place {
  table: string;
  twin: string;
  row: string;
  /** Fields of the row that are not sealed. */
  clear?: string;
}

export interface Cipher {
  seal(place: Place, plaintext: Uint8Array): Promise<Uint8Array>;
  /** @throws StoreError 'store/unreadable' */
  open(place: Place, sealed: Uint8Array): Promise<Uint8Array>;
  /** 22 characters that stand for what is named. */
  tag(kind: string, ...names: readonly (string | number)[]): Promise<string>;
  categories: CategoryTags;
}

/** Synchronous, for use within a transaction. */
export interface CategoryTags {
  create(row: string, category: Category): Uint8Array;
  /** Is the row of one of these categories? False for a tag that was not made for it. */
  isAmong(row: string, tag: unknown, categories: ReadonlySet<Category>): boolean;
}

const PREFIX = 'twinkeep/1/dexie';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CATEGORY_BYTES = 8;

/** @throws NotSupportedError and the like where the browser lacks an algorithm */
export function createRootKey(crypto: Crypto): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
}

/** @param what binds the secret to its place: the id of a twin's row, or 'store' */
export async function createSecret(crypto: Crypto, root: CryptoKey, what: string): Promise<Uint8Array> {
  const secret = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const wrapped = await crypto.subtle.wrapKey('raw', secret, root, wrapParameters(iv, what));
  return concatBytes(iv, new Uint8Array(wrapped));
}

/** @throws StoreError 'store/unreadable' for another root, or a secret that was moved */
export async function openSecret(
  crypto: Crypto,
  root: CryptoKey,
  wrapped: Uint8Array,
  what: string,
): Promise<Cipher> {
  const iv = new Uint8Array(wrapped.subarray(0, NONCE_BYTES));
  const key = new Uint8Array(wrapped.subarray(NONCE_BYTES));
  const secret = await crypto.subtle
    .unwrapKey('raw', key, root, wrapParameters(iv, what), 'HKDF', false, ['deriveKey', 'deriveBits'])
    .catch((cause: unknown) => {
      throw new StoreError('store/unreadable', 'a key does not open with the root key of this store', {
        cause,
      });
    });
  return createCipher(crypto, secret);
}

async function createCipher(crypto: Crypto, secret: CryptoKey): Promise<Cipher> {
  const { subtle } = crypto;
  const aes = { name: 'AES-GCM', length: 256 };
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  const [sealKey, tagKey, categoryKey] = await Promise.all([
    subtle.deriveKey(hkdf('seal'), secret, aes, false, ['encrypt', 'decrypt']),
    subtle.deriveKey(hkdf('tags'), secret, hmac, false, ['sign']),
    subtle.deriveBits(hkdf('categories'), secret, 256),
  ]);
  return {
    async seal(place, plaintext) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const body = await subtle.encrypt(gcm(iv, place), sealKey, new Uint8Array(plaintext));
      return concatBytes(iv, new Uint8Array(body));
    },
    async open(place, sealed) {
      const iv = new Uint8Array(sealed.subarray(0, NONCE_BYTES));
      try {
        const body = new Uint8Array(sealed.subarray(NONCE_BYTES));
        return new Uint8Array(await subtle.decrypt(gcm(iv, place), sealKey, body));
      } catch (cause) {
        throw new StoreError('store/unreadable', `a row of ${place.table} does not open with its key`, {
          cause,
        });
      }
    },
    async tag(kind, ...names) {
      const mac = await subtle.sign('HMAC', tagKey, bytesOf(JSON.stringify([kind, ...names])));
      return bytesToBase64Url(new Uint8Array(mac, 0, TAG_BYTES));
    },
    categories: createCategoryTags(new Uint8Array(categoryKey)),
  };
}

function createCategoryTags(key: Uint8Array): CategoryTags {
  const create: CategoryTags['create'] = (row, category) => {
    const number = Uint8Array.of(CATEGORIES.indexOf(category));
    return sha256(concatBytes(key, utf8ToBytes(row), number)).slice(0, CATEGORY_BYTES);
  };
  return {
    create,
    isAmong: (row, tag, categories) =>
      tag instanceof Uint8Array && [...categories].some((category) => equalBytes(create(row, category), tag)),
  };
}

/** A name that nothing can be read from: 22 characters of base64url. */
export function createRowId(crypto: Crypto): string {
  return bytesToBase64Url(crypto.getRandomValues(new Uint8Array(TAG_BYTES)));
}

function hkdf(purpose: string): HkdfParams {
  // No salt: the secret is uniform already (RFC 5869, section 3.1).
  return { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: bytesOf(`${PREFIX}/${purpose}`) };
}

function gcm(iv: Uint8Array<ArrayBuffer>, { table, twin, row, clear = '' }: Place): AesGcmParams {
  const additionalData = bytesOf(JSON.stringify([PREFIX, table, twin, row, clear]));
  return { name: 'AES-GCM', iv, additionalData };
}

function wrapParameters(iv: Uint8Array<ArrayBuffer>, what: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: bytesOf(`${PREFIX}/secret\n${what}`) };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(utf8ToBytes(text));
}
