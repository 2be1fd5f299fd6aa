// Times of repeated work: CPU of the whole process, all threads, and the clock on the wall.

/** Median of as many runs as fit the budget, after one that is not counted where runs are short. */
export async function measure(work, { most = 15, budget = 500 } = {}) {
  const first = await timed(work);
  const runs = first.wall > budget ? [first] : [];
  for (let spent = first.wall; spent < budget && runs.length < most; spent += runs.at(-1).wall)
    runs.push(await timed(work));
  const sorted = runs.toSorted((a, b) => a.cpu - b.cpu);
  return sorted[Math.floor(sorted.length / 2)];
}

/** In milliseconds. */
async function timed(work) {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  const result = await work();
  const spent = process.cpuUsage(cpu);
  return { cpu: (spent.user + spent.system) / 1000, wall: performance.now() - wall, result };
}

/** Bytes that memcpy moves in a millisecond here, read and written: no sum reads its vectors faster. */
export async function memoryBandwidth() {
  const bytes = 128 * 2 ** 20;
  const [from, to] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes).fill(2)];
  const { wall } = await measure(() => to.set(from));
  return (2 * bytes) / wall;
}
