/** Guesses about a person, and why. */
import type { Category, DecisionReason } from '@twinkeep/consent';
import type { AttributeValue } from '@twinkeep/protocol';
import type { Refused, Unavailable } from './words.ts';

export interface ModelFigures {
  /** Held-out twins that were counted. */
  twins: number;
  auc: number | null;
  /** Nats. */
  logLoss: number | null;
}

/** A guess about a person: always labelled `inferred`, never a fact. */
export interface Prediction {
  inferred: true;
  task: string;
  /** What is predicted: that the attribute of the next such event is one of `positive`. */
  target: { event: string; attribute: string; positive: readonly AttributeValue[]; horizonDays: number };
  /** In [0, 1]. */
  probability: number;
  logit: number;
  /** What the probability rests on: the sigmoid of a model trained by log loss, and how the model before it did on held-out twins. */
  calibration: { method: 'log-loss-sigmoid'; figures: ModelFigures | null; figuresOf: string | null };
  model: {
    /** SHA-256 of the weights, base64url. */
    hash: string;
    /** Round that made it; null for the first weights, which follow from the task's public seed. */
    round: number | null;
  };
  /** The consent it rests on. */
  consent: {
    purpose: string;
    operation: 'infer_local';
    /** Categories whose signals went in; the inputs of any other are left empty. */
    categories: readonly Category[];
    /** Ids of the consent events. */
    events: readonly string[];
    validUntil: string | null;
  };
  /**
   * Whether the host app may act on it towards this person (operation `personalise`). Without that it may be shown to the
   * person, and nothing may depend on it.
   */
  personalise: { allow: boolean; reason: DecisionReason };
  at: string;
}

export type Predicted =
  { predicted: true; prediction: Prediction } | ({ predicted: false } & Refused<PredictReason>);

export type PredictReason =
  | Unavailable
  | 'no-task'
  | 'not-consented'
  /** No model was ever seen, and the coordinator cannot be reached. */
  | 'no-model'
  | 'model-refused'
  | 'log-inconsistent';

export type Explained =
  { explained: true; explanation: Explanation } | ({ explained: false } & Refused<PredictReason>);

/** `baseline + sum of contributions = prediction.probability`, but for rounding in the last bits. */
export interface Explanation {
  prediction: Prediction;
  /** What the model says where nothing is known of a person: all inputs empty. */
  baseline: number;
  /**
   * Shapley values of the probability over the task's features. `exact`: over all coalitions; `sampled`: over pairs of
   * opposite permutations, which also add up exactly, with a standard error each.
   */
  method: { name: 'shapley'; kind: 'exact' } | { name: 'shapley'; kind: 'sampled'; permutations: number };
  /** Strongest first; features that say nothing (empty, or not consented) are left out: theirs is 0. */
  contributions: readonly {
    feature: string;
    category: Category;
    /** The feature's value in its own unit; null where it is missing. */
    value: AttributeValue | null;
    /** Change of the probability. */
    contribution: number;
    /** 0 where exact. */
    standardError: number;
  }[];
}
