/**
 * The fastest backend of this device for a task's network, found by trying: WebAssembly, WebGL, or whatever else is offered, with plain
 * JavaScript as the measure and the fallback.
 *
 * A person's device trains on one row, which plain JavaScript does in about a millisecond for networks of some thousand weights: then nothing
 * is tried, since loading and starting another backend costs more than it could ever save. What is tried must also give the same
 * numbers: many phones compute in half precision on WebGL, where a clipped update would not be clipped.
 */
import { setBackend } from '@tensorflow/tfjs-core';
import { initialWeights, type ModelSpec } from '@twinkeep/protocol';
import { createTfEngine } from './engine-tf.ts';
import type { ClippedSum, TrainingEngine } from './engine.ts';
import { loadTf } from './load-tf.ts';

export interface Accelerator {
  /** As tfjs names the backend. */
  name: string;
  /** Registers it with tfjs. */
  load: () => Promise<unknown>;
}

export interface MeasuredEngine {
  engine: TrainingEngine;
  /** The one in use. */
  backend: string;
  /** Median milliseconds of one twin's update; null where it cannot be used here. In the order of trying. */
  measured: readonly { backend: string; millis: number | null }[];
}

export interface MeasureOptions {
  accelerators: readonly Accelerator[];
  /** Milliseconds, of one update in plain JavaScript, below which nothing else is tried. */
  worthwhile?: number;
  /** Milliseconds. */
  now?: () => number;
}

const WORTHWHILE = 30;
const RUNS = 5;
const CLIP = 1;
/** Largest difference of a coordinate, in clipping bounds: float32 in another order of summation stays far below. */
const TOLERANCE = 1e-4;

export async function createMeasuredEngine(
  spec: ModelSpec,
  { accelerators, worthwhile = WORTHWHILE, now = () => performance.now() }: MeasureOptions,
): Promise<MeasuredEngine> {
  const { tf, backend: fallback } = await loadTf();
  const engine = createTfEngine(tf, spec);
  const plain = await measure(engine, spec, now);
  const measured = [{ backend: fallback, millis: plain.millis as number | null }];
  if (plain.millis < worthwhile) return { engine, backend: fallback, measured };
  for (const { name, load } of accelerators) {
    const millis = await tryBackend(name, load, () => measure(engine, spec, now), plain.result);
    measured.push({ backend: name, millis });
  }
  const usable = measured.flatMap(({ backend, millis }) => (millis === null ? [] : [{ backend, millis }]));
  const fastest = usable.reduce((a, b) => (b.millis < a.millis ? b : a));
  await setBackend(fastest.backend);
  return { engine, backend: fastest.backend, measured };
}

interface Measurement {
  millis: number;
  result: ClippedSum;
}

async function measure(engine: TrainingEngine, spec: ModelSpec, now: () => number): Promise<Measurement> {
  const weights = initialWeights(spec);
  const features = Float32Array.from({ length: spec.inputs }, (_, i) => Math.sin(i + 1));
  const rows = { features, labels: Float32Array.of(1), n: 1 };
  // The first compiles what it needs.
  let result = await engine.clippedSum(weights, rows, CLIP);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = now();
    result = await engine.clippedSum(weights, rows, CLIP);
    times.push(now() - start);
  }
  return { millis: times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] as number, result };
}

/** @returns null where it does not load, does not start, or computes something else */
async function tryBackend(
  name: string,
  load: () => Promise<unknown>,
  measureNow: () => Promise<Measurement>,
  expected: ClippedSum,
): Promise<number | null> {
  try {
    await load();
    if (!(await setBackend(name))) return null;
    const { millis, result } = await measureNow();
    return isSame(result, expected) ? millis : null;
  } catch {
    return null;
  }
}

function isSame(a: ClippedSum, b: ClippedSum): boolean {
  return a.sum.every((value, i) => Math.abs(value - (b.sum[i] as number)) <= TOLERANCE * CLIP);
}
