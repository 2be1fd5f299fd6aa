/** One line on a terminal that says how far something is; nothing where nobody watches, as in a pipeline. */
export interface Progress {
  /** Passes the pieces on and counts them. */
  bytes(name: string, pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** For a reader that tells its rows. */
  rows(name: string): (rows: number) => void;
  /** For work that knows how much it is: the share that is done, 0 to 1. */
  share(name: string): (done: number) => void;
  /** For work in several steps, each with a share. */
  step(name: string): (step: number, done: number) => void;
  /** Leaves an empty line. */
  clear(): void;
}

const BAR = 24;

export function createProgress(
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>,
  quiet: boolean,
): Progress {
  const shown = !quiet && stream.isTTY;
  let written = false;
  const show = (text: string): void => {
    if (!shown) return;
    stream.write(`\r\u001b[K${text}`);
    written = text !== '';
  };
  const bar = (done: number): string => {
    const full = Math.round(BAR * done);
    return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.floor(100 * done)} %`;
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
    share: (name) => (done) => show(`${name} ${bar(done)}`),
    step: (name) => (step, done) => show(`${name}, step ${step} ${bar(done)}`),
    clear: () => (written ? show('') : undefined),
  };
}
