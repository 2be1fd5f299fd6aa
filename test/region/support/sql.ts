/** Plain SQL on a party's database, for tests that look at it as its owner or a thief would. */
import { openDatabase } from '@twinkeep/region';

export interface SqlClient {
  query<Row>(text: string, parameters?: unknown[]): Promise<Row[]>;
  end(): Promise<void>;
}

export function connectSql(url: string): SqlClient {
  const db = openDatabase<Record<string, never>>(url, 1);
  type Query = Parameters<typeof db.executeQuery>[0];
  return {
    async query<Row>(text: string, parameters: unknown[] = []) {
      const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
      const compiled = { sql: text, parameters, query, queryId: { queryId: text } };
      const { rows } = await db.executeQuery(compiled as unknown as Query);
      return rows as Row[];
    },
    end: () => db.destroy(),
  };
}
