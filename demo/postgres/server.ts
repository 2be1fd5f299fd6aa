/**
 * One PostgreSQL server in one folder, owned by whoever holds an advisory lock on it.
 *
 *   data/                made by `initdb` under another name and renamed, so that a half-made one is never used
 *   superuser.password   0600; the superuser is used to make databases and roles, by nobody else
 *
 * It listens on 127.0.0.1 only and has no socket file. It is started apart from our process group, so that Ctrl-C reaches us first and
 * parties can close before their database does. A SIGKILL therefore leaves it running: the next start finds it by `postmaster.pid`
 * and takes it over.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { DemoError } from '../errors.ts';
import { freePort } from '../free-port.ts';
import { giveTo, serverAccount, type Account } from './account.ts';
import { postgresPrograms } from './binaries.ts';
import { reachableFolder } from './folder.ts';
import { closeToPublic } from './party.ts';
import { runningServer } from './takeover.ts';

export interface PostgresServer {
  /** The superuser's; never given to a party. */
  adminUrl: string;
  /** Where its files are: the folder asked for, if the server's account can enter it. */
  folder: string;
  /** Whether the server was running already. */
  takenOver: boolean;
  /** Fast shutdown: sessions are cut, the data is whole. */
  stop(): Promise<void>;
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // The default of 1 GB is more than all the data of a run.
  max_wal_size: '256MB',
  // Parallel queries need /dev/shm, which containers keep small.
  max_parallel_workers_per_gather: '0',
};

/**
 * Starts the server of `folder`, making it on the first call.
 * @param settings on top of ours; they are written once, when the data folder is made
 * @throws DemoError 'demo/in-use' where another process owns it, 'demo/postgres', 'demo/environment'
 */
export async function startPostgres(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const account = await serverAccount();
  const home = await reachableFolder(folder, account);
  const programs = await postgresPrograms(account, join(home, 'programs'));
  const server: Server = { programs, account, home, data: join(home, 'data') };
  const isNew = await initialise(server, { ...SETTINGS, ...settings });
  const password = await readFile(passwordFile(home), 'utf8');

  const running = await runningServer(server.data, password);
  const port = running ?? (await startOnFreePort(server));
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  if (isNew) await closeToPublic(adminUrl);
  const owner = await takeOwnership(adminUrl, folder);
  return {
    adminUrl,
    folder: home,
    takenOver: running !== null,
    stop: async () => {
      await owner.end();
      await stopServer(server);
    },
  };
}

interface Server {
  programs: string;
  account: Account | null;
  home: string;
  data: string;
}

const passwordFile = (home: string): string => join(home, 'superuser.password');

/** @returns whether it was made now */
async function initialise(server: Server, settings: Readonly<Record<string, string>>): Promise<boolean> {
  const { programs, account, home, data } = server;
  if (await exists(join(data, 'PG_VERSION'))) return false;
  const unfinished = `${data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await giveTo(account, unfinished);
  await writeFile(passwordFile(home), randomBytes(24).toString('hex'), { mode: 0o600 });
  await giveTo(account, passwordFile(home));
  await run(server, join(programs, 'initdb'), [
    ...[`--pgdata=${unfinished}`, '--username=postgres', `--pwfile=${passwordFile(home)}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync'],
  ]);
  const lines = Object.entries(settings).map(([key, value]) => `${key} = '${value}'\n`);
  await appendFile(join(unfinished, 'postgresql.conf'), lines.join(''));
  await rename(unfinished, data);
  return true;
}

/** Another process can take the free port first, or the workers of a killed server may still be ending: two more tries. */
async function startOnFreePort(server: Server): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      await control(server, ['start', '-w', '-t', '60', '-o', `-p ${port}`]);
      return port;
    } catch (error) {
      if (attempt === 3) throw error;
      await pause(500);
    }
  }
}

async function stopServer(server: Server): Promise<void> {
  for (const mode of ['fast', 'immediate']) {
    // It may have died on its own.
    if (!(await exists(join(server.data, 'postmaster.pid')))) return;
    const stopped = await control(server, ['stop', '-m', mode, '-t', '20']).catch((error: unknown) => error);
    if (stopped === undefined) return;
    if (mode === 'immediate') throw stopped;
  }
}

/** The lock ends with the session, so an owner that was killed leaves none behind. */
async function takeOwnership(adminUrl: string, folder: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'twinkeep-owner' });
  // A server that ends under us shows in whatever is asked of it next.
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock(7394) as locked');
  if (rows[0]?.locked === true) return client;
  await client.end();
  throw new DemoError(
    'demo/in-use',
    `Another demo is running in ${folder}. Stop it (Ctrl-C in its terminal), or run this one in another folder.`,
  );
}

function control(server: Server, args: string[]): Promise<void> {
  return run(server, join(server.programs, 'pg_ctl'), ['-D', server.data, '-s', ...args]);
}

/** Runs a program of the server; its words go to a file, since a server that goes on running would hold a pipe open. */
async function run({ account, home }: Server, program: string, args: string[]): Promise<void> {
  const path = join(home, 'server.log');
  const log = await open(path, 'a');
  const { size: start } = await log.stat();
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn(program, args, { ...account, cwd: home, detached: true, stdio: ['ignore', log.fd, log.fd] })
        .once('error', reject)
        .once('exit', resolve);
    });
    if (code === 0) return;
  } finally {
    await log.close();
  }
  const said = (await readFile(path)).subarray(start).toString('utf8').trim();
  throw new DemoError('demo/postgres', `PostgreSQL stopped with an error; ${path} says:\n${said}`);
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
