/** The final table as text. */
import type { ModelName, RunFigures, SplitFigures } from './figures.ts';
import { count } from './progress.ts';

const NAMES: Record<ModelName, string> = {
  federated: 'federated',
  pooled: 'pooled in one place',
  localOnly: 'local only, mean of nodes',
  logistic: 'logistic regression, pooled',
};

export function figuresTable(run: RunFigures, nodes: number): string {
  const repeated = run.splits.length > 1;
  const rows = (Object.keys(NAMES) as ModelName[]).map((model) => {
    const { auc, aucSpread, logLoss, trainingTwins } = run[model];
    return [
      NAMES[model],
      aucSpread === null ? auc.toFixed(4) : `${auc.toFixed(4)} ± ${aucSpread.toFixed(4)}`,
      model === 'federated' ? (run.federated.secureAuc?.toFixed(4) ?? 'too noisy') : '',
      logLoss.toFixed(4),
      count(Math.round(trainingTwins)),
    ];
  });
  const header = ['model', repeated ? 'AUC ± sd' : 'AUC', 'secure AUC', 'log loss', 'training twins'];
  return [...aligned([header, ...rows]), '', ...footnotes(run, nodes)].join('\n');
}

function footnotes({ splits }: RunFigures, nodes: number): string[] {
  const [first] = splits;
  if (first === undefined) return [];
  const over = splits.length > 1 ? `Means over ${splits.length} random splits. ` : '';
  const { holdout, consent } = first;
  const which = splits.length > 1 ? 'In the first split: ' : '';
  return [
    `${over}All four models: same network or inputs, the same consenting training twins, judged on the same held-out ones.`,
    `${which}${count(holdout.twins)} held-out twins, ${count(holdout.positives)} of them positive; local only trains a model at each of ${nodes} nodes.`,
    `${which}${count(consent.refused)} customers refused; ${count(consent.withdrawn)} withdrew on the way. Training and held-out twins are those with`,
    'consent at the end: who withdrew on the way took part until then, and is in no figure of this table.',
    `Secure AUC: read by the coordinator from histograms that were opened only as sums over all nodes${errorOf(first)}.`,
    ...privacyNotes(first),
  ];
}

function errorOf({ federated: { secureAucError } }: SplitFigures): string {
  return secureAucError === 0 ? '' : `, with noise: ± ${secureAucError.toFixed(3)}`;
}

function privacyNotes({ privacy }: SplitFigures): string[] {
  if (privacy === null)
    return [
      'No differential privacy: the sums are exact, and what they reveal of one customer is not bounded.',
    ];
  const { epsilon, delta, spent, cohort, noise } = privacy;
  return [
    `Differential privacy of each customer: epsilon ${epsilon}, delta ${delta}, for at most ${spent.cap} trainings; spent ${spent.epsilon.toFixed(2)} in ${spent.trainings}.`,
    `Cohort: ${count(Math.round(cohort.mean))} customers in a training sum (at least ${count(cohort.least)}); the noise on each coordinate of their mean is ${noise.toFixed(4)} of`,
    'the clipping bound, and falls as one over the cohort: half the customers, twice the noise.',
  ];
}

/** First column to the left, the others to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  const [header, ...body] = rows;
  return [header ?? [], rule, ...body].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  );
}
