/**
 * Checking everything that the log vouches for, row by row, against the log and the keys that were pinned: nothing in the database is believed.
 * It reads one snapshot, so that the coordinator may be at work meanwhile, and changes nothing.
 *
 * What it cannot see: a database that was put back as a whole to what it once was (witnesses, devices and helpers see that), and what is in no
 * leaf: rounds under way, the milliseconds of a time whose minute the leaf has, marks of erased subjects.
 */
import { randomBytes, sodiumReady } from '@twinkeep/protocol';
import type { CoordinatorConfig } from '../config.ts';
import type { Db } from '../store/schema.ts';
import { openVault, type Vault } from '../store/vault.ts';
import { guarded, reasonOf, type Checkup, type Finding } from './checkup.ts';
import { checkLedger, createConsentSummary } from './consents.ts';
import { checkContributions } from './contributions.ts';
import { checkSpeakers, checkSubjectKeys } from './keys.ts';
import { checkLeaves, type LeafCounts } from './leaves.ts';
import { checkTree } from './tree.ts';

export interface Diagnosis {
  /** Nothing was found. */
  ok: boolean;
  /** Of the signed head; null where there is none to believe. */
  size: number | null;
  leaves: LeafCounts;
  subjectKeys: number;
  /** Reports that committed sets were chosen from. */
  contributions: number;
  /** What was found first comes first; at most `MOST_FINDINGS`. */
  findings: Finding[];
  /** Found beyond those. */
  more: number;
}

export type CheckProgress = Checkup['progress'];

const MOST_FINDINGS = 100;

export async function checkDatabase(
  db: Db,
  { trust, vaultKey }: Pick<CoordinatorConfig, 'trust' | 'vaultKey'>,
  progress: CheckProgress = () => undefined,
): Promise<Diagnosis> {
  await sodiumReady;
  const findings: Finding[] = [];
  let more = 0;
  const found: Checkup['found'] = (where, problem) => {
    if (findings.length < MOST_FINDINGS) findings.push({ where, problem });
    else more++;
  };
  const vault = await openVault(db, vaultKey, randomBytes).catch((error: unknown): Vault | null => {
    found('vault_key', reasonOf(error));
    return null;
  });
  const counts = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const checkup: Checkup = { db: tx, found, progress };
      const summary = createConsentSummary();
      let leaves: LeafCounts = { statements: 0, consents: 0, accesses: 0, erased: 0 };
      let subjectKeys = 0;
      let contributions = 0;
      const size = await checkTree(checkup, trust);
      await guarded(checkup, 'log_leaves', async () => {
        leaves = await checkLeaves(checkup, vault, size ?? (await countLeaves(tx)), summary);
      });
      await guarded(checkup, 'erased_subjects', () => checkErased(checkup, leaves.erased));
      if (vault !== null) {
        await guarded(checkup, 'subject_keys', async () => {
          subjectKeys = await checkSubjectKeys(checkup, vaultKey);
        });
        await guarded(checkup, 'contributions', async () => {
          contributions = await checkContributions(checkup, vault);
        });
        await guarded(checkup, 'consent_subjects', () => checkLedger(checkup, summary));
        await guarded(checkup, 'speakers', () => checkSpeakers(checkup, trust, summary));
      }
      return { size, leaves, subjectKeys, contributions };
    });
  return { ok: findings.length === 0, ...counts, findings, more };
}

/** Rows that were deleted look like an erasure; where nobody was erased, they are none. */
async function checkErased({ db, found }: Checkup, erased: number): Promise<void> {
  if (erased === 0) return;
  const row = await db.selectFrom('erased_subjects').select('place').limit(1).executeTakeFirst();
  if (row === undefined)
    found('consent_events', `nothing is left of ${erased} consents in the log, and nobody was erased`);
}

/** Where no head says how many there should be. */
async function countLeaves(db: Db): Promise<number> {
  const { newest } = await db
    .selectFrom('log_leaves')
    .select(({ fn }) => fn.max('leaf_index').as('newest'))
    .executeTakeFirstOrThrow();
  return (newest ?? -1) + 1;
}
