import { createHash } from 'node:crypto';

// The definitions of RFC 6962 section 2.1 written down as they stand there, recursive and slow, over another SHA-256: what
// the library's iterative ones are compared with.

export function mth(data: Uint8Array[]): Uint8Array {
  if (data.length === 0) return sha256();
  if (data.length === 1) return sha256(Uint8Array.of(0), data[0]!);
  const k = split(data.length);
  return sha256(Uint8Array.of(1), mth(data.slice(0, k)), mth(data.slice(k)));
}

export function path(m: number, data: Uint8Array[]): Uint8Array[] {
  if (data.length === 1) return [];
  const k = split(data.length);
  if (m < k) return [...path(m, data.slice(0, k)), mth(data.slice(k))];
  return [...path(m - k, data.slice(k)), mth(data.slice(0, k))];
}

export function consistency(m: number, data: Uint8Array[]): Uint8Array[] {
  return subproof(m, data, true);
}

function subproof(m: number, data: Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === data.length) return whole ? [] : [mth(data)];
  const k = split(data.length);
  if (m <= k) return [...subproof(m, data.slice(0, k), whole), mth(data.slice(k))];
  return [...subproof(m - k, data.slice(k), false), mth(data.slice(0, k))];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
