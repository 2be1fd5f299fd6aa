import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { initialWeights } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import { afterEach, expect, test, vi } from 'vitest';

const spec: ModelSpec = { kind: 'mlp', inputs: 2, hidden: [2], outputs: 1, activation: 'relu', seed: 'load' };

afterEach(() => {
  vi.restoreAllMocks();
});

test('without tfjs-node it trains on the cpu backend, and writes nothing on the console', async () => {
  const noise = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
  const { tf, backend } = await loadTf();
  const rows = { features: Float32Array.of(1, 2, 3, 4), labels: Float32Array.of(0, 1), n: 2 };
  const { count } = await createTfEngine(tf, spec).clippedSum(initialWeights(spec), rows, 1);
  expect(backend).toBe('cpu');
  expect(count).toBe(2);
  for (const spy of noise) expect(spy).not.toHaveBeenCalled();
});

test('a tfjs-node that Node cannot find is not missed', async () => {
  const absent = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  const { backend } = await loadTf(() => Promise.reject(absent));
  expect(backend).toBe('cpu');
});

test('a tfjs-node that is installed but broken is an error, not a slow start', async () => {
  const broken = Object.assign(new Error('libtensorflow.so.2: cannot open shared object file'), {
    code: 'ERR_DLOPEN_FAILED',
  });
  await expect(loadTf(() => Promise.reject(broken))).rejects.toMatchObject({
    code: 'tfjs/not-loadable',
    cause: broken,
  });
});

test('an installed native tfjs is used in place of the cpu backend', async () => {
  const native = await import('@tensorflow/tfjs');
  const { tf } = await loadTf(() => Promise.resolve(native));
  expect(tf).toBe(native);
});
