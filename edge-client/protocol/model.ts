/** What a task makes, a network or counts, as data; its numbers and their bytes: everything that must be the same on both sides. */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import * as v from 'valibot';
import { marginalsLayout, marginalsSpecSchema, type MarginalsSpec } from './marginals/spec.ts';
import { ProtocolError } from './problem.ts';

/**
 * A multi-layer perceptron with one logit. It is public, part of the signed task.
 * `seed` fixes the first weights for everyone and is no secret.
 */
export interface ModelSpec {
  readonly kind: 'mlp';
  /** Length of a feature vector. */
  readonly inputs: number;
  /** Units of each hidden layer, first to last; `[]` is logistic regression. */
  readonly hidden: readonly number[];
  readonly outputs: 1;
  readonly activation: 'relu' | 'tanh';
  readonly seed: string;
}

/** What a task makes round by round: the weights of a network, or the counts of a synthesis. Called a model on every wire. */
export type TaskModel = ModelSpec | MarginalsSpec;

const widthSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536));

const modelSpecSchema: v.GenericSchema<ModelSpec> = v.strictObject({
  kind: v.literal('mlp'),
  inputs: widthSchema,
  hidden: v.pipe(v.array(widthSchema), v.maxLength(8)),
  outputs: v.literal(1),
  activation: v.picklist(['relu', 'tanh']),
  seed: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
});

export const taskModelSchema: v.GenericSchema<TaskModel> = v.union([modelSpecSchema, marginalsSpecSchema]);

/** @throws ProtocolError 'protocol/model' where the task counts instead of training */
export function networkOf({ taskId, model }: { taskId: string; model: TaskModel }): ModelSpec {
  if (model.kind === 'mlp') return model;
  throw new ProtocolError('protocol/model', `task ${taskId} trains no network: it counts`);
}

/**
 * One dense layer inside the flat weights: `W` row-major `[inputs, outputs]`, then the bias `[outputs]`. Read as
 * one row-major `[inputs + 1, outputs]` matrix it multiplies an activation that carries a trailing 1.
 */
export interface LayerShape {
  readonly inputs: number;
  readonly outputs: number;
  /** First element of the layer in the flat weights; it holds `(inputs + 1) * outputs` of them. */
  readonly offset: number;
}

/** @throws ProtocolError 'protocol/model' when a width is not a positive integer. */
export function layerShapes(spec: ModelSpec): LayerShape[] {
  const widths = [spec.inputs, ...spec.hidden, spec.outputs];
  for (const width of widths) {
    if (!Number.isSafeInteger(width) || width < 1) {
      throw new ProtocolError('protocol/model', `a layer width must be a positive integer, got ${width}`);
    }
  }
  let offset = 0;
  return widths.slice(1).map((outputs, index) => {
    const inputs = widths[index] as number;
    const shape = { inputs, outputs, offset };
    offset += (inputs + 1) * outputs;
    return shape;
  });
}

/** Length of the flat weights, or of the counts. */
export function parameterCount(spec: TaskModel): number {
  if (spec.kind === 'marginals') return marginalsLayout(spec).length;
  return layerShapes(spec).reduce((total, layer) => total + (layer.inputs + 1) * layer.outputs, 0);
}

/**
 * First weights of a task, the same bytes on every platform, so that anyone can check the hash of model version 0. Counts begin with 0.
 *
 * Glorot uniform (Glorot and Bengio 2010): each `W` in `[-a, a)` with `a = sqrt(6 / (inputs + outputs))`, biases 0.
 * Draw `i` of the model (over all `W`, in layout order) is the big-endian 32-bit word `i mod 8` of
 * `SHA-256(SHA-256(utf8(seed)) || uint32be(floor(i / 8)))`, mapped to `a * ((word + 0.5) / 2^31 - 1)` and rounded to
 * float32. Only `+ - * /` and `sqrt` are used, which IEEE 754 rounds correctly: no `log` or `cos`, whose last bit
 * differs between engines.
 */
export function initialWeights(spec: TaskModel): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(parameterCount(spec));
  if (spec.kind === 'marginals') return weights;
  const nextWord = sha256Words(spec.seed);
  for (const { inputs, outputs, offset } of layerShapes(spec)) {
    const bound = Math.sqrt(6 / (inputs + outputs));
    for (let i = 0; i < inputs * outputs; i++) {
      weights[offset + i] = bound * ((nextWord() + 0.5) / 2 ** 31 - 1);
    }
  }
  return weights;
}

function sha256Words(seed: string): () => number {
  const wordsPerBlock = 8;
  const input = new Uint8Array(36);
  input.set(sha256(utf8ToBytes(seed)));
  const counter = new DataView(input.buffer, 32);
  let block = new DataView<ArrayBufferLike>(new ArrayBuffer(0));
  let drawn = 0;
  return () => {
    const position = drawn % wordsPerBlock;
    if (position === 0) {
      counter.setUint32(0, drawn / wordsPerBlock);
      const digest = sha256(input);
      block = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
    }
    drawn++;
    return block.getUint32(4 * position);
  };
}

/**
 * Weights as they are hashed, stored and served: little-endian float32, 4 bytes each, nothing else.
 * @throws ProtocolError 'protocol/weights' for a value that is not finite.
 */
export function weightsToBytes(weights: Float32Array): Uint8Array<ArrayBuffer> {
  requireFinite(weights);
  const bytes = new Uint8Array(4 * weights.length);
  const view = new DataView(bytes.buffer);
  weights.forEach((weight, i) => view.setFloat32(4 * i, weight, true));
  return bytes;
}

/** How a model is named everywhere: the SHA-256 of its bytes, base64url. */
export function modelHash(bytes: Uint8Array): string {
  return bytesToBase64Url(sha256(bytes));
}

/**
 * Inverse of {@link weightsToBytes}. The bytes come from a server: length and values are checked, the hash is the
 * caller's to check.
 * @throws ProtocolError 'protocol/weights' for another length than the spec's, or a value that is not finite.
 */
export function bytesToWeights(bytes: Uint8Array, spec: TaskModel): Float32Array<ArrayBuffer> {
  const count = parameterCount(spec);
  if (bytes.length !== 4 * count) {
    throw new ProtocolError(
      'protocol/weights',
      `expected ${4 * count} bytes of weights, got ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  requireFinite(weights);
  return weights;
}

/** @throws ProtocolError 'protocol/weights' for another number of weights than the spec's, or one that is not finite. */
export function requireWeights(weights: Float32Array, spec: ModelSpec): void {
  const count = parameterCount(spec);
  if (weights.length !== count) {
    throw new ProtocolError('protocol/weights', `expected ${count} weights, got ${weights.length}`);
  }
  requireFinite(weights);
}

function requireFinite(weights: Float32Array): void {
  const bad = weights.findIndex((weight) => !Number.isFinite(weight));
  if (bad !== -1) throw new ProtocolError('protocol/weights', `weight ${bad} is not finite`);
}
