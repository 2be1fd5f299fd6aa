/** What comes out of a run. The JSON file holds the same numbers. */

export interface ModelFigures {
  /** Exact area under the ROC curve on the held-out customers. */
  auc: number;
  /** Mean log loss on the same, in nats. */
  logLoss: number;
}

export interface FederatedFigures extends ModelFigures {
  /** As the coordinator read it from secure histograms in the last round; null where noise hides it. */
  secureAuc: number | null;
  /** One standard deviation that the noise makes. */
  secureAucError: number;
}

/** What was spent of each customer's privacy, and how many of them it took. */
export interface PrivacyFigures {
  epsilon: number;
  delta: number;
  noiseMultiplier: number;
  /** Of the customer who trained most often. */
  spent: { epsilon: number; trainings: number; cap: number };
  /** Customers in a training sum: fewest and mean. */
  cohort: { least: number; mean: number };
  /** Standard deviation of the noise on each coordinate of the mean update, in clipping bounds. */
  noise: number;
}

export const MODELS = ['federated', 'pooled', 'localOnly', 'logistic'] as const;
export type ModelName = (typeof MODELS)[number];

export interface SplitFigures extends Record<ModelName, ModelFigures> {
  federated: FederatedFigures;
  seed: string;
  trainingTwins: number;
  holdout: { twins: number; positives: number };
  consent: { granted: number; refused: number; withdrawn: number };
  rounds: { sealed: number; abandoned: number; dropouts: number };
  /** Null where sums were exact. */
  privacy: PrivacyFigures | null;
  log: { entries: number };
  seconds: number;
}

/** Mean over the splits, and their sample standard deviation (null for one split). */
export interface Summary {
  auc: number;
  aucSpread: number | null;
  logLoss: number;
  trainingTwins: number;
}

export type RunFigures = Record<ModelName, Summary> & {
  federated: Summary & { secureAuc: number | null };
  splits: SplitFigures[];
};

export function summarize(splits: SplitFigures[]): RunFigures {
  const trainingTwins = mean(splits.map((split) => split.trainingTwins));
  const summary = (model: ModelName): Summary => {
    const aucs = splits.map((split) => split[model].auc);
    return {
      auc: mean(aucs),
      aucSpread: standardDeviation(aucs),
      logLoss: mean(splits.map((split) => split[model].logLoss)),
      trainingTwins,
    };
  };
  return {
    federated: {
      ...summary('federated'),
      secureAuc: meanOfKnown(splits.map(({ federated }) => federated.secureAuc)),
    },
    pooled: summary('pooled'),
    localOnly: summary('localOnly'),
    logistic: summary('logistic'),
    splits,
  };
}

function meanOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : mean(known);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function standardDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((total, value) => total + (value - centre) ** 2, 0) / (values.length - 1));
}
