/**
 * Under which account the server runs. PostgreSQL refuses to run as root; then it runs as `postgres` where that account exists, else as
 * `nobody`: no account is added to the machine.
 */
import { execFile } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { DemoError } from '../errors.ts';

export interface Account {
  uid: number;
  gid: number;
}

/** null: run as whoever runs us. @throws DemoError where root finds no account to hand over to */
export async function serverAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([numericId('-u', name), numericId('-g', name)]);
    if (uid !== null && gid !== null) return { uid, gid };
  }
  throw new DemoError(
    'demo/environment',
    'PostgreSQL does not run as root, and this machine has no account "postgres" or "nobody". Run as an ordinary user.',
  );
}

/** Hands a file or folder of ours to the server's account. */
export async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid);
}

/** Whether the account may enter every folder above `path`: root's home is usually closed to others. */
export async function canReach(account: Account | null, path: string): Promise<boolean> {
  if (account === null) return true;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const enter = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & enter) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function numericId(flag: '-u' | '-g', name: string): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('id', [flag, name]);
    return Number.parseInt(stdout, 10);
  } catch {
    return null;
  }
}
