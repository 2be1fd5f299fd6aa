/** @returns what `work` gives, or, where it takes longer than `millis`, what `late` gives; what comes of `work` then is ignored */
export async function within<T, L>(millis: number, work: Promise<T>, late: () => L): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), millis);
  });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), timeout]);
    return first === 'late' ? late() : first.result;
  } finally {
    clearTimeout(timer);
  }
}
