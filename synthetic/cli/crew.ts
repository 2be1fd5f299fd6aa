/**
 * Threads that do numbered tasks, and their results in the order of the tasks, so that what is made of them is the same for any number of
 * threads. At most a few tasks per thread wait in memory, however slowly the results are read.
 */
import { parentPort, Worker } from 'node:worker_threads';
import { SyntheticError, type Place, type SyntheticErrorCode } from '@twinkeep/synthetic/synthesize';

/** Tasks that each thread may be ahead of the reader. */
const AHEAD = 4;

export interface Crew<Task, Result> {
  /** One run at a time. @throws what a task threw, the first by the order of the tasks */
  run(tasks: Iterable<Task>): AsyncGenerator<Result, void, void>;
  /** Ends the threads. */
  end(): Promise<void>;
}

type Answer<Result> = { result: Result } | { failure: Failure };

interface Failure {
  message: string;
  synthetic: { code: SyntheticErrorCode; reason: string; place: Place } | null;
}

/**
 * `alone` does a task without a thread: for one thread none is started. `module`: a file that serves the same with `serveCrew`.
 *
 * @throws RangeError for fewer than one thread
 */
export function createCrew<Task, Result>(
  threads: number,
  module: URL,
  workerData: unknown,
  alone: (task: Task) => Promise<Result>,
): Crew<Task, Result> {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new RangeError(`threads: ${threads} is no integer from 1 to 256`);
  if (threads === 1)
    return {
      async *run(tasks) {
        for (const task of tasks) yield await alone(task);
      },
      end: () => Promise.resolve(),
    };
  return fromWorkers(threads, module, workerData);
}

function fromWorkers<Task, Result>(threads: number, module: URL, workerData: unknown): Crew<Task, Result> {
  const answers = new Map<number, Answer<Result>>();
  let next = 0;
  let lost: unknown;
  let wake = (): void => {};
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(module, { workerData });
    worker.on('message', ({ number, ...answer }: { number: number } & Answer<Result>) => {
      answers.set(number, answer);
      wake();
    });
    worker.on('error', (error) => {
      lost = error;
      wake();
    });
    return worker;
  });
  return {
    async *run(tasks) {
      const waiting = tasks[Symbol.iterator]();
      const first = next;
      let given = first;
      let done = false;
      // Task n is worker n mod threads's: nobody waits for a faster neighbour longer than for one task.
      const give = (): void => {
        const { value, done: over } = waiting.next();
        if (over === true) return void (done = true);
        next = given + 1;
        workers[given % threads]?.postMessage({ number: given++, task: value });
      };
      while (given < first + AHEAD * threads && !done) give();
      for (let number = first; number < given; number++) {
        while (!answers.has(number)) {
          if (lost !== undefined) throw lost;
          await new Promise<void>((resolve) => (wake = resolve));
        }
        const answer = answers.get(number) as Answer<Result>;
        answers.delete(number);
        if ('failure' in answer) throw failureToError(answer.failure);
        if (!done) give();
        yield answer.result;
      }
    },
    async end() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** A thread's side: does what it is asked until its owner ends it. `moved`: buffers of the result that are handed over, not copied. */
export function serveCrew<Task, Result>(
  work: (task: Task) => Promise<Result>,
  moved: (result: Result) => ArrayBuffer[],
): void {
  parentPort?.on('message', ({ number, task }: { number: number; task: Task }) => {
    void work(task).then(
      (result) => parentPort?.postMessage({ number, result }, moved(result)),
      (error: unknown) => parentPort?.postMessage({ number, failure: errorToFailure(error) }),
    );
  });
}

function errorToFailure(error: unknown): Failure {
  return {
    message: error instanceof Error ? error.message : String(error),
    synthetic:
      error instanceof SyntheticError ? { code: error.code, reason: error.reason, place: error.place } : null,
  };
}

function failureToError({ message, synthetic }: Failure): Error {
  if (synthetic === null) return new Error(message);
  return new SyntheticError(synthetic.code, synthetic.reason, synthetic.place);
}
