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
  logLoss: number | null;
  heldOut: number;
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
  ];
}

export function progressLine(progress: Progress): string {
  const { done, rounds, nodes, reports, twins, dropouts } = progress;
  return (
    `  round ${done}/${rounds}, reports ${reports} of ${nodes}, twins ${count(twins)}, dropouts ${dropouts}, ` +
    `${figures(progress)}, ${timeLeft(progress)}`
  );
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

function figures({ auc, logLoss, heldOut }: Progress): string {
  if (auc === null) return 'AUC not yet known';
  const loss = logLoss === null ? '' : `, log loss ${logLoss.toFixed(3)}`;
  return `AUC ${auc.toFixed(3)}${loss} (secure histogram, ${count(heldOut)} held-out twins)`;
}

function timeLeft({ done, rounds, secondsLeft }: Progress): string {
  if (done === rounds) return 'done';
  if (secondsLeft === null) return 'time left not yet known';
  const seconds = Math.round(secondsLeft);
  return seconds < 100 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
}
