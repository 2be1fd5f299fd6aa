/** Finds the server that an earlier run left behind, by the `postmaster.pid` in its data folder. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const PATIENCE_MS = 20_000;
const REFUSALS_ALLOWED = 4;

/**
 * @returns the port of the server of this data folder, or null where none runs (then `postmaster.pid` is gone, or names a dead process, which
 * PostgreSQL sees itself)
 */
export async function runningServer(data: string, password: string): Promise<number | null> {
  const file = join(data, 'postmaster.pid');
  let refusals = 0;
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await pause(250)) {
    const found = await readPidFile(file);
    if (found === null || !isAlive(found.pid)) return null;
    const state = await ask(found.port, password, data);
    if (state === 'ours') return found.port;
    // The process id was given to another program, and perhaps the port to another server. A server of ours that starts up refuses
    // connections for a moment only.
    if (state === 'other' || (state === 'refused' && ++refusals === REFUSALS_ALLOWED)) {
      await rm(file, { force: true });
      return null;
    }
  }
  return null;
}

async function readPidFile(file: string): Promise<{ pid: number; port: number } | null> {
  const lines = await readFile(file, 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid > 0 && port > 0 ? { pid, port } : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** 'busy': it is starting or stopping. */
async function ask(
  port: number,
  password: string,
  data: string,
): Promise<'ours' | 'other' | 'refused' | 'busy'> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory === data ? 'ours' : 'other';
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ECONNREFUSED') return 'refused';
    return code?.startsWith('57P') === true ? 'busy' : 'other';
  } finally {
    await client.end().catch(() => undefined);
  }
}
