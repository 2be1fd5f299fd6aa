/** A simulation's lines, made by several threads and handed out in the order of the customers: the same bytes for any number of them. */
import type { SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createCrew } from './crew.ts';
import { BLOCK, blockLines, createPart, type SimulationPart } from './parts.ts';

/**
 * UTF-8. With one thread no worker is started. Ends its workers when it is read to the end, abandoned or fails.
 *
 * @throws RangeError for wrong options or fewer than one thread
 */
export async function* simulateLines(
  options: SimulationOptions,
  part: SimulationPart,
  threads: number,
): AsyncGenerator<Uint8Array, void, void> {
  const lines = createPart(options, part);
  const blocks = Math.ceil(options.customers / BLOCK);
  const encoder = new TextEncoder();
  const crew = createCrew<number, Uint8Array>(
    Math.min(threads, blocks),
    new URL('./simulate-worker.js', import.meta.url),
    { options, part },
    (block) => Promise.resolve(encoder.encode(blockLines(lines, options.customers, block))),
  );
  function* tasks(): Generator<number, void, void> {
    for (let block = 0; block < blocks; block++) yield block;
  }
  try {
    yield* crew.run(tasks());
  } finally {
    await crew.end();
  }
}
