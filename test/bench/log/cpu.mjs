// CPU time of other processes, in milliseconds, as Linux counts it; NaN elsewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Clock ticks a second in /proc, on every Linux of today. */
const TICKS = 100;

export function cpuMillis(pid) {
  const { own } = readStat(pid);
  return own;
}

/** Of the server in this folder with all its workers, those that have ended too. */
export function createPostgresCpu(folder) {
  const [pid] = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
  return () => {
    const workers = pids().filter((each) => readStat(each).parent === Number(pid));
    const { own, ended } = readStat(pid);
    return own + ended + workers.reduce((sum, worker) => sum + readStat(worker).own, 0);
  };
}

function pids() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** proc(5): fields after the name in brackets, which may hold anything. */
function readStat(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    const millis = (from) => ((Number(fields[from]) + Number(fields[from + 1])) * 1_000) / TICKS;
    return { parent: Number(fields[1]), own: millis(11), ended: millis(13) };
  } catch {
    return { parent: NaN, own: NaN, ended: NaN };
  }
}
