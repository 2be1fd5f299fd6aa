/** Whoever owns the database: changes one field of one row, or the row itself, past every constraint; and puts the table back. */
import pg from 'pg';

/** A number below n, the same for the same seed. */
export type Draw = (n: number) => number;

export function createDraw(seed: number): Draw {
  let state = seed >>> 0;
  return (n) => {
    // xorshift32 over a Weyl sequence: which row is changed is all that depends on it.
    state = (state + 0x9e3779b9) >>> 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x85ebca6b) ^ (x >>> 13);
    x = Math.imul(x, 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) % n;
  };
}

export interface Mutation {
  table: string;
  /** Column, or what was done to the row. */
  what: string;
}

export interface Tamperer {
  /** @returns null where the database itself refused it: no two rows of one name, no number where a text is */
  mutate(table: string, draw: Draw): Promise<Mutation | null>;
  restore(table: string): Promise<void>;
  query(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** What is in the tables now is what they are put back to. @param url as the superuser */
export async function createTamperer(url: string, tables: readonly string[]): Promise<Tamperer> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // Neither references nor triggers hold up whoever owns the server.
  await client.query("set session_replication_role = 'replica'");
  await client.query('create schema kept');
  for (const table of tables) await client.query(`create table kept.${table} as table public.${table}`);

  const columnsOf = async (table: string): Promise<{ name: string; type: string }[]> => {
    const { rows } = await client.query<{ name: string; type: string }>(
      `select attname as name, format_type(atttypid, null) as type from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [table],
    );
    return rows;
  };

  const change = async (table: string, draw: Draw): Promise<string> => {
    const { rows } = await client.query<{ ctid: string }>(`select ctid::text from ${table} order by ctid`);
    const { ctid } = rows[draw(rows.length)] as { ctid: string };
    // No head is shown before witnesses have cosigned one, and they will again: the loss of that row is no harm.
    if (draw(20) === 0 && table !== 'witnessed_heads') {
      await client.query(`delete from ${table} where ctid = $1`, [ctid]);
      return 'a row deleted';
    }
    const columns = await columnsOf(table);
    const { name, type } = columns[draw(columns.length)] as { name: string; type: string };
    const { rows: values } = await client.query<{ value: unknown }>(
      `select ${type === 'bytea' ? `encode(${name}, 'hex')` : `${name}::text`} as value from ${table} where ctid = $1`,
      [ctid],
    );
    const changed = changedValue(name, type, values[0]?.value as string | null, draw);
    const placeholder = type === 'bytea' ? `decode($1, 'hex')` : `$1::text::${type}`;
    await client.query(`update ${table} set ${name} = ${placeholder} where ctid = $2`, [changed, ctid]);
    return name;
  };

  return {
    mutate: async (table, draw) => {
      try {
        return { table, what: await change(table, draw) };
      } catch (error) {
        if (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '')) return null;
        throw error;
      }
    },
    restore: async (table) => {
      await client.query('begin');
      await client.query(`delete from public.${table}`);
      await client.query(`insert into public.${table} overriding system value select * from kept.${table}`);
      await client.query('commit');
    },
    query: async (sql) => void (await client.query(sql)),
    stop: () => client.end(),
  };
}

const MINUTE = 60_000;

/** One byte or character other than it was, or one more, or one less; a number that is another. */
function changedValue(name: string, type: string, value: string | null, draw: Draw): string {
  if (value === null) return type === 'bytea' ? '00' : 'x';
  if (type === 'boolean') return value === 'true' ? 'false' : 'true';
  // The leaf has the minute only: what is less than that is in no leaf.
  if (name === 'received_at') return String(Number(value) + MINUTE * (1 + draw(1_000)));
  if (type === 'bigint' || type === 'smallint' || type === 'integer')
    return String(Number(value) + (draw(2) === 0 ? -1 : 1) * (1 + draw(9)));
  const units = type === 'bytea' ? (value.match(/../g) ?? []) : Array.from(value);
  const at = draw(units.length);
  const how = draw(10);
  if (how === 0) units.splice(at, 1);
  else if (how === 1) units.splice(at, 0, type === 'bytea' ? '00' : 'A');
  else if (type === 'bytea') units[at] = hex(Number.parseInt(units[at] as string, 16) ^ (1 << draw(8)));
  else units[at] = other(units[at] as string, draw);
  return units.join('');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** Of the same kind, so that it is found by what it says and not by a parser. */
function other(character: string, draw: Draw): string {
  const kinds = ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'];
  const kind = kinds.find((each) => each.includes(character)) ?? '!#%&*';
  return kind[(kind.indexOf(character) + 1 + draw(kind.length - 1)) % kind.length] as string;
}
