/** What helpers said of abandoned rounds: that they answered no set of them and never will. Kept, since devices ask for it later. */
import type { HelperClose, Statement } from '@twinkeep/protocol';
import { canonicalJson } from '@twinkeep/audit';
import type { Db, Tx } from './schema.ts';

export async function insertClose(
  tx: Tx,
  rcHash: string,
  j: number,
  statement: Statement<HelperClose>,
): Promise<void> {
  await tx
    .insertInto('closes')
    .values({ rc_hash: rcHash, j, statement: canonicalJson(statement) })
    .execute();
}

/** Of these rounds, by rcHash and helper. */
export async function readCloses(
  db: Db,
  rcHashes: readonly string[],
): Promise<Map<string, Statement<HelperClose>[]>> {
  const closes = new Map<string, Statement<HelperClose>[]>(rcHashes.map((rcHash) => [rcHash, []]));
  if (rcHashes.length === 0) return closes;
  const rows = await db
    .selectFrom('closes')
    .select(['rc_hash', 'statement'])
    .where('rc_hash', 'in', rcHashes)
    .orderBy('j')
    .execute();
  for (const { rc_hash, statement } of rows)
    closes.get(rc_hash)?.push(JSON.parse(statement) as Statement<HelperClose>);
  return closes;
}
