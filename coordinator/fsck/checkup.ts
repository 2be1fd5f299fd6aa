/** What the parts of a check share: what they read, where they say what they found, and how far they are. */
import { AuditError } from '@twinkeep/audit';
import type { Db } from '../store/schema.ts';

/** Something that is not as it was written. */
export interface Finding {
  /** Table and row, e.g. `log_leaves, leaf 17`. No personal data: rows about a subject are named by their leaf. */
  where: string;
  /** What is wrong, in words. */
  problem: string;
}

export interface Checkup {
  /** One snapshot of the whole database. */
  db: Db;
  found(where: string, problem: string): void;
  progress(what: string, done: number, of: number): void;
}

/** Rows read at a time. */
export const BATCH = 1_000;

/** Runs a check that may stumble over what it reads: a row that cannot even be read is a finding too. */
export async function guarded(checkup: Checkup, where: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    checkup.found(where, `cannot be read as it was written: ${reasonOf(error)}`);
  }
}

/** Our own errors name fields and rules; those of the driver and of parsers may hold what was stored. */
export function reasonOf(error: unknown): string {
  if (error instanceof AuditError) return error.message;
  return error instanceof Error ? error.name : typeof error;
}
