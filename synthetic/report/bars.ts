/** The shares that a plot of a column shows: its most frequent words or its bins, and what is missing. */
import { commonCodes, binEdges } from '../evaluate/pair.ts';
import { columnOf, type Table } from '../table.ts';
import { dayToDate } from '../formats/records.ts';

export interface Bar {
  label: string;
  real: number;
  made: number;
}

const MAX_WORDS = 12;

/** Bins are those of the real column. */
export function barsOf(real: Table, synthetic: Table, name: string): Bar[] {
  const column = columnOf(real, name);
  const made = columnOf(synthetic, name);
  const [a, b] = commonCodes(column, made);
  const shareOf = (codes: Int32Array): Map<number, number> => {
    const shares = new Map<number, number>();
    for (const code of codes) shares.set(code, (shares.get(code) ?? 0) + 1 / codes.length);
    return shares;
  };
  const [shares, madeShares] = [shareOf(a), shareOf(b)];
  const bar = (label: string, code: number): Bar => ({
    label,
    real: shares.get(code) ?? 0,
    made: madeShares.get(code) ?? 0,
  });
  const missing = shares.has(-1) || madeShares.has(-1) ? [bar('missing', -1)] : [];
  if (column.kind === 'category' && made.kind === 'category') {
    const words = [...new Set([...column.words, ...made.words])];
    const order = [...words.keys()].sort(
      (x, y) =>
        (shares.get(y) ?? 0) + (madeShares.get(y) ?? 0) - (shares.get(x) ?? 0) - (madeShares.get(x) ?? 0),
    );
    return [...order.slice(0, MAX_WORDS).map((code) => bar(words[code] as string, code)), ...missing];
  }
  const edges = column.kind === 'category' ? new Float64Array() : binEdges(column.values);
  const written = (x: number): string =>
    column.kind === 'date' ? dayToDate(Math.floor(x)) : Number(x.toPrecision(3)).toString();
  const label = (bin: number): string => {
    if (edges.length === 0) return 'all';
    return bin === 0 ? `below ${written(edges[0] as number)}` : `from ${written(edges[bin - 1] as number)}`;
  };
  return [...Array.from({ length: edges.length + 1 }, (_, bin) => bar(label(bin), bin)), ...missing];
}
