/**
 * Group commit: what concurrent callers ask for is done for all of them at once. While one batch is under way the next one gathers, so an idle
 * system adds no wait and a busy one gathers for as long as a transaction takes; no timer decides.
 *
 * Callers are told apart again at the end: `run` answers each item by itself, so that one that is refused fails alone. Where it throws, nobody
 * knows which item was to blame: each is tried apart, so that one that can never succeed does not take others with it for ever. Two that fail
 * apart speak for a cause that is not theirs, such as a lost database, and the rest are spared the try. `run` must bear being called twice.
 */
export type Settled<Result> = { ok: true; value: Result } | { ok: false; error: unknown };

export interface GatheringDeps<Item, Result> {
  /** In the order given, one answer for each. */
  run(items: readonly Item[]): Promise<readonly Settled<Result>[]>;
  /** What an item counts towards `most`: at least 1. */
  weigh(item: Item): number;
  /** A batch is closed before it would weigh more; an item that weighs more by itself goes alone. */
  most: number;
}

const MOST_FAILURES = 2;

interface Waiting<Item, Result> {
  item: Item;
  settle(settled: Settled<Result>): void;
}

export function createGathering<Item, Result>({
  run,
  weigh,
  most,
}: GatheringDeps<Item, Result>): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isRunning = false;

  const next = (): Waiting<Item, Result>[] => {
    let weight = 0;
    const over = waiting.findIndex(({ item }) => (weight += weigh(item)) > most);
    const batch = over < 0 ? waiting : waiting.slice(0, Math.max(1, over));
    waiting = waiting.slice(batch.length);
    return batch;
  };

  const tryAll = async (batch: readonly Waiting<Item, Result>[]): Promise<{ error: unknown } | null> => {
    try {
      const settled = await run(batch.map(({ item }) => item));
      batch.forEach(({ settle }, i) => settle(settled[i] as Settled<Result>));
      return null;
    } catch (error) {
      return { error };
    }
  };

  const tryApart = async (batch: readonly Waiting<Item, Result>[], cause: unknown): Promise<void> => {
    let error = cause;
    let failures = batch.length === 1 ? MOST_FAILURES : 0;
    for (const one of batch) {
      const failed = failures < MOST_FAILURES ? await tryAll([one]) : { error };
      if (failed === null) continue;
      failures++;
      error = failed.error;
      one.settle({ ok: false, error });
    }
  };

  const drain = async (): Promise<void> => {
    isRunning = true;
    // Everything that this turn of the event loop brings comes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = next();
      const failed = await tryAll(batch);
      if (failed !== null) await tryApart(batch, failed.error);
    }
    isRunning = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({
        item,
        settle: (settled) => (settled.ok ? resolve(settled.value) : reject(settled.error)),
      });
      if (!isRunning) void drain();
    });
}
