import canonicalize from 'canonicalize';

import { hasLoneSurrogate, utf8ToBytes } from './bytes.ts';
import { AuditError } from './errors.ts';

// RFC 8785 serialises what JSON.stringify would, so it drops `undefined`, calls `toJSON` and writes -0 as 0: three ways
// in which two different values sign alike. What is not plainly JSON is therefore refused before it is serialised.

const MAX_DEPTH = 64;

/**
 * The one RFC 8785 spelling of a JSON value. Throws `canon/not-json` on undefined, NaN, infinities, -0, lone
 * surrogates, sparse arrays, symbol keys, anything that is not a plain object, and nesting deeper than 64.
 */
export function canonicalJson(value: unknown): string {
  requireJson(value, '$', 0);
  const text = canonicalize(value);
  if (text === undefined) throw notJson('$', 'nothing');
  return text;
}

export function canonicalBytes(value: unknown): Uint8Array {
  return utf8ToBytes(canonicalJson(value));
}

/** Parses JSON that must already be in its RFC 8785 spelling, else throws `canon/not-canonical`. */
export function parseCanonicalJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AuditError('canon/not-canonical', 'not JSON', { cause });
  }
  if (canonicalJson(value) !== text)
    throw new AuditError('canon/not-canonical', 'not the canonical spelling of its JSON');
  return value;
}

function requireJson(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw notJson(path, 'nested too deeply');
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') return requireText(value, path);
  if (typeof value === 'number') return requireNumber(value, path);
  if (Array.isArray(value)) return requireArray(value, path, depth);
  if (typeof value === 'object') return requireObject(value, path, depth);
  throw notJson(path, typeof value);
}

function requireText(value: string, path: string): void {
  if (hasLoneSurrogate(value)) throw notJson(path, 'a string with a lone surrogate');
}

function requireNumber(value: number, path: string): void {
  if (!Number.isFinite(value)) throw notJson(path, 'a number that is not finite');
  if (Object.is(value, -0)) throw notJson(path, 'negative zero');
}

function requireArray(value: unknown[], path: string, depth: number): void {
  if (Object.keys(value).length !== value.length) throw notJson(path, 'an array with holes or extra keys');
  value.forEach((item, i) => requireJson(item, `${path}[${i}]`, depth + 1));
}

function requireObject(value: object, path: string, depth: number): void {
  if (!isPlain(value)) throw notJson(path, 'not a plain object');
  if (Object.getOwnPropertySymbols(value).length > 0) throw notJson(path, 'an object with symbol keys');
  for (const [key, item] of Object.entries(value)) {
    requireText(key, `${path}.${key}`);
    requireJson(item, `${path}.${key}`, depth + 1);
  }
}

/** Also true of plain objects of another realm (a worker, a frame), whose Object.prototype is not ours. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notJson(path: string, what: string): AuditError {
  return new AuditError('canon/not-json', `${path} is ${what}, which canonical JSON cannot carry`);
}
