/**
 * Large byte columns, read as PostgreSQL keeps them. `pg` reads every value as text, and text of bytes is hex: twice the bytes, written,
 * sent, read and converted again. `COPY … TO STDOUT (FORMAT binary)` sends the bytes themselves, several times faster.
 *
 * It stands behind Kysely's `stream()`, whose cursor this is: `tx.selectFrom(…).select('one_column as bytes').stream(n)`. The rows of one
 * query are in memory together, so the query says how many there are.
 * Format: PostgreSQL documentation, "COPY", section "Binary Format".
 */
import type { PostgresCursor, PostgresCursorConstructor } from 'kysely';
import pg from 'pg';

export interface CopiedRow {
  bytes: Uint8Array;
}

/** Signature (11 bytes), flags, length of the extension (4 bytes each; the extension has been empty since the format exists). */
const HEADER_BYTES = 19;
/** Number of columns (2 bytes), length of the only one (4 bytes). */
const ROW_HEADER_BYTES = 6;
const END_OF_ROWS = -1;

// Kysely calls it with `new`; what a function returns is then the object.
export const CopyCursor = createCopyCursor as unknown as PostgresCursorConstructor;

/** What `pg` asks of whatever is given to `client.query`, as far as a COPY calls it. */
interface CopyQuery {
  submit(connection: { query(text: string): void }): void;
  handleCopyData(message: { chunk: Buffer }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

function createCopyCursor(
  text: string,
  parameters: readonly unknown[],
): CopyQuery & PostgresCursor<CopiedRow> {
  const copy = `copy (${inline(text, parameters)}) to stdout (format binary)`;
  const rows: CopiedRow[] = [];
  let finish: () => void;
  let fail: (error: Error) => void;
  let started = false;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // Whoever reads hears of it; nobody else has to.
  finished.catch(() => undefined);

  return {
    submit: (connection) => connection.query(copy),
    handleCopyData({ chunk }) {
      // One message per row (PostgreSQL documentation, "COPY Operations"); the header comes with the first.
      const row = started ? chunk : chunk.subarray(HEADER_BYTES);
      started = true;
      if (row.readInt16BE(0) === END_OF_ROWS) return;
      if (row.readInt16BE(0) !== 1 || row.readInt32BE(2) !== row.length - ROW_HEADER_BYTES)
        return fail(new RangeError('a copied row is not one column that is not null'));
      // A copy: the driver uses its buffer again. It also begins at a word boundary.
      rows.push({ bytes: Uint8Array.from(row.subarray(ROW_HEADER_BYTES)) });
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery: () => finish(),
    handleError: (error) => fail(error),
    async read(count) {
      await finished;
      return rows.splice(0, count);
    },
    close: () => finished.catch(() => undefined),
  };
}

/** COPY takes no parameters. What Kysely compiled has `$1` nowhere but where a parameter stands. */
function inline(text: string, parameters: readonly unknown[]): string {
  return text.replaceAll(/\$(\d+)/g, (_, n: string) => {
    const value = parameters[Number(n) - 1];
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'string') return pg.escapeLiteral(value);
    throw new TypeError('a copied query takes texts and whole numbers only');
  });
}
