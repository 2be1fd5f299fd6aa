/**
 * The results of `read` in the order of the items, while up to `depth` are under way: a network is waited for once, not once for each.
 * After an error, and where the caller stops early, what is under way is left to end by itself.
 */
export async function* readAhead<T, R>(
  items: Iterable<T>,
  read: (item: T) => Promise<R>,
  depth: number,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  for (const item of items) {
    if (underWay.length >= depth) yield underWay.shift()!;
    const result = read(item);
    // Looked at when its turn comes; until then a failure is nobody's, and must not end the process.
    result.catch(() => undefined);
    underWay.push(result);
  }
  for (const result of underWay) yield result;
}
