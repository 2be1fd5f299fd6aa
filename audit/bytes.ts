import { AuditError } from './errors.ts';

// Decoders here are strict: each byte string has exactly one accepted spelling. Signed and hashed files pass through
// them, and a second spelling (upper-case hex, stray padding bits, a byte-order mark) would be a change that no
// signature notices.

const encoder: TextEncoder = new TextEncoder();
const decoder: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const PAD = 0x3d;

interface Alphabet {
  codes: Uint8Array;
  /** Value of each ASCII code, 255 where the code is not of the alphabet. */
  values: Uint8Array;
}

const standard: Alphabet = toAlphabet(STANDARD);
const urlSafe: Alphabet = toAlphabet(URL_SAFE);

/** Standard alphabet, padded (RFC 4648 section 4). */
export function bytesToBase64(bytes: Uint8Array): string {
  const digits = encodeDigits(bytes, standard);
  return digits + '='.repeat((4 - (digits.length % 4)) % 4);
}

/** Padded, standard alphabet, unused bits zero; throws `bytes/malformed` on anything else. */
export function base64ToBytes(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw malformed('base64 length is not a multiple of four');
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === PAD) end--;
  return decodeDigits(text, end, standard);
}

/** URL-safe alphabet, no padding (RFC 4648 section 5): how bytes travel in Twinkeep's JSON. */
export function bytesToBase64Url(bytes: Uint8Array): string {
  return encodeDigits(bytes, urlSafe);
}

/** Unpadded, URL-safe alphabet, unused bits zero; throws `bytes/malformed` on anything else. */
export function base64UrlToBytes(text: string): Uint8Array {
  return decodeDigits(text, text.length, urlSafe);
}

export function bytesToHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** Lower case only; throws `bytes/malformed` on anything else. */
export function hexToBytes(hex: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw malformed('not lower-case hex');
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Throws `bytes/malformed` on a lone surrogate, which UTF-8 cannot carry. */
export function utf8ToBytes(text: string): Uint8Array {
  if (hasLoneSurrogate(text)) throw malformed('text has a lone surrogate');
  return encoder.encode(text);
}

/** Keeps a byte-order mark as a character; throws `bytes/malformed` where the bytes are not UTF-8. */
export function bytesToUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AuditError('bytes/malformed', 'not UTF-8', { cause });
  }
}

export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Looks at every byte whatever the first difference; the lengths are not hidden. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function encodeDigits(bytes: Uint8Array, { codes }: Alphabet): string {
  const digits = new Uint8Array(Math.ceil((bytes.length * 8) / 6));
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    // Writes past the end of a typed array are dropped, which cuts the last group to its digits.
    digits[at++] = codes[group >> 18]!;
    digits[at++] = codes[(group >> 12) & 63]!;
    digits[at++] = codes[(group >> 6) & 63]!;
    digits[at++] = codes[group & 63]!;
  }
  return decoder.decode(digits);
}

function decodeDigits(text: string, end: number, { values }: Alphabet): Uint8Array {
  if (end % 4 === 1) throw malformed('base64 has an impossible length');
  const bytes = new Uint8Array(Math.floor((end * 6) / 8));
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const value = values[text.charCodeAt(i)] ?? 255;
    if (value === 255) throw malformed(`base64 has a foreign character at ${i}`);
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = pending >> bits;
  }
  if ((pending & ((1 << bits) - 1)) !== 0) throw malformed('base64 has stray bits at its end');
  return bytes;
}

function toAlphabet(letters: string): Alphabet {
  const codes = encoder.encode(letters);
  const values = new Uint8Array(128).fill(255);
  codes.forEach((code, value) => (values[code] = value));
  return { codes, values };
}

function malformed(message: string): AuditError {
  return new AuditError('bytes/malformed', message);
}
