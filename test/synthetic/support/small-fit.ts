/** A small table, fitted, sampled and written: the same text in Node, in a page and in a worker. */
import { readCsv, tableToCsv } from '@twinkeep/synthetic/csv';
import { tablesToBytes } from '@twinkeep/synthetic/formats';
import { fitMst, sample } from '@twinkeep/synthetic/synthesize';
import { knownSchema, knownTable } from './tables.ts';

/** SHA-256 of the rows as CSV and as Parquet, drawn from a model without noise. */
export const PINNED_SMALL_FIT = '2239ce21c357f7bd06caf97e6f34d4b34f7eb8a634db9509f121b58e45e5660a';

export async function smallFit(): Promise<string> {
  const file = new TextEncoder().encode([...tableToCsv(knownTable(400, 2))].join(''));
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += 1_000) yield file.subarray(at, at + 1_000);
  }
  const table = await readCsv(chunks(), { file: 'small.csv', schema: knownSchema });
  const model = await fitMst(table, knownSchema, { target: 'left' });
  const rows = sample(model, { rows: 300, seed: 6, where: { plan: { is: 'basic' } } });
  const pieces: Uint8Array[] = [new TextEncoder().encode([...tableToCsv(rows)].join(''))];
  for await (const piece of tablesToBytes([rows], knownSchema, 'parquet')) pieces.push(piece);
  const bytes = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** With the platform's own noise: the rows of a private model, how many there are and what it promises. */
export async function smallPrivateFit(): Promise<{ rows: number; epsilon: number | undefined }> {
  const model = await fitMst(knownTable(2_000, 2), knownSchema, { target: 'left', epsilon: 5, delta: 1e-5 });
  return { rows: sample(model, { rows: 100, seed: 1 }).rows, epsilon: model.privacy?.epsilon };
}
