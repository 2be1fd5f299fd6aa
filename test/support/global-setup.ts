/**
 * One real PostgreSQL server for a whole test run, in a temporary folder, not durable. A run that was killed leaves its server behind;
 * the next run, of whoever, ends it.
 */
import { startPostgres } from '@twinkeep/demo/postgres';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The superuser's URL. */
    testPostgres: string;
  }
}

const PREFIX = 'twinkeep-test-';
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await endAbandonedServers();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // A temporary folder is for its maker alone, and the server may run under another account.
  await chmod(folder, 0o711);
  const server = await startPostgres(folder, FAST);
  project.provide('testPostgres', server.adminUrl);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function endAbandonedServers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(tmpdir(), name);
    // Another run may be clearing it away at this moment.
    await startPostgres(folder)
      .then((server) => server.stop())
      .catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
