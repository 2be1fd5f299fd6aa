/** Looking for bytes that should not be there, in any of the spellings in which they could lie about. */
import pg from 'pg';

/** Every value of every table of a database, as bytes: text as UTF-8, bytea as it is. */
export async function dumpDatabase(url: string): Promise<Uint8Array> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const parts: Uint8Array[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<unknown[]>({ text: `select * from ${name}`, rowMode: 'array' });
      for (const value of rows.flat()) {
        if (value !== null)
          parts.push(value instanceof Uint8Array ? value : Buffer.from(valueToText(value)), SEPARATOR);
      }
    }
    return Buffer.concat(parts);
  } finally {
    await client.end();
  }
}

const SEPARATOR = Uint8Array.of(0);

function valueToText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** True where the needle stands in the haystack: raw, in hex, or in base64 or base64url at any of three alignments. */
export function contains(haystack: Uint8Array, needle: Uint8Array): boolean {
  const hay = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength);
  const bytes = Buffer.from(needle);
  const spellings: (Buffer | string)[] = [bytes, bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  for (let shift = 0; shift < 3; shift++) {
    // Only whole groups inside the needle: what stands before and after it is not known.
    const start = (3 - shift) % 3;
    const end = start + Math.floor((bytes.length - start) / 3) * 3;
    if (end <= start) continue;
    const group = bytes.subarray(start, end);
    spellings.push(group.toString('base64').replaceAll('=', ''), group.toString('base64url'));
  }
  return spellings.some((spelling) => hay.includes(spelling));
}
