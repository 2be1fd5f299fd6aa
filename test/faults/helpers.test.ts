/** Helpers that die: one of four for good, one between its flag and its answer. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';
import { clearSumHash } from './clear-sum.ts';

const NODES = 4;

describe('mask helpers killed', () => {
  let world: World;
  let proxy: RecordingProxy;
  afterEach(async () => {
    await world.stop();
    proxy.close();
  });

  async function begin(taskId: string): Promise<Reporter[]> {
    proxy = await startRecordingProxy();
    world = await createWorld(NODES, (port) => {
      proxy.target = port;
      return proxy.url;
    });
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    const task = smallTask(taskId, {
      floors: { nMin: 2, nTarget: NODES, minTwins: 2, maxTwins: 1000 },
      windows: { collect: 30_000, ack: 5_000, reveal: 10_000 },
    });
    await world.publish(task);
    return Promise.all(
      Array.from({ length: NODES }, (_, i) => world.startReporter(i, randomSubjects(3), task)),
    );
  }

  it('one of four missing before the round closes: it still ends, with the exact sum', async () => {
    const reporters = await begin('one-helper-missing');
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    await world.helpers[2]!.kill('SIGKILL');
    for (const reporter of reporters) reporter.upload(1);
    const [first] = await world.untilEnded('one-helper-missing', 1, 100);
    expect(first).toMatchObject({ status: 'sealed', count: NODES });
    expect(first?.sumHash).toBe(clearSumHash(vectors.map(({ values }) => values)));
  });

  it('two of four missing: nothing is opened, and the round says why', async () => {
    const reporters = await begin('two-helpers-missing');
    await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    await world.helpers[0]!.kill('SIGKILL');
    await world.helpers[3]!.kill('SIGKILL');
    for (const reporter of reporters) reporter.upload(1);
    const [first] = await world.untilEnded('two-helpers-missing', 1, 100);
    expect(first).toMatchObject({ status: 'abandoned', sumHash: null });
    expect(['too-few-helpers', 'helpers-silent']).toContain(first?.reason);
    expect(first?.modelOut).toBe(first?.modelIn);
  });

  it('killed at any moment of the round and started again: one set per round, and the sum is exact', async () => {
    const reporters = await begin('helper-restarts');
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    for (const reporter of reporters) reporter.upload(1);
    for (let i = 0; i < 4; i++) {
      await pause(40 + 90 * i);
      await world.helpers[1]!.kill('SIGKILL');
      await world.helpers[1]!.start();
    }
    const [first] = await world.untilEnded('helper-restarts', 1, 100);
    expect(first).toMatchObject({ status: 'sealed', count: NODES });
    expect(first?.sumHash).toBe(clearSumHash(vectors.map(({ values }) => values)));
    const said = readiesSaid(proxy);
    expect(said.size).toBeGreaterThanOrEqual(3);
    for (const sets of said.values()) expect(sets.size).toBe(1);
  });
});

/** What each helper said it was ready for, on the wire: signer and round -> hashes of sets. */
function readiesSaid(proxy: RecordingProxy): Map<string, Set<string>> {
  const said = new Map<string, Set<string>>();
  const text = new TextDecoder().decode(proxy.recorded());
  for (const [body] of text.matchAll(/\{"[^{}]*"rcHash":"[^{}]*"scHash":"[^{}]*\}/g)) {
    const { rcHash, scHash, j, sums } = JSON.parse(body) as Record<string, string>;
    if (sums !== undefined) continue;
    const key = `${j} ${rcHash}`;
    said.set(key, (said.get(key) ?? new Set()).add(scHash ?? ''));
  }
  return said;
}
