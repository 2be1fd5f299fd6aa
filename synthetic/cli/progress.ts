/** One line on a terminal that says how far something is; nothing where nobody watches. */
export interface Progress {
  /** Passes the pieces on and counts them. */
  bytes(name: string, pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** For a reader that tells its rows. */
  rows(name: string): (rows: number) => void;
}

export function createProgress(stream: NodeJS.WriteStream, quiet: boolean): Progress {
  const shown = !quiet && stream.isTTY;
  const show = (text: string): void => {
    if (shown) stream.write(`\r\u001b[K${text}`);
  };
  return {
    async *bytes(name, pieces) {
      let total = 0;
      for await (const piece of pieces) {
        total += piece.length;
        show(`${name}: ${(total / 1e6).toFixed(1)} MB`);
        yield piece;
      }
      show('');
    },
    rows: (name) => (rows) => show(`${name}: ${rows} rows`),
  };
}
