/**
 * Sums of masks, and noise, on threads. Small ones stay where they are: they are done before a thread has heard of them. Large ones leave
 * the main thread free, so that a helper that expands for minutes still polls, and still ends within its grace when asked to.
 *
 * A thread that dies takes its part with it; the part is done once more in a new thread. If that one dies too the whole sum
 * fails, with an error that is no refusal: the helper asks for its duty again and answers then, for the same set. Nothing is answered in part.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addNoise, addWords, NOISE_CHUNK_WORDS } from '@twinkeep/protocol';
import { expandSlice, joinSums, sliceSeeds, type MaskTerms, type SeedSlice } from './expand.ts';
import { nodePrg } from './node-prg.ts';

export interface MaskThreads {
  /**
   * @param seeds by set index, of every report in the set
   * @returns sums by set index, modulo 2^32; whoever packs them cuts them to the modulus of the round
   */
  sumMasks(
    seeds: readonly ReadonlyMap<number, Uint8Array>[],
    terms: MaskTerms,
  ): Promise<Map<number, Uint32Array<ArrayBuffer>>>;
  /**
   * `addNoise` of the protocol to every sum, in place.
   * @param keys of the noise, by set index
   */
  addNoise(
    sums: ReadonlyMap<number, Uint32Array>,
    keys: ReadonlyMap<number, Uint8Array>,
    sigmaSquared: number,
  ): Promise<void>;
  /** Ends the threads, in the middle of a sum if need be; that sum then fails. */
  close(): Promise<void>;
}

export interface MaskThreadOptions {
  /** At most; default: as many as processors, but four, since memory is the limit then. */
  threads?: number | undefined;
  /** Sums of less than so many bytes of masks stay on the calling thread. */
  smallest?: number;
  /** The thread's program: built beside this file, as there is no TypeScript at run time. */
  script?: URL;
}

export type ThreadTask = ({ kind: 'masks' } & SeedSlice) | ({ kind: 'noise' } & NoiseChunk);

/** Noise for `words` words of a sum, from chunk * NOISE_CHUNK_WORDS on. */
export interface NoiseChunk {
  key: Uint8Array;
  chunk: number;
  words: number;
  sigmaSquared: number;
}

export interface ThreadRequest {
  id: number;
  task: ThreadTask;
}

export interface ThreadAnswer {
  id: number;
  sums: Uint32Array<ArrayBuffer>[];
}

const MOST_THREADS = 4;
/** About 15 ms of one processor: where a second thread begins to win on what it costs to tell it. */
const SMALLEST_BYTES = 2 ** 25;
/** Words of noise that take as long as a byte of masks. */
const NOISE_PER_BYTE = 2 ** -10;
const ATTEMPTS = 2;

export function createMaskThreads({
  threads = Math.min(availableParallelism(), MOST_THREADS),
  smallest = SMALLEST_BYTES,
  script = new URL('./expand-worker.js', import.meta.url),
}: MaskThreadOptions = {}): MaskThreads {
  // Started when first needed, and kept.
  const pool: (Thread | undefined)[] = Array.from({ length: threads });
  let closed = false;

  async function perform(task: ThreadTask, place: number): Promise<Uint32Array<ArrayBuffer>[]> {
    for (let attempt = 1; ; attempt++) {
      if (closed) throw new Error('the threads of the helper are stopped');
      const thread = (pool[place] ??= startThread(script, () => (pool[place] = undefined)));
      try {
        return await thread.perform(task);
      } catch (error) {
        if (closed || attempt === ATTEMPTS) throw error;
      }
    }
  }

  return {
    async sumMasks(seeds, terms) {
      const small = seeds.length * terms.sets.length * terms.words * 4 < smallest;
      const slices = sliceSeeds(seeds, terms, small ? 1 : threads);
      try {
        const parts = small
          ? slices.map(expandSlice)
          : await Promise.all(slices.map((slice, place) => perform({ kind: 'masks', ...slice }, place)));
        return joinSums(parts, terms);
      } finally {
        for (const slice of slices) slice.seeds.fill(0);
      }
    },
    async addNoise(sums, keys, sigmaSquared) {
      const words = [...sums.values()].reduce((total, sum) => total + sum.length, 0);
      const small = words < smallest * NOISE_PER_BYTE;
      let place = 0;
      const parts: Promise<void>[] = [];
      for (const [index, sum] of sums) {
        const key = keys.get(index) as Uint8Array;
        if (small) await addNoise(sum, key, sigmaSquared, nodePrg);
        for (let chunk = 0; !small && chunk * NOISE_CHUNK_WORDS < sum.length; chunk++) {
          const part = sum.subarray(chunk * NOISE_CHUNK_WORDS, (chunk + 1) * NOISE_CHUNK_WORDS);
          const task = { kind: 'noise', key, chunk, words: part.length, sigmaSquared } as const;
          parts.push(
            perform(task, place++ % threads).then(([noise]) => addWords(part, noise as Uint32Array)),
          );
        }
      }
      await Promise.all(parts);
    },
    async close() {
      closed = true;
      await Promise.all(pool.flatMap((thread) => thread?.stop() ?? []));
    },
  };
}

interface Thread {
  perform(task: ThreadTask): Promise<Uint32Array<ArrayBuffer>[]>;
  stop(): Promise<unknown>;
}

/** @param onEnd called once, before what waits for the thread fails */
function startThread(script: URL, onEnd: () => void): Thread {
  const worker = new Worker(script);
  const waiting = new Map<
    number,
    { resolve: (sums: ThreadAnswer['sums']) => void; reject: (why: Error) => void }
  >();
  let last = 0;
  let ended = false;

  const end = (why: Error): void => {
    if (!ended) onEnd();
    ended = true;
    for (const { reject } of waiting.values()) reject(why);
    waiting.clear();
  };
  worker.on('message', ({ id, sums }: ThreadAnswer) => {
    waiting.get(id)?.resolve(sums);
    waiting.delete(id);
  });
  worker.once('error', end);
  worker.once('exit', (code) => end(new Error(`a thread of the helper ended with code ${code}`)));

  return {
    perform: (task) =>
      new Promise((resolve, reject) => {
        const request: ThreadRequest = { id: ++last, task };
        waiting.set(request.id, { resolve, reject });
        // A copy goes over: this side keeps the seeds for a second attempt, and wipes them then.
        worker.postMessage(request);
      }),
    stop: () => worker.terminate(),
  };
}
