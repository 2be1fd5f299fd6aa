/** What a committed set was chosen from: sealed in one go for thousands of twins, opened again, and gone with a subject's key. */
import { bytesToBase64Url, equalBytes } from '@twinkeep/audit';
import { drawMembers, bytesToMembers, memberLeaf, randomBytes } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import {
  insertContributions,
  openSalts,
  readContributions,
  roundsOfSubject,
  type NewContribution,
} from '../../../coordinator/store/contributions.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { openVault, type Vault } from '../../../coordinator/store/vault.ts';
import { createTestDatabase } from '../../support/postgres.ts';

const REPORTS = 10;
const TWINS = 500;

let db: Db;
let vault: Vault;
const rcHash = bytesToBase64Url(randomBytes(32));
let reports: NewContribution[];
beforeAll(async () => {
  db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  vault = await openVault(db, randomBytes(32), randomBytes);
  // The round itself, its task and its statements are of no interest here.
  await sql`alter table contributions drop constraint contributions_rc_hash_fkey`.execute(db);
  reports = Array.from({ length: REPORTS }, (_, i) => {
    const drawn = Array.from({ length: TWINS }, () => bytesToBase64Url(randomBytes(16)));
    const { subjects, salts } = bytesToMembers(drawMembers(drawn, randomBytes));
    return {
      headerHash: bytesToBase64Url(randomBytes(32)),
      disposition: i === 0 ? 'consent-withdrawn' : 'in-set',
      sub: bytesToBase64Url(randomBytes(16)),
      header: randomBytes(1_200),
      signature: randomBytes(64),
      members: subjects,
      salts,
    };
  });
});
afterAll(() => db.destroy());

describe('contributions', () => {
  it('of five thousand twins go in with the set, and come out as they were', async () => {
    // As in a round: everybody has consented, so everybody has a key.
    const everybody = reports.flatMap(({ members, sub }) => [sub, ...members]);
    await db.transaction().execute((tx) =>
      vault.sealFor(
        tx,
        everybody.map((subject) => ({ subject, context: 'consent:0', bytes: new Uint8Array(1) })),
      ),
    );
    const started = performance.now();
    await db.transaction().execute((tx) => insertContributions(tx, vault, rcHash, reports));
    process.stdout.write(
      `contributions: ${REPORTS} reports of ${TWINS} twins kept in ${Math.round(performance.now() - started)} ms\n`,
    );

    const stored = await readContributions(db, vault, rcHash);
    expect(stored.map(({ headerHash }) => headerHash)).toEqual(
      reports.map(({ headerHash }) => headerHash).toSorted(),
    );
    for (const report of reports) {
      const found = stored.find(({ headerHash }) => headerHash === report.headerHash)!;
      expect(found).toMatchObject({
        disposition: report.disposition,
        reporter: report.sub,
        subjects: report.members,
      });
      expect(found.signed).toEqual({ header: report.header, signature: report.signature });
      const salts = await openSalts(db, vault, found, [0, 1, TWINS - 1]);
      for (const place of [0, 1, TWINS - 1]) {
        expect(salts.get(place)).toEqual(report.salts[place]);
        const leaf = memberLeaf(report.members[place]!, report.salts[place]!);
        expect(equalBytes(found.leaves[place]!, leaf)).toBe(true);
      }
    }
  });

  it('keep a leaf and nothing else of whoever was erased, twin or reporter', async () => {
    const [first, second] = [reports[0]!, reports[1]!];
    const twin = first.members[7]!;
    expect(await roundsOfSubject(db, twin)).toEqual([rcHash]);
    await db.transaction().execute(async (tx) => {
      await vault.erase(tx, twin, 0);
      await vault.erase(tx, second.sub, 0);
    });
    expect(await roundsOfSubject(db, twin)).toEqual([]);
    const stored = await readContributions(db, vault, rcHash);
    const holding = stored.find(({ headerHash }) => headerHash === first.headerHash)!;
    expect(holding.subjects[7]).toBeNull();
    expect(holding.subjects[8]).toBe(first.members[8]);
    expect([...(await openSalts(db, vault, holding, [7, 8])).keys()]).toEqual([8]);
    expect(holding.leaves[7]).toEqual(memberLeaf(twin, first.salts[7]!));
    const reported = stored.find(({ headerHash }) => headerHash === second.headerHash)!;
    expect(reported).toMatchObject({ signed: null, reporter: null, subjects: second.members });
    const text = JSON.stringify(
      (await db.selectFrom('contributions').selectAll().execute()).map((row) => ({ ...row })),
    );
    expect(text).not.toContain(twin);
  });

  it('of a subject who was erased while the round ran have an empty place from the first', async () => {
    const other = bytesToBase64Url(randomBytes(32));
    const [report] = reports.slice(2);
    const gone = report!.members[3]!;
    await db.transaction().execute((tx) => vault.erase(tx, gone, 0));
    await db.transaction().execute((tx) => insertContributions(tx, vault, other, [report!]));
    const [found] = await readContributions(db, vault, other);
    expect(found!.subjects[3]).toBeNull();
    expect((await openSalts(db, vault, found!, [2, 3, 4])).size).toBe(2);
  });
});
