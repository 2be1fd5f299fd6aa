export type { ClippedSum, TrainingEngine, TrainingRows } from './engine.ts';
export { createTfEngine } from './engine-tf.ts';
export { TrainError } from './errors.ts';
export type { TrainErrorCode } from './errors.ts';
export { loadTf } from './load-tf.ts';
export type { LoadedTf } from './load-tf.ts';
export type { TensorOps } from './network-tf.ts';
