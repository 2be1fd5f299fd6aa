/** Roles of twins in tasks, drawn once, and the invented withdrawals of demos. */
import type { Role } from '@twinkeep/edge-client/fleet';
import { sql } from 'kysely';
import type { Database } from '../process/database.ts';
import { bytesToJson, jsonToBytes, type TwinCipher } from './cipher.ts';
import type { RegionTables } from './schema.ts';
import { rowName, type WriteContext } from './write.ts';

/**
 * As the port's `drawRoles`, for a draw that may depend on the twin: it is told the first of its identifiers, which is the same in every
 * database, where a subject follows from this node's secret.
 */
export type DrawRoles = (
  taskId: string,
  subjects: readonly string[],
  draw: (identifier: string) => Role,
) => Promise<Map<string, Role>>;

export function createRoleStore(db: Database<RegionTables>, { keys }: WriteContext): DrawRoles {
  // By cipher: a twin that was deleted and added again has another key, and draws again.
  const known = new WeakMap<TwinCipher, Map<string, Role>>();
  return async (taskId, subjects, draw) => {
    const found = await keys.find(db, subjects);
    const unknown = [...found].filter(([, { cipher }]) => known.get(cipher)?.has(taskId) !== true);
    if (unknown.length > 0) {
      const drawn = await db.transaction().execute(async (trx) => {
        // The first draw that is there counts, for whoever comes second too.
        const names = unknown.map(([subject]) => subject);
        const locked = await keys.find(trx, names, true);
        const existing = await readRoles(trx, taskId, locked);
        const missing = [...locked].filter(([subject]) => !existing.has(subject));
        const identifiers = await readIdentifiers(trx, new Map(missing));
        const rows = missing.map(([subject, { cipher }]) => {
          const role = draw(identifiers.get(subject) ?? subject);
          existing.set(subject, role);
          return { subject, task_id: taskId, sealed: cipher.seal('role', taskId, jsonToBytes(role)) };
        });
        if (rows.length > 0) await trx.insertInto('role').values(rows).execute();
        return { locked, existing };
      });
      for (const [subject, { cipher }] of drawn.locked) {
        const roles = known.get(cipher) ?? new Map<string, Role>();
        known.set(cipher, roles.set(taskId, drawn.existing.get(subject) as Role));
      }
    }
    const roles = new Map<string, Role>();
    for (const [subject, { cipher }] of found) {
      const role = known.get(cipher)?.get(taskId);
      if (role !== undefined) roles.set(subject, role);
    }
    return roles;
  };
}

async function readIdentifiers(
  trx: Database<RegionTables>,
  entries: ReadonlyMap<string, { cipher: TwinCipher }>,
): Promise<Map<string, string>> {
  const rows = await trx
    .selectFrom('binding')
    .selectAll()
    .where(sql<boolean>`subject = ANY(${[...entries.keys()]})`)
    .execute();
  const first = new Map<string, string>();
  for (const { subject, tag, sealed } of rows) {
    const cipher = entries.get(subject)?.cipher;
    if (cipher === undefined) continue;
    const identifier = bytesToJson<string>(cipher.open('binding', rowName(tag), sealed));
    const known = first.get(subject);
    if (known === undefined || identifier < known) first.set(subject, identifier);
  }
  return first;
}

async function readRoles(
  trx: Database<RegionTables>,
  taskId: string,
  entries: ReadonlyMap<string, { cipher: TwinCipher }>,
): Promise<Map<string, Role>> {
  const rows = await trx
    .selectFrom('role')
    .select(['subject', 'sealed'])
    .where('task_id', '=', taskId)
    .where(sql<boolean>`subject = ANY(${[...entries.keys()]})`)
    .execute();
  return new Map(
    rows.map(({ subject, sealed }) => [
      subject,
      bytesToJson<Role>(entries.get(subject)!.cipher.open('role', taskId, sealed)),
    ]),
  );
}
