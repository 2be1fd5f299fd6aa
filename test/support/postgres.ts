/** Databases for tests, on the run's server (see `global-setup.ts`). */
import { createPartyDatabase } from '@twinkeep/demo/postgres';
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';

/** A new empty database with a role of its own, as a party has in production. @returns its URL */
export function createTestDatabase(): Promise<string> {
  return createPartyDatabase(inject('testPostgres'), `test_${randomBytes(6).toString('hex')}`);
}
