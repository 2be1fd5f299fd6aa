/**
 * Sums of masks over the reports of a set: what a helper spends its processor on. Each report costs one expansion per set of the
 * family; sums commute, so slices of the reports are summed apart and added, with the same result to the bit.
 */
import { addWords, SEED_BYTES, type HelperSet } from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import { addMaskNow } from './node-prg.ts';

export interface MaskTerms {
  rcHash: Uint8Array;
  /** Length of a sum. */
  words: number;
  /** Numbers, in the family, of the sets to sum for, and who is in them. */
  sets: readonly (readonly [index: number, set: HelperSet])[];
}

/** Seeds of some reports. Survives being sent to a thread. */
export interface SeedSlice extends MaskTerms {
  /** 32 bytes per report and set, report by report. */
  seeds: Uint8Array;
}

/** Cuts the reports into at most `parts` slices of nearly the same size. @throws RegionError 'helper/closed' where a seed is missing */
export function sliceSeeds(
  seeds: readonly ReadonlyMap<number, Uint8Array>[],
  terms: MaskTerms,
  parts: number,
): SeedSlice[] {
  const size = Math.max(1, Math.ceil(seeds.length / parts));
  return Array.from({ length: Math.max(1, Math.ceil(seeds.length / size)) }, (_, part) => {
    const reports = seeds.slice(part * size, (part + 1) * size);
    const bytes = new Uint8Array(reports.length * terms.sets.length * SEED_BYTES);
    reports.forEach((own, i) =>
      terms.sets.forEach(([index], k) => {
        const seed = own.get(index);
        if (seed === undefined) throw new RegionError('helper/closed', `a seed of set ${index} is erased`);
        bytes.set(seed, (i * terms.sets.length + k) * SEED_BYTES);
      }),
    );
    return { ...terms, seeds: bytes };
  });
}

/** @returns a sum per set, modulo 2^32. The seeds of the slice are wiped. */
export function expandSlice({ seeds, rcHash, words, sets }: SeedSlice): Uint32Array<ArrayBuffer>[] {
  // Set by set, so that one sum at a time is in the processor's cache.
  const sums = sets.map(([, set], k) => {
    const sum = new Uint32Array(words);
    for (let at = k * SEED_BYTES; at < seeds.length; at += sets.length * SEED_BYTES)
      addMaskNow(sum, seeds.subarray(at, at + SEED_BYTES), rcHash, set);
    return sum;
  });
  seeds.fill(0);
  return sums;
}

/** Adds the sums of slices up, by set index. @param parts at least one */
export function joinSums(
  parts: readonly Uint32Array<ArrayBuffer>[][],
  { sets }: MaskTerms,
): Map<number, Uint32Array<ArrayBuffer>> {
  const [total, ...rest] = parts as [Uint32Array<ArrayBuffer>[], ...Uint32Array<ArrayBuffer>[][]];
  for (const part of rest) part.forEach((sum, k) => addWords(total[k] as Uint32Array, sum));
  return new Map(sets.map(([index], k) => [index, total[k] as Uint32Array<ArrayBuffer>]));
}
