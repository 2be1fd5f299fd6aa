/**
 * What the leaves commit to, leaf by leaf: a public statement, an officer's access, or a consent in the vault. Each leaf has one of them, and
 * it opens the leaf. Of an erased subject nothing is left but the leaf: those are counted.
 */
import { canonicalJson, leafToEnvelope, verifyCommitment, type LeafEnvelope } from '@twinkeep/audit';
import { type Statement, statementName } from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import type { Row } from '../store/schema.ts';
import type { Vault } from '../store/vault.ts';
import { BATCH, reasonOf, type Checkup } from './checkup.ts';
import { checkConsents, type ConsentSummary } from './consents.ts';

export interface LeafCounts {
  statements: number;
  consents: number;
  accesses: number;
  /** Consents of which nothing is left but the leaf. */
  erased: number;
}

interface Leaf {
  index: number;
  leaf: Uint8Array;
  envelope: LeafEnvelope | null;
}

/** @param vault null: it cannot be opened, and what is in it is not looked at */
export async function checkLeaves(
  checkup: Checkup,
  vault: Vault | null,
  size: number,
  summary: ConsentSummary,
): Promise<LeafCounts> {
  const counts: LeafCounts = { statements: 0, consents: 0, accesses: 0, erased: 0 };
  for (let start = 0; start < size; start += BATCH) {
    checkup.progress('leaves opened', start, size);
    await checkBatch(checkup, vault, start, Math.min(size, start + BATCH), summary, counts);
  }
  return counts;
}

async function checkBatch(
  checkup: Checkup,
  vault: Vault | null,
  start: number,
  end: number,
  summary: ConsentSummary,
  counts: LeafCounts,
): Promise<void> {
  const { found } = checkup;
  const { leaves, statements, accesses, events, sealed } = await readBatch(checkup, start, end);
  const owners = new Map<number, string[]>();
  const own = (index: number, table: string): void => {
    owners.set(index, [...(owners.get(index) ?? []), table]);
  };
  for (const row of statements.values()) own(row.leaf_index, 'statements');
  for (const row of accesses.values()) own(row.leaf_index, 'officer_access');
  for (const row of events.values()) own(row.leaf_index, 'consent_events');

  for (const { index, envelope } of leaves) {
    const where = `log_leaves, leaf ${index}`;
    const tables = owners.get(index) ?? [];
    if (tables.length > 1) found(where, `is claimed by ${tables.join(' and ')}`);
    if (envelope === null) found(where, 'is not of the form that leaves have');
    else if (tables.length === 0 && sealed.has(index)) continue;
    else if (tables.length === 0 && envelope.type === 'consent') {
      counts.erased++;
      summary.erased++;
    } else if (tables.length === 0) found(where, `nothing opens it, and it is of type ${envelope.type}`);
  }
  for (const index of sealed.keys())
    if (!events.has(index)) found(`vault, leaf ${index}`, 'is of no consent event');

  for (const leaf of leaves) {
    const statement = statements.get(leaf.index);
    const access = accesses.get(leaf.index);
    if (statement !== undefined) checkStatement(checkup, leaf, statement);
    if (access !== undefined) checkAccess(checkup, leaf, access);
  }
  counts.statements += statements.size;
  counts.accesses += accesses.size;
  counts.consents += events.size;
  const consents = leaves.flatMap(({ index, leaf, envelope }) => {
    const event = events.get(index);
    return event === undefined || envelope === null
      ? []
      : [{ leaf, envelope, event, sealed: sealed.get(index) ?? null }];
  });
  await checkConsents(checkup, vault, consents, summary);
}

async function readBatch({ db }: Checkup, start: number, end: number) {
  const within = <T extends { leaf_index: number }>(rows: readonly T[]): Map<number, T> =>
    new Map(rows.map((row) => [row.leaf_index, row]));
  const leaves = await db
    .selectFrom('log_leaves')
    .selectAll()
    .where('leaf_index', '>=', start)
    .where('leaf_index', '<', end)
    .orderBy('leaf_index')
    .execute();
  const read = <Table extends 'statements' | 'officer_access' | 'consent_events' | 'vault'>(table: Table) =>
    db
      .selectFrom(table as 'vault')
      .selectAll()
      .where('leaf_index', '>=', start)
      .where('leaf_index', '<', end)
      .execute() as unknown as Promise<Row<Table>[]>;
  return {
    leaves: leaves.map(({ leaf_index: index, leaf }): Leaf => ({ index, leaf, envelope: envelopeOf(leaf) })),
    statements: within(await read('statements')),
    accesses: within(await read('officer_access')),
    events: within(await read('consent_events')),
    sealed: within(await read('vault')),
  };
}

function envelopeOf(leaf: Uint8Array): LeafEnvelope | null {
  try {
    return leafToEnvelope(leaf);
  } catch {
    return null;
  }
}

function checkStatement({ found }: Checkup, { index, leaf, envelope }: Leaf, row: Row<'statements'>): void {
  const where = `statements, leaf ${index}`;
  const problem = textProblem(leaf, row.statement, row.salt);
  if (problem !== null) return found(where, problem);
  const statement = JSON.parse(row.statement) as Statement<unknown>;
  if (statementName(statement) !== row.hash) found(where, 'is stored under the name of another');
  if (row.type !== statement.type || row.type !== envelope?.type)
    found(where, 'is stored as of another type');
}

function checkAccess({ found }: Checkup, { index, leaf, envelope }: Leaf, row: Row<'officer_access'>): void {
  const where = `officer_access, leaf ${index}`;
  const problem = textProblem(leaf, row.body, row.salt);
  if (problem !== null) found(where, problem);
  else if (envelope?.type !== 'access') found(where, 'its leaf is of another type');
}

/** Whether a stored text is what its leaf commits to, byte by byte. */
function textProblem(leaf: Uint8Array, text: string, salt: Uint8Array): string | null {
  try {
    const body: unknown = JSON.parse(text);
    if (canonicalJson(body) !== text) return 'is not spelled as it was signed';
    return verifyCommitment(leaf, body, salt, nativeSha256) ? null : 'is not what the leaf commits to';
  } catch (error) {
    return `cannot be read as it was written: ${reasonOf(error)}`;
  }
}
