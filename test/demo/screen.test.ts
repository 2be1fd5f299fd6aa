import { expect, test } from 'vitest';
import { createDisplay, type Screen } from '../../demo/display.ts';
import { summarize, type SplitFigures } from '../../demo/figures.ts';
import { progressBlock, progressLine, type Progress } from '../../demo/progress.ts';
import { figuresTable } from '../../demo/table.ts';

const progress: Progress = {
  ...{ done: 24, rounds: 60, nodes: 10, reports: 9, twins: 4_590, dropouts: 3, abandoned: 1 },
  ...{ auc: 0.84249, logLoss: 0.4126, heldOut: 918, secondsLeft: 38.2, aucError: 0 },
  privacy: null,
};

test('progress names round, reports, dropouts, AUC and the time left', () => {
  expect(progressBlock(progress)).toEqual([
    '  ████████████░░░░░░░░░░░░░░░░░░  round 24/60   38 s left',
    '  reports 9 of 10   twins 4,590   dropouts 3   abandoned rounds 1',
    '  AUC 0.842, log loss 0.413 (secure histogram, 918 held-out twins)',
    '  no differential privacy: sums are exact',
  ]);
  expect(progressLine(progress)).toBe(
    '  round 24/60, reports 9 of 10, twins 4,590, dropouts 3, ' +
      'AUC 0.842, log loss 0.413 (secure histogram, 918 held-out twins), ' +
      'no differential privacy: sums are exact, 38 s left',
  );
});

test('progress says what of the privacy budget is spent, and how unsure noise makes the AUC', () => {
  const noisy = {
    ...progress,
    aucError: 0.0123,
    privacy: { spent: 3.1415, epsilon: 8, trainings: 24, cap: 60 },
  };
  expect(progressBlock(noisy).slice(2)).toEqual([
    '  AUC 0.842 ± 0.012, log loss 0.413 (secure histogram, 918 held-out twins)',
    '  privacy spent: epsilon 3.14 of 8 (24 of 60 trainings)',
  ]);
});

test('progress says what is not known yet, and when it is done', () => {
  const start = { ...progress, done: 0, auc: null, logLoss: null, secondsLeft: null };
  expect(progressBlock(start).join('\n')).toMatch(
    /round 0\/60 {3}time left not yet known[^]*AUC not yet known/,
  );
  expect(progressLine({ ...progress, done: 60 })).toMatch(/round 60\/60.*, done$/);
  expect(progressLine({ ...progress, secondsLeft: 400 })).toMatch(/7 min left$/);
});

function recorder(isTTY: boolean, columns = 60): Screen & { text: () => string } {
  let text = '';
  return { isTTY, columns, write: (part: string) => (text += part), text: () => text };
}

test('a pipe gets whole lines without any control code, some seconds apart', async () => {
  const screen = recorder(false);
  let now = 0;
  const display = createDisplay(screen, {}, () => now);
  display.heading('Heading');
  const found = await display.step(
    'Looking',
    () => Promise.resolve((now += 1_500)),
    (ms) => `${ms} ms`,
  );
  expect(found).toBe(1_500);
  for (now = 2_000; now < 12_000; now += 1_000) display.progress({ ...progress, done: now / 1_000 });
  display.progress({ ...progress, done: 60 });
  expect(screen.text()).not.toContain('\x1b');
  const lines = screen.text().split('\n');
  expect(lines.slice(0, 2)).toEqual(['Heading', '  Looking: 1500 ms  (1.5 s)']);
  expect(lines.slice(2).map((line) => /round (\d+)/.exec(line)?.[1])).toEqual([
    '2',
    '6',
    '10',
    '60',
    undefined,
  ]);
});

test('a terminal is drawn over: what is left is the last block, cut to the width', () => {
  const screen = recorder(true, 40);
  const display = createDisplay(screen, { TERM: 'xterm' }, () => 0);
  display.progress({ ...progress, done: 1 });
  display.progress({ ...progress, done: 2 });
  display.line('Done.');
  const drawn = terminal(screen.text());
  expect(drawn).toEqual(['Done.', '']);
  expect(
    screen
      .text()
      .split('\n')
      .every((line) => line.replaceAll(/\x1b\[\d*[A-Z]/g, '').length < 40),
  ).toBe(true);
});

test('NO_COLOR and dumb terminals get no styles', () => {
  const shown = (environment: Record<string, string>): string => {
    const screen = recorder(true);
    createDisplay(screen, environment, () => 0).heading('Heading');
    return screen.text();
  };
  expect(shown({ TERM: 'xterm' })).toBe('\x1b[1mHeading\x1b[22m\n');
  expect(shown({ TERM: 'xterm', NO_COLOR: '1' })).toBe('Heading\n');
  expect(shown({ TERM: 'dumb' })).toBe('Heading\n');
});

/** What a terminal shows after "cursor up" and "clear line". */
function terminal(written: string): string[] {
  const lines = [''];
  for (const part of written.split(/(\n|\x1b\[1A\x1b\[2K)/)) {
    if (part === '\n') lines.push('');
    else if (part.startsWith('\x1b')) {
      lines.pop();
      lines[lines.length - 1] = '';
    } else lines[lines.length - 1] += part;
  }
  return lines;
}

const split = (federated: number, pooled: number): SplitFigures => ({
  seed: '1/1',
  federated: { auc: federated, secureAuc: federated - 0.0004, secureAucError: 0, logLoss: 0.42 },
  pooled: { auc: pooled, logLoss: 0.41 },
  localOnly: { auc: 0.81, logLoss: 0.45 },
  logistic: { auc: 0.84, logLoss: 0.43 },
  trainingTwins: 3_671,
  holdout: { twins: 918, positives: 245 },
  consent: { granted: 4_603, refused: 397, withdrawn: 138 },
  rounds: { sealed: 60, abandoned: 0, dropouts: 2 },
  privacy: null,
  log: { entries: 5_000 },
  seconds: 60,
});

test('the table of one split', () => {
  const lines = figuresTable(summarize([split(0.843, 0.8451)]), 10).split('\n');
  expect(lines.slice(0, 6)).toEqual([
    'model                            AUC   secure AUC   log loss   training twins',
    '---------------------------   ------   ----------   --------   --------------',
    'federated                     0.8430       0.8426     0.4200            3,671',
    'pooled in one place           0.8451                  0.4100            3,671',
    'local only, mean of nodes     0.8100                  0.4500            3,671',
    'logistic regression, pooled   0.8400                  0.4300            3,671',
  ]);
  expect(lines.join(' ')).toContain('918 held-out twins, 245 of them positive');
  expect(lines.join(' ')).toContain('397 customers refused; 138 withdrew');
});

test('the table says what of each customer was spent, over which cohort, and where noise hides a figure', () => {
  const figures = split(0.84, 0.85);
  const noisy: SplitFigures = {
    ...figures,
    federated: { ...figures.federated, secureAuc: null, secureAucError: 0.04 },
    privacy: {
      ...{ epsilon: 2, delta: 1e-5, noiseMultiplier: 16.6, noise: 0.00912 },
      spent: { epsilon: 1.1, trainings: 20, cap: 60 },
      cohort: { least: 3_600, mean: 3_650.4 },
    },
  };
  const text = figuresTable(summarize([noisy]), 10);
  expect(text).toMatch(/federated +0\.8400 +too noisy/);
  expect(text).toContain('epsilon 2, delta 0.00001, for at most 60 trainings; spent 1.10 in 20.');
  expect(text).toContain('3,650 customers in a training sum (at least 3,600)');
});

test('several splits give means and sample standard deviations', () => {
  const run = summarize([split(0.84, 0.85), split(0.85, 0.86), split(0.86, 0.87)]);
  expect(run.federated.auc).toBeCloseTo(0.85, 12);
  expect(run.federated.secureAuc).toBeCloseTo(0.8496, 12);
  expect(run.federated.aucSpread).toBeCloseTo(0.01, 12);
  expect(run.localOnly.aucSpread).toBe(0);
  expect(figuresTable(run, 10)).toMatch(/AUC ± sd[^]*federated +0\.8500 ± 0\.0100 +0\.8496/);
});
