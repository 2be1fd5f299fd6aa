/**
 * An evaluation as one HTML page that needs no network: no script, no font, no image from elsewhere. Names and words of the tables come from
 * whoever made the data and are escaped wherever they are written.
 */
import type { Interval } from '../evaluate/curve.ts';
import type { Evaluation, EvaluationInput, Lines } from '../evaluate/index.ts';
import { barsOf } from './bars.ts';
import { escaped, figure, interval, intervalTrack, STYLE, track } from './marks.ts';

export interface ReportText {
  title: string;
  /** What was promised of the synthetic table, in words. */
  privacy: string;
}

export function evaluationToHtml(
  evaluation: Evaluation,
  input: Pick<EvaluationInput, 'train' | 'synthetic'>,
  text: ReportText,
): string {
  const { rows } = evaluation;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(text.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(text.title)}</h1>
<p>${rows.synthetic} synthetic rows beside ${rows.train} rows of training data and ${rows.holdout} of hold-out. ${escaped(text.privacy)}</p>
${linesSection(evaluation)}
${efficacySection(evaluation)}
${privacySection(evaluation)}
<h2>Columns</h2>
<p class="key"><span class="real"></span> training data <span class="made"></span> synthetic; shares of all rows</p>
<div class="columns">
${evaluation.columns.map((figures) => columnSection(figures, input)).join('\n')}
</div>
<h2>Pairs of columns</h2>
${heatMap(evaluation)}
</body>
</html>
`;
}

/** Three figures on one scale. */
function linesSection({ score, trends, detection }: Evaluation): string {
  const row = (name: string, { shuffled, synthetic, real }: Lines): string =>
    `<tr><th>${name}</th><td>${figure(shuffled)}</td><td><strong>${figure(synthetic)}</strong></td><td>${figure(real)}</td>` +
    `<td class="wide">${track([
      { kind: 'line', at: shuffled, title: `shuffled columns ${figure(shuffled)}` },
      { kind: 'line', at: real, title: `real hold-out ${figure(real)}` },
      { kind: 'dot', at: synthetic, title: `synthetic ${figure(synthetic)}` },
    ])}</td></tr>`;
  return `<h2>Likeness, between its reference lines</h2>
<div class="scroll"><table>
<tr><th></th><th>shuffled columns</th><th>synthetic</th><th>real hold-out</th><th class="wide">0 to 1</th></tr>
${row('quality (SDMetrics formulas)', score)}
${row('pair trends alone', trends)}
${row('not to be told from real rows', detection)}
</table></div>
<p>1 is best. The dot is the synthetic table, the lines are shuffled columns and real rows. Shuffled columns know nothing of how columns depend on each other: a score near theirs is worth nothing.</p>`;
}

function efficacySection({ efficacy }: Evaluation): string {
  if (efficacy === null) return '';
  const row = (name: string, of: typeof efficacy.real): string =>
    `<tr><th>${name}</th><td>${interval(of.auc)}</td><td>${figure(of.averagePrecision)}</td><td>${figure(of.brier)}</td>` +
    `<td class="wide">${intervalTrack(of.auc, efficacy.real.auc.value)}</td></tr>`;
  return `<h2>What it teaches</h2>
<div class="scroll"><table>
<tr><th>trained on, tested on the real hold-out</th><th>AUC (95 %)</th><th>average precision</th><th>Brier</th><th class="wide">AUC, 0 to 1</th></tr>
${row('shuffled columns', efficacy.shuffled)}
${row('synthetic (TSTR)', efficacy.synthetic)}
${row('real (TRTR)', efficacy.real)}
</table></div>
<p>Synthetic over real AUC: ${figure(efficacy.ratio)}. The line marks the real one.</p>`;
}

function privacySection({ privacy }: Evaluation): string {
  const { disclosure } = privacy;
  const row = (name: string, of: Interval, without: number): string =>
    `<tr><th>${name}</th><td>${interval(of)}</td><td>${without}</td><td class="wide">${intervalTrack(of, without)}</td></tr>`;
  return `<h2>Whom it gives away</h2>
<div class="scroll"><table>
<tr><th>attack</th><th>figure (95 %)</th><th>without a leak</th><th class="wide">0 to 1</th></tr>
${row('rows closer to the training data than to the hold-out', privacy.closerToTrain, 0.5)}
${row('members told from others, by distance (AUC)', privacy.membership, 0.5)}
${row('rows that repeat no real row', privacy.newRows, 1)}
<tr><th>distance to real rows, over that of random rows</th><td>${figure(privacy.baselineProtection)}</td><td></td><td class="wide"></td></tr>
${disclosure === null ? '' : row(`protection of the sensitive column (${disclosure.matched} rows matched)`, disclosure.protection, 1)}
</table></div>
<p>On ${privacy.rows} rows of each table. The line marks what no leak looks like. These are attacks that were tried, not bounds on those that were not.</p>`;
}

function columnSection(
  { name, shape, missing, coverage, adherence }: Evaluation['columns'][number],
  { train, synthetic }: Pick<EvaluationInput, 'train' | 'synthetic'>,
): string {
  const bars = barsOf(train, synthetic, name);
  const highest = Math.max(1e-9, ...bars.flatMap(({ real, made }) => [real, made]));
  const bar = (kind: 'real' | 'made', label: string, share: number): string =>
    `<i class="${kind}" style="width:${((100 * share) / highest).toFixed(1)}%" title="${escaped(label)}: ${kind === 'real' ? 'real' : 'synthetic'} ${(100 * share).toFixed(1)} %"></i>`;
  const rows = bars
    .map(
      ({ label, real, made }) =>
        `<li><span>${escaped(label)}</span><b>${bar('real', label, real)}${bar('made', label, made)}</b></li>`,
    )
    .join('\n');
  return `<section><h3>${escaped(name)}</h3>
<p>shape ${figure(shape)}, missing ${figure(missing)}, coverage ${figure(coverage)}, adherence ${figure(adherence)}</p>
<ul aria-label="shares of ${escaped(name)}">
${rows}
</ul></section>`;
}

function heatMap({ columns, quality }: Evaluation): string {
  const scores = new Map(
    quality.pairs.flatMap(({ a, b, score }) => [[key(a, b), score] as const, [key(b, a), score] as const]),
  );
  const cell = (a: string, b: string): string => {
    const score = scores.get(key(a, b)) ?? Number.NaN;
    if (a === b || Number.isNaN(score)) return '<td></td>';
    // Light where alike; from 0.5 down as dark as it gets.
    const light = 35 + 60 * Math.max(0, 2 * score - 1);
    const ink = light < 60 ? '#fff' : '#000';
    return `<td style="background:hsl(210 60% ${light.toFixed(0)}%);color:${ink}" title="${escaped(a)}, ${escaped(b)}">${(100 * score).toFixed(0)}</td>`;
  };
  const names = columns.map(({ name }) => `<th><span>${escaped(name)}</span></th>`).join('');
  const body = columns
    .map(
      ({ name }) =>
        `<tr><th>${escaped(name)}</th>${columns.map((other) => cell(name, other.name)).join('')}</tr>`,
    )
    .join('\n');
  return `<p>How alike each pair's dependence is in both tables, in per cent; the darker, the less.</p>
<div class="scroll"><table class="map">
<tr><th></th>${names}</tr>
${body}
</table></div>`;
}

function key(a: string, b: string): string {
  return JSON.stringify([a, b]);
}
