/** The backends of a real Chromium. Headless it has no graphics card: WebGL is computed in software there. */
import type { ModelSpec } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { browserAccelerators, createMeasuredEngine } from '../../../edge-client/train/accelerated.ts';

const WASM = '/node_modules/@tensorflow/tfjs-backend-wasm/dist/';
const specOf = (inputs: number, hidden: number[]): ModelSpec => ({
  kind: 'mlp',
  inputs,
  hidden,
  outputs: 1,
  activation: 'tanh',
  seed: 'measured',
});

describe('in Chromium', () => {
  it('a network of some thousand weights is left to plain JavaScript, and nothing else is loaded', async () => {
    const { backend, measured } = await createMeasuredEngine(specOf(46, [32, 16]), {
      accelerators: browserAccelerators(WASM),
    });
    expect(backend).toBe('cpu');
    expect(measured).toHaveLength(1);
  });

  it('a large one goes to whatever was measured to be fastest, with the same numbers', async () => {
    const spec = specOf(512, [512, 256]);
    const { backend, measured } = await createMeasuredEngine(spec, {
      accelerators: browserAccelerators(WASM),
      worthwhile: 0,
    });
    const usable = measured.flatMap(({ backend, millis }) => (millis === null ? [] : [{ backend, millis }]));
    expect(measured.map((entry) => entry.backend)).toEqual(['cpu', 'wasm', 'webgl']);
    expect(usable.map((entry) => entry.backend)).toContain('wasm');
    expect(backend).toBe(usable.reduce((a, b) => (b.millis < a.millis ? b : a)).backend);
  });
});
