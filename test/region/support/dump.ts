/** Every row of every table of a database as one text, as somebody reads it who has a copy of it. */
import { connectSql } from './sql.ts';

export async function dumpDatabase(url: string): Promise<string> {
  const client = connectSql(url);
  try {
    const tables = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    );
    const rows: string[] = [];
    for (const { name } of tables) {
      const some = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      rows.push(...some.map(({ row }) => `${name} ${row}`));
    }
    return rows.join('\n');
  } finally {
    await client.end();
  }
}

/** Is it there as text, or as the bytes of the text, in hexadecimal or base64? */
export function finds(dump: string, value: string | Uint8Array): boolean {
  const bytes = Buffer.from(value);
  const spellings = [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')];
  // Base64 of a text that stands inside a longer one begins at another bit; the middle of each shift is enough.
  for (const shift of [1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4);
    if (shifted.length >= 8) spellings.push(shifted, shifted.replaceAll('+', '-').replaceAll('/', '_'));
  }
  if (typeof value === 'string') spellings.push(value);
  const lower = dump.toLowerCase();
  return spellings.some((spelling) => dump.includes(spelling) || lower.includes(spelling.toLowerCase()));
}
