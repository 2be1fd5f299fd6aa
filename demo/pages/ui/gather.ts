/** A burst of changes makes one answer. */
const GATHER_MILLIS = 200;

/** @returns a function that has `work` done soon, once for all calls until then */
export function gather(work: () => Promise<void>): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      void work();
    }, GATHER_MILLIS);
  };
}
