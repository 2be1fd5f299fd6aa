/**
 * What the round needs of a trainer. The weights are a task's flat parameters, laid out as the protocol's `layerShapes`
 * says; the rows are one node's own customers and never leave it. Only `clippedSum().sum`, and how many were
 * clipped, may go on, and only into quantising and masking: `loss` is for the node's own eyes.
 */
export interface TrainingEngine {
  /**
   * Sum over the twins of `g * min(1, clip / ||g||)`, where `g` is the gradient of one twin's log loss by all
   * weights. A server descends along it: `w - lr * sum / twins`. Zeroing one twin's row moves the sum by at most
   * `clip` in L2.
   * @throws TrainError `rows/malformed`, `clip/out-of-range`, `training/diverged`; ProtocolError `protocol/weights`.
   */
  clippedSum(weights: Float32Array, rows: TrainingRows, clip: number): Promise<ClippedSum>;

  /** One logit per row, whatever its label. @throws TrainError `rows/malformed`; ProtocolError `protocol/weights`. */
  scores(weights: Float32Array, rows: TrainingRows): Promise<Float32Array>;
}

/**
 * One row per twin, which is what makes clipping a row clipping a person: a caller with several observations of a
 * twin must first make one row of them.
 */
export interface TrainingRows {
  /** `[n, inputs]` row-major, all finite. */
  readonly features: Float32Array;
  /** `[n]` of 0, 1, or NaN for a missing label: that twin adds zero. */
  readonly labels: Float32Array;
  readonly n: number;
}

export interface ClippedSum {
  /** In the layout of the weights. */
  readonly sum: Float64Array;
  /** Twins with a label, the ones that could add something. */
  readonly count: number;
  /** Of these, the ones whose gradient was longer than `clip`. */
  readonly clippedCount: number;
  /** Mean log loss in nats over `count` at the given weights; 0 when `count` is 0. */
  readonly loss: number;
}
