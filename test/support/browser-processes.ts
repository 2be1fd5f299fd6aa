/** The processes of one browser, known by its profile: to kill it as a power cut does, or to stop it as a closed lid does. Linux only. */
import { readdir, readFile } from 'node:fs/promises';
import type { BrowserContext } from 'playwright-core';

/** All at once; playwright gets to close nothing. */
export async function killBrowser(context: BrowserContext, profile: string): Promise<void> {
  const closed = new Promise((resolve) => context.on('close', resolve));
  await signalBrowser(profile, 'SIGKILL');
  await closed;
}

export async function signalBrowser(
  profile: string,
  signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT',
): Promise<void> {
  for (const pid of await processesOf(profile)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The browser itself, and all that it has started. */
async function processesOf(profile: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  const found: number[] = [];
  for (const pid of pids) {
    const [command, stat] = await Promise.all(
      ['cmdline', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    // The name before it, in brackets, may hold anything.
    parents.set(pid, Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    if (command?.includes(`--user-data-dir=${profile}`)) found.push(pid);
  }
  for (const pid of found)
    found.push(...pids.filter((child) => parents.get(child) === pid && !found.includes(child)));
  return found;
}
