/**
 * Keys of a region node. The wrapping key is a file; it seals the node's secret and one random key per twin; a twin's key seals
 * everything that is kept about it. XChaCha20-Poly1305 with random nonces throughout.
 *
 * What is sealed is bound to twin, table and row, so that somebody who can write to the database cannot pass one twin's
 * data off as another's, nor an old consent as a new one in its place.
 *
 * Whoever holds a database dump without the wrapping key learns sizes and counts. Whoever holds both reads everything but what
 * was erased before. A deleted row stays in PostgreSQL's files until they are vacuumed and in backups until they lapse: an
 * erasure is complete when the last copy of the key row is gone.
 */
import { createHmac } from 'node:crypto';
import { bytesToBase64Url, bytesToUtf8, utf8ToBytes } from '@twinkeep/audit';
import { StoreError } from '@twinkeep/edge-client/fleet';
import { decrypt, encrypt, randomBytes } from '@twinkeep/protocol';

export type SealedTable =
  'binding' | 'event' | 'feature' | 'consent' | 'receipt' | 'role' | 'planned_withdrawal';

/** Seals and opens what belongs to one twin. */
export interface TwinCipher {
  seal(table: SealedTable, row: string, plaintext: Uint8Array): Buffer;
  /** @throws StoreError 'store/unreadable' */
  open(table: SealedTable, row: string, sealed: Uint8Array): Uint8Array;
  /** 16 bytes that stand for an event id, and say nothing without the key. */
  eventTag(id: string): Buffer;
}

/** What only this node can compute: pseudonyms and row tags. */
export interface NodeSecret {
  subjectOf(customer: string): string;
  bindingTag(binding: string): Buffer;
  consentTag(id: string): Buffer;
}

export const KEY_BYTES = 32;
const PREFIX = 'twinkeep/1/region';

export function createNodeSecret(secret: Uint8Array): NodeSecret {
  return {
    subjectOf: (customer) => bytesToBase64Url(tag(secret, 'subject', customer)),
    bindingTag: (binding) => tag(secret, 'binding', binding),
    consentTag: (id) => tag(secret, 'consent', id),
  };
}

/** @param key the twin's key in the clear */
export function createTwinCipher(key: Uint8Array, subject: string): TwinCipher {
  const tagKey = mac(key, utf8ToBytes(`${PREFIX}/tags`));
  const context = (table: SealedTable, row: string): Uint8Array =>
    utf8ToBytes([PREFIX, table, subject, row].join('\n'));
  return {
    seal: (table, row, plaintext) => Buffer.from(encrypt(plaintext, key, context(table, row))),
    open(table, row, sealed) {
      const plaintext = decrypt(sealed, key, context(table, row));
      if (plaintext === null)
        throw new StoreError('store/unreadable', `a row of ${table} does not open with the key of its twin`);
      return plaintext;
    },
    eventTag: (id) => tag(tagKey, 'event', id),
  };
}

/** A fresh key, wrapped; `what` binds it to its place (a subject, or the node). */
export function createWrappedKey(
  wrappingKey: Uint8Array,
  what: string,
): { key: Uint8Array; wrapped: Buffer } {
  const key = randomBytes(KEY_BYTES);
  return { key, wrapped: Buffer.from(encrypt(key, wrappingKey, wrapContext(what))) };
}

/** @throws StoreError 'store/unreadable' for another wrapping key, or a row that was moved */
export function unwrapKey(wrapped: Uint8Array, wrappingKey: Uint8Array, what: string): Uint8Array {
  const key = decrypt(wrapped, wrappingKey, wrapContext(what));
  if (key === null) throw new StoreError('store/unreadable', 'a key does not open with this wrapping key');
  return key;
}

export function jsonToBytes(value: unknown): Uint8Array {
  return utf8ToBytes(JSON.stringify(value));
}

/** Reads what this node sealed itself, so the shape is known. */
export function bytesToJson<T>(bytes: Uint8Array): T {
  return JSON.parse(bytesToUtf8(bytes)) as T;
}

function wrapContext(what: string): Uint8Array {
  return utf8ToBytes(`${PREFIX}/key\n${what}`);
}

function tag(key: Uint8Array, kind: string, value: string): Buffer {
  return mac(key, utf8ToBytes(`${kind}\n${value}`)).subarray(0, 16);
}

function mac(key: Uint8Array, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest();
}
