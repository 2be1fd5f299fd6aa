/**
 * The server's folder. When root runs the demo in a folder that the server's account cannot enter (root's home, say), it lies in the
 * system's folder for temporary files that outlive a restart instead, and the asked-for folder names the place.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DemoError } from '../errors.ts';
import { canReach, type Account } from './account.ts';

/** @throws what the file system says where the folder cannot be made */
export async function reachableFolder(folder: string, account: Account | null): Promise<string> {
  await mkdir(folder, { recursive: true });
  if (await canReach(account, join(folder, 'data'))) return folder;
  const name = `twinkeep-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const elsewhere = join('/var/tmp', name);
  await mkdir(elsewhere, { recursive: true, mode: 0o711 });
  // Anyone may write to /var/tmp, and may have made a folder of this name first.
  const { uid, mode } = await lstat(elsewhere);
  if (uid !== 0 || (mode & 0o022) !== 0)
    throw new DemoError(
      'demo/environment',
      `${elsewhere} belongs to somebody else. Remove it, then try again.`,
    );
  await writeFile(join(folder, 'IS-ELSEWHERE.txt'), `${elsewhere}\n`);
  return elsewhere;
}
