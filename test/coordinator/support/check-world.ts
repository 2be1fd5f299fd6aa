/** What must hold of a coordinator's tables at any time between transactions, whatever happened before. */
import { createLog, createSigner, sha256, bytesToBase64Url } from '@twinkeep/audit';
import { statementHash, type RoundConfig, type RoundResult, type Statement } from '@twinkeep/protocol';
import type { PoolClient } from 'pg';
import { expect } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createLogStore } from '../../../coordinator/store/log-store.ts';
import type { World } from './world.ts';
import { ORIGIN } from './parties.ts';

/** The coordinator may be at work meanwhile: the tables are read as of one moment. */
export async function checkWorld({ sql, databaseUrl, parties }: World): Promise<void> {
  await checkLog(databaseUrl, Buffer.from(parties.logKey.d, 'base64url'));
  const snapshot = await sql.connect();
  try {
    await snapshot.query('begin isolation level repeatable read read only');
    await checkTables(snapshot);
    await snapshot.query('commit');
  } finally {
    snapshot.release();
  }
}

async function checkTables(sql: PoolClient): Promise<void> {
  const rows = async <T>(text: string): Promise<T[]> => (await sql.query(text)).rows as T[];

  // Every leaf is a public statement or a consent, and every one of those has its leaf.
  expect(
    await rows(`select from log_leaves l left join statements s using (leaf_index) left join consent_events e using (leaf_index)
      where (s.hash is null) = (e.event_id is null)`),
  ).toEqual([]);
  expect(
    await rows('select from consent_events e left join vault v using (leaf_index) where v.sealed is null'),
  ).toEqual([]);

  const statements = new Map<string, Statement<unknown>>();
  for (const { hash, statement } of await rows<{ hash: string; statement: string }>(
    'select hash, statement from statements',
  )) {
    const parsed = JSON.parse(statement) as Statement<unknown>;
    expect(bytesToBase64Url(statementHash(parsed))).toBe(hash);
    statements.set(hash, parsed);
  }
  const bodyOf = <T>(hash: string): T => statements.get(hash)?.body as T;

  let last: { task: string; result: string } | null = null;
  const rounds = await rows<{
    rc_hash: string;
    task_id: string;
    round: number;
    phase: string;
    proposal: string | null;
    sc_hash: string | null;
    result_hash: string | null;
    reports: number;
  }>(
    `select rc_hash, task_id, round, phase, proposal, sc_hash, result_hash, (state ->> 'reports')::int as reports from rounds order by task_id, round`,
  );
  for (const round of rounds) {
    // What is only proposed stands in its row and in no log.
    expect(round.proposal !== null).toBe(round.phase === 'proposed');
    const config =
      round.proposal === null
        ? bodyOf<RoundConfig>(round.rc_hash)
        : (JSON.parse(round.proposal) as Statement<RoundConfig>).body;
    expect(round.phase === 'proposed').toBe(!statements.has(round.rc_hash));
    const before: string | null = last?.task === round.task_id ? last.result : null;
    expect(config).toMatchObject({ round: round.round, prevResultHash: before });
    const ended = ['sealed', 'abandoned'].includes(round.phase);
    expect(round.result_hash !== null).toBe(ended);
    const [counts] = await sql
      .query<Record<string, string>>(
        `select (select count(*) from reports where rc_hash = $1) as reports,
          (select count(*) from reports where rc_hash = $1 and (vector is not null or header is not null)) as kept,
          (select count(*) from report_members where rc_hash = $1) as members,
          (select count(*) from mask_sums where rc_hash = $1) as sums,
          (select count(*) from reports where rc_hash = $1 and disposition = 'in-set') as members_of_set,
          (select count(*) from participations p join reports r using (rc_hash, sub)
            where rc_hash = $1 and r.disposition = 'in-set') as charged,
          (select count(*) from participations where rc_hash = $1) as charges,
          (select count(*) from contributions c join reports r using (rc_hash, header_hash, disposition)
            where rc_hash = $1) as kept_as_they_were,
          (select count(*) from contributions where rc_hash = $1) as contributions,
          (select count(*) from closes where rc_hash = $1) as closes`,
        [round.rc_hash],
      )
      .then(({ rows: [row] }) => [row as Record<string, string>]);
    expect(Number(counts?.['reports'])).toBe(round.reports);
    // With a set, what it was chosen from: every report, as it was dealt with. Without one, nothing.
    expect(counts?.['contributions']).toBe(round.sc_hash === null ? '0' : counts?.['reports']);
    expect(counts?.['kept_as_they_were']).toBe(counts?.['contributions']);
    // Whoever is in a set that was committed to has been charged for it once, until helpers close it, and nobody else ever.
    expect(counts?.['charges']).toBe(counts?.['charged']);
    const free = round.sc_hash === null || (Number(counts?.['closes']) >= 3 && counts?.['charges'] === '0');
    expect(counts?.['charged']).toBe(free ? '0' : counts?.['members_of_set']);
    if (!ended) continue;
    expect(counts).toMatchObject({ kept: '0', members: '0', sums: '0' });
    const result = bodyOf<RoundResult>(round.result_hash as string);
    expect(result).toMatchObject({
      rcHash: round.rc_hash,
      scHash: round.sc_hash,
      status: round.phase,
      round: round.round,
    });
    last = { task: round.task_id, result: round.result_hash as string };
  }

  for (const task of await rows<{
    task_id: string;
    model_hash: string;
    last_result: string | null;
    state: string;
    rounds_opened: number;
  }>('select * from tasks')) {
    const own = rounds.filter(({ task_id }) => task_id === task.task_id);
    const open = own.filter(({ result_hash }) => result_hash === null);
    expect(open.length).toBe(task.state === 'running' ? 1 : 0);
    expect(own.map(({ round }) => round)).toEqual(
      Array.from({ length: task.rounds_opened }, (_, i) => i + 1),
    );
    if (task.last_result !== null)
      expect(bodyOf<RoundResult>(task.last_result).modelOut).toBe(task.model_hash);
  }
  for (const { hash, bytes } of await rows<{ hash: string; bytes: Buffer }>('select hash, bytes from models'))
    expect(bytesToBase64Url(sha256(new Uint8Array(bytes)))).toBe(hash);
}

async function checkLog(url: string, seed: Uint8Array): Promise<void> {
  const db = openDatabase(url, () => undefined);
  try {
    const log = createLog({ store: createLogStore(db), signer: createSigner(seed), origin: ORIGIN });
    expect(await log.fsck()).toMatchObject({ ok: true });
  } finally {
    await db.destroy();
  }
}
