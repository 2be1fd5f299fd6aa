import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { simulateLines } from '@twinkeep/synthetic/node';
import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, industries, PINNED, pinnedOptions } from '../support/pinned.ts';

/** Workers run built code, so a process of its own runs it: a hash per number of threads, of each part in turn. */
async function digestsOnThreads(options: SimulationOptions, threads: readonly number[]): Promise<string[]> {
  const script = fileURLToPath(new URL('../support/threads.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    JSON.stringify({ options, threads }),
  ]);
  return JSON.parse(stdout) as string[];
}

/** The same from these sources, in one thread. */
function digestHere(options: SimulationOptions): string {
  const simulation = createSimulation(options);
  const key = createSimulationTruths(options);
  const hash = createHash('sha256');
  const everybody = Array.from({ length: options.customers }, (_, i) => i);
  for (const i of everybody) hash.update(simulation.eventLines(i));
  for (const i of everybody) {
    const { id, site, consent } = simulation.customer(i);
    hash.update(`${JSON.stringify({ id, site, consent, row: simulation.record(i) })}\n`);
  }
  for (const i of everybody) hash.update(`${JSON.stringify(key.truth(i))}\n`);
  return hash.digest('hex');
}

describe('same options, same bytes', () => {
  it.each([...industries])('%s keeps the bytes of the first release', async (industry) => {
    expect(await digestOf(industry)).toBe(PINNED[industry]);
  });

  it('on 1, 2 and 8 threads', async () => {
    const options = { ...pinnedOptions('telecom'), customers: 2_600 };
    const here = digestHere(options);
    expect(await digestsOnThreads(options, [1, 2, 8])).toEqual([here, here, here]);
  });

  it('for each customer alone, whoever was asked for before and however many there are', () => {
    const options = pinnedOptions('cpg');
    const simulation = createSimulation(options);
    const expected = Array.from({ length: options.customers }, (_, i) => simulation.eventLines(i));
    fc.assert(
      fc.property(
        fc.array(fc.nat(options.customers - 1), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: options.customers, max: 0xffffffff }),
        (indices, customers) => {
          const other = createSimulation({ ...options, customers });
          for (const index of indices) expect(other.eventLines(index)).toBe(expected[index]);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('other bytes from another seed', () => {
    const options = pinnedOptions('health');
    const lines = (seed: number): string => createSimulation({ ...options, seed }).eventLines(0);
    expect(lines(1)).not.toBe(lines(2));
  });

  it('says what is wrong with its options', async () => {
    const options = pinnedOptions('retail');
    await expect(simulateLines(options, 'events', 0).next()).rejects.toThrow(RangeError);
    await expect(simulateLines({ ...options, months: 0 }, 'events', 2).next()).rejects.toThrow(/months/);
  });
});
