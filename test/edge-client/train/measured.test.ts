/** Choosing a backend by its time, with backends made of the plain one's kernels and a clock that the test turns. */
import {
  getKernelsForBackend,
  registerBackend,
  registerKernel,
  findBackend,
  setBackend,
} from '@tensorflow/tfjs-core';
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { loadTf } from '@twinkeep/edge-client/train';
import type { ModelSpec } from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { createMeasuredEngine, type Accelerator } from '../../../edge-client/train/measured.ts';

const spec: ModelSpec = {
  kind: 'mlp',
  inputs: 5,
  hidden: [4],
  outputs: 1,
  activation: 'tanh',
  seed: 'measured',
};

/** Milliseconds that a call of a backend takes, by the test's clock. */
const speed = new Map<string, number>([['cpu', 50]]);
let current = 'cpu';
let time = 0;

/** The plain backend under another name, as fast as said, and perhaps a little wrong. */
function createAccelerator(
  name: string,
  millis: number,
  change: (value: number) => number = (value) => value,
): Accelerator {
  return {
    name,
    async load() {
      speed.set(name, millis);
      if (findBackend(name) !== null) return;
      const plain = findBackend('cpu');
      registerBackend(name, () => plain);
      for (const kernel of getKernelsForBackend('cpu')) {
        const kernelFunc: KernelFunc = (args) => {
          current = name;
          const made = kernel.kernelFunc(args);
          if (kernel.kernelName === 'Tanh' && !Array.isArray(made)) {
            const values = plain.readSync(made.dataId) as Float32Array;
            values.forEach((value, i) => (values[i] = change(value)));
          }
          return made;
        };
        registerKernel({ ...kernel, backendName: name, kernelFunc });
      }
    },
  };
}

/** Every second look is the end of a call, which took as long as the backend in use needs. */
function now(): number {
  time += (speed.get(current) ?? 0) / 2;
  return time;
}

afterEach(async () => {
  current = 'cpu';
  await setBackend('cpu');
});

describe('the backend', () => {
  it('is the plain one, and nothing is loaded, where that is fast enough', async () => {
    await loadTf();
    let loaded = false;
    const accelerators = [{ name: 'never', load: async () => void (loaded = true) }];
    const { backend, measured } = await createMeasuredEngine(spec, { accelerators });
    expect(backend).toBe('cpu');
    expect(measured).toHaveLength(1);
    expect(measured[0]?.millis).toBeLessThan(30);
    expect(loaded).toBe(false);
  });

  it('is the fastest of those that give the same numbers', async () => {
    const accelerators = [
      createAccelerator('slower', 80),
      createAccelerator('faster', 10),
      createAccelerator('wrong', 1, (value) => value + 0.01),
      { name: 'broken', load: () => Promise.reject(new Error('no such chunk')) },
      { name: 'unknown', load: async () => {} },
    ];
    const { engine, backend, measured } = await createMeasuredEngine(spec, {
      accelerators,
      now,
      worthwhile: 0,
    });
    expect(backend).toBe('faster');
    expect(measured.map((entry) => entry.backend)).toEqual([
      'cpu',
      'slower',
      'faster',
      'wrong',
      'broken',
      'unknown',
    ]);
    expect(measured.filter(({ millis }) => millis === null).map((entry) => entry.backend)).toEqual([
      'wrong',
      'broken',
      'unknown',
    ]);
    current = 'none';
    await engine.scores(new Float32Array(29), {
      features: new Float32Array(5),
      labels: Float32Array.of(1),
      n: 1,
    });
    expect(current, 'the engine works on it').toBe('faster');
  });

  it('stays the plain one where nothing beats it', async () => {
    const accelerators = [createAccelerator('slower', 80)];
    expect((await createMeasuredEngine(spec, { accelerators, now, worthwhile: 0 })).backend).toBe('cpu');
  });
});
