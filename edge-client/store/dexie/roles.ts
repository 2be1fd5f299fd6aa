/** Roles in tasks, drawn once and for ever: the row that is there first counts, whichever tab drew it. */
import type { Role } from '../port.ts';
import type { Place } from './cipher.ts';
import type { RoleRow, StoreDatabase } from './schema.ts';
import { bytesToJson, jsonToBytes, type OpenTwin, type StoreContext } from './twins.ts';

export async function drawRoles(
  { db, twins }: StoreContext,
  taskId: string,
  subjects: readonly string[],
  draw: () => Role,
): Promise<Map<string, Role>> {
  const found = await Promise.all([...new Set(subjects)].map((subject) => twins.find(subject)));
  const asked = await Promise.all(
    found
      .filter((twin) => twin !== null)
      .map(async (twin) => ({ twin, id: await twin.cipher.tag('role', taskId) })),
  );
  const kept = await db.role.bulkGet(asked.map(({ twin, id }): [string, string] => [twin.row.id, id]));
  const drawn = await Promise.all(
    asked.map(async ({ twin, id }, i) => kept[i] ?? (await sealRole(twin, id, draw()))),
  );
  const counting = await db.transaction('rw', db.twin, db.role, async () => {
    const rows: (RoleRow | null)[] = [];
    for (const row of drawn) rows.push(await keepFirst(db, row));
    return rows;
  });
  const roles = new Map<string, Role>();
  for (const [i, row] of counting.entries()) {
    const { twin } = asked[i] as (typeof asked)[number];
    if (row === null) continue;
    roles.set(twin.subject, bytesToJson<Role>(await twin.cipher.open(placeOfRole(row), row.sealed)));
  }
  return roles;
}

/** In a transaction: the row that counts, or null where the twin is gone. */
async function keepFirst(db: StoreDatabase, row: RoleRow): Promise<RoleRow | null> {
  if ((await db.twin.get(row.twin)) === undefined) return null;
  const first = await db.role.get([row.twin, row.id]);
  if (first === undefined) await db.role.add(row);
  return first ?? row;
}

async function sealRole({ row, cipher }: OpenTwin, id: string, role: Role): Promise<RoleRow> {
  const place = { twin: row.id, id };
  return { ...place, sealed: await cipher.seal(placeOfRole(place), jsonToBytes(role)) };
}

function placeOfRole({ twin, id }: Omit<RoleRow, 'sealed'>): Place {
  return { table: 'role', twin, row: id };
}
