/** How far the rounds are, as text: a block that is drawn over on a terminal, a line now and then elsewhere. */

export interface Progress {
  /** Sealed training rounds so far, and how many there will be. */
  done: number;
  rounds: number;
  /** Region nodes, and how many of them were in the last sum. */
  nodes: number;
  reports: number;
  /** Twins in the last sum. */
  twins: number;
  /** Reports missing from the sums so far, by nodes that were silent or left out. */
  dropouts: number;
  /** Rounds that ended without a sum. */
  abandoned: number;
  /** Figures of the model before the last round on the held-out twins; null until there are some. */
  auc: number | null;
  /** One standard deviation of the AUC that the noise makes. */
  aucError: number;
  logLoss: number | null;
  heldOut: number;
  /** Epsilon of whoever took part in every round, of all that the task allows; null where sums are exact. */
  privacy: { spent: number; epsilon: number; trainings: number; cap: number } | null;
  /** null until it can be told. */
  secondsLeft: number | null;
}

const BAR_WIDTH = 30;

export function progressBlock(progress: Progress): string[] {
  const { done, rounds, nodes, reports, twins, dropouts, abandoned } = progress;
  const filled = Math.round((BAR_WIDTH * done) / rounds);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return [
    `  ${bar}  round ${done}/${rounds}   ${timeLeft(progress)}`,
    `  reports ${reports} of ${nodes}   twins ${count(twins)}   dropouts ${dropouts}   abandoned rounds ${abandoned}`,
    `  ${figures(progress)}`,
    `  ${budget(progress)}`,
  ];
}

export function progressLine(progress: Progress): string {
  const { done, rounds, nodes, reports, twins, dropouts } = progress;
  return (
    `  round ${done}/${rounds}, reports ${reports} of ${nodes}, twins ${count(twins)}, dropouts ${dropouts}, ` +
    `${figures(progress)}, ${budget(progress)}, ${timeLeft(progress)}`
  );
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

function budget({ privacy }: Progress): string {
  if (privacy === null) return 'no differential privacy: sums are exact';
  const { spent, epsilon, trainings, cap } = privacy;
  return `privacy spent: epsilon ${spent.toFixed(2)} of ${epsilon} (${trainings} of ${cap} trainings)`;
}

function figures({ auc, aucError, logLoss, heldOut }: Progress): string {
  if (auc === null) return 'AUC not yet known';
  const loss = logLoss === null ? '' : `, log loss ${logLoss.toFixed(3)}`;
  const error = aucError === 0 ? '' : ` ± ${aucError.toFixed(3)}`;
  return `AUC ${auc.toFixed(3)}${error}${loss} (secure histogram, ${count(heldOut)} held-out twins)`;
}

function timeLeft({ done, rounds, secondsLeft }: Progress): string {
  if (done === rounds) return 'done';
  if (secondsLeft === null) return 'time left not yet known';
  const seconds = Math.round(secondsLeft);
  return seconds < 100 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
}
