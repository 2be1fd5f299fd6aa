/**
 * Words of b bits on the wire. Sums are taken modulo 2^b, and a word of a report or of a sum of masks costs b bits: word i is bits
 * i*b to (i+1)*b - 1 of the byte string, the lowest bit of a byte first. What is left of the last byte is zero.
 *
 * In memory a word has 32 bits; since 2^b divides 2^32, sums may run modulo 2^32 and be cut when they are packed or opened.
 * Whole groups (3 wire words of 32 bits hold 4 words at b = 24, 5 hold 8 at b = 20) are moved at a time; the rest goes bit by bit.
 * Source: secagg-dp research, section 2.3.
 */
import type { ModulusBits } from './grid.ts';
import { addWords } from './mask.ts';
import { littleEndianWords } from './prg.ts';
import { ProtocolError } from './problem.ts';

/** Bytes of that many words. */
export function packedLength(words: number, bits: ModulusBits): number {
  return Math.ceil((words * bits) / 8);
}

/** The lowest b bits of each word. */
export function packWords(words: Uint32Array, bits: ModulusBits): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.ceil(packedLength(words.length, bits) / 4) * 4);
  const wire = new Int32Array(littleEndianWords(out.buffer).buffer);
  const done = packGroups(new Int32Array(words.buffer, words.byteOffset, words.length), wire, bits);
  for (let i = done; i < words.length; i++) writeBits(out, i * bits, words[i] as number, bits);
  return out.subarray(0, packedLength(words.length, bits));
}

/** @throws ProtocolError 'protocol/layout' for another length, or padding that is not zero */
export function unpackWords(bytes: Uint8Array, words: number, bits: ModulusBits): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(words);
  addPacked(out, bytes, bits);
  return out;
}

/** accumulator += words, modulo 2^32, in place. @throws ProtocolError 'protocol/layout', having changed nothing */
export function addPacked(accumulator: Uint32Array, bytes: Uint8Array, bits: ModulusBits): void {
  if (!isPacked(bytes, accumulator.length, bits))
    throw new ProtocolError(
      'protocol/layout',
      `${bytes.length} bytes are not ${accumulator.length} packed words of ${bits} bits`,
    );
  // A slice of a frame need not lie on a word boundary.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const wire = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
  const sum = new Int32Array(accumulator.buffer, accumulator.byteOffset, accumulator.length);
  const done = addGroups(sum, wire, bits);
  for (let i = done; i < sum.length; i++)
    sum[i] = ((sum[i] as number) + readBits(aligned, i * bits, bits)) | 0;
}

/** Read as two's complement of b bits: -2^(b-1) to 2^(b-1) - 1. */
export function signedWords(words: Uint32Array, bits: ModulusBits): Int32Array<ArrayBuffer> {
  const out = new Int32Array(words.length);
  for (let i = 0; i < out.length; i++) out[i] = ((words[i] as number) << (32 - bits)) >> (32 - bits);
  return out;
}

/** Whether length is exact and padding zero: a vector has one byte string only, so that the hash of that is the vector's. */
export function isPacked(bytes: Uint8Array, words: number, bits: ModulusBits): boolean {
  const length = packedLength(words, bits);
  const padding = length * 8 - words * bits;
  return bytes.length === length && (padding === 0 || (bytes[length - 1] as number) >>> (8 - padding) === 0);
}

/** @returns how many words were written */
function packGroups(from: Int32Array, to: Int32Array, bits: ModulusBits): number {
  if (bits === 32) {
    to.set(from);
    return from.length;
  }
  return bits === 24 ? pack24(from, to) : pack20(from, to);
}

function pack24(from: Int32Array, to: Int32Array): number {
  const end = from.length - (from.length % 4);
  for (let i = 0, k = 0; i < end; i += 4, k += 3) {
    const b = from[i + 1] as number;
    const c = from[i + 2] as number;
    to[k] = ((from[i] as number) & 0xffffff) | (b << 24);
    to[k + 1] = ((b >>> 8) & 0xffff) | (c << 16);
    to[k + 2] = ((c >>> 16) & 0xff) | ((from[i + 3] as number) << 8);
  }
  return end;
}

function pack20(from: Int32Array, to: Int32Array): number {
  const end = from.length - (from.length % 8);
  for (let i = 0, k = 0; i < end; i += 8, k += 5) {
    const b = from[i + 1] as number;
    const c = (from[i + 2] as number) & 0xfffff;
    const d = from[i + 3] as number;
    const e = (from[i + 4] as number) & 0xfffff;
    const f = (from[i + 5] as number) & 0xfffff;
    const g = from[i + 6] as number;
    to[k] = ((from[i] as number) & 0xfffff) | (b << 20);
    to[k + 1] = ((b >>> 12) & 0xff) | (c << 8) | (d << 28);
    to[k + 2] = ((d >>> 4) & 0xffff) | (e << 16);
    to[k + 3] = (e >>> 16) | (f << 4) | (g << 24);
    to[k + 4] = ((g >>> 8) & 0xfff) | ((from[i + 7] as number) << 12);
  }
  return end;
}

/** @returns how many words were added */
function addGroups(sum: Int32Array, wire: Int32Array, bits: ModulusBits): number {
  if (bits === 32) {
    addWords(sum, wire);
    return sum.length;
  }
  return bits === 24 ? add24(sum, wire) : add20(sum, wire);
}

function add24(sum: Int32Array, wire: Int32Array): number {
  const end = sum.length - (sum.length % 4);
  for (let i = 0, k = 0; i < end; i += 4, k += 3) {
    const x = wire[k] as number;
    const y = wire[k + 1] as number;
    const z = wire[k + 2] as number;
    sum[i] = ((sum[i] as number) + (x & 0xffffff)) | 0;
    sum[i + 1] = ((sum[i + 1] as number) + ((x >>> 24) | ((y & 0xffff) << 8))) | 0;
    sum[i + 2] = ((sum[i + 2] as number) + ((y >>> 16) | ((z & 0xff) << 16))) | 0;
    sum[i + 3] = ((sum[i + 3] as number) + (z >>> 8)) | 0;
  }
  return end;
}

function add20(sum: Int32Array, wire: Int32Array): number {
  const end = sum.length - (sum.length % 8);
  for (let i = 0, k = 0; i < end; i += 8, k += 5) {
    const v = wire[k] as number;
    const w = wire[k + 1] as number;
    const x = wire[k + 2] as number;
    const y = wire[k + 3] as number;
    const z = wire[k + 4] as number;
    sum[i] = ((sum[i] as number) + (v & 0xfffff)) | 0;
    sum[i + 1] = ((sum[i + 1] as number) + ((v >>> 20) | ((w & 0xff) << 12))) | 0;
    sum[i + 2] = ((sum[i + 2] as number) + ((w >>> 8) & 0xfffff)) | 0;
    sum[i + 3] = ((sum[i + 3] as number) + ((w >>> 28) | ((x & 0xffff) << 4))) | 0;
    sum[i + 4] = ((sum[i + 4] as number) + ((x >>> 16) | ((y & 0xf) << 16))) | 0;
    sum[i + 5] = ((sum[i + 5] as number) + ((y >>> 4) & 0xfffff)) | 0;
    sum[i + 6] = ((sum[i + 6] as number) + ((y >>> 24) | ((z & 0xfff) << 8))) | 0;
    sum[i + 7] = ((sum[i + 7] as number) + (z >>> 12)) | 0;
  }
  return end;
}

function writeBits(bytes: Uint8Array, at: number, value: number, bits: ModulusBits): void {
  for (let k = 0; k < bits; k++)
    if ((value >>> k) & 1) bytes[(at + k) >>> 3] = (bytes[(at + k) >>> 3] as number) | (1 << ((at + k) & 7));
}

function readBits(bytes: Uint8Array, at: number, bits: ModulusBits): number {
  let value = 0;
  for (let k = 0; k < bits; k++) value |= (((bytes[(at + k) >>> 3] as number) >>> ((at + k) & 7)) & 1) << k;
  return value;
}
