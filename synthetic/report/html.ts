/**
 * An evaluation as one HTML page that needs no network: no script, no font, no image from elsewhere. Names and words of the tables come from
 * whoever made the data and are escaped wherever they are written.
 */
import type { Interval } from '../evaluate/curve.ts';
import type { Evaluation, EvaluationInput, Lines } from '../evaluate/index.ts';
import { barsOf } from './bars.ts';

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
<p>Dark: training data. Light: synthetic.</p>
${evaluation.columns.map((figures) => columnSection(figures, input)).join('\n')}
<h2>Pairs of columns</h2>
${heatMap(evaluation)}
</body>
</html>
`;
}

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'table{border-collapse:collapse}th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ccc}' +
  'th:first-child,td:first-child{text-align:left}.map td{width:1.6rem;height:1.6rem;padding:0;border:1px solid #fff;font-size:.65rem;text-align:center}' +
  '.scroll{overflow-x:auto}svg{max-width:100%}.real{fill:#1f4e79}.made{fill:#7fb3e0}';

function linesSection({ score, trends, detection }: Evaluation): string {
  const row = (name: string, lines: Lines): string =>
    `<tr><td>${name}</td><td>${figure(lines.shuffled)}</td><td><strong>${figure(lines.synthetic)}</strong></td><td>${figure(lines.real)}</td></tr>`;
  return `<h2>Likeness, between its reference lines</h2>
<table>
<tr><th></th><th>shuffled columns</th><th>synthetic</th><th>real hold-out</th></tr>
${row('quality (SDMetrics formulas)', score)}
${row('pair trends alone', trends)}
${row('not to be told from real rows', detection)}
</table>
<p>1 is best. Shuffled columns know nothing of how columns depend on each other: a score near theirs is worth nothing.</p>`;
}

function efficacySection({ efficacy }: Evaluation): string {
  if (efficacy === null) return '';
  const row = (name: string, of: typeof efficacy.real): string =>
    `<tr><td>${name}</td><td>${interval(of.auc)}</td><td>${figure(of.averagePrecision)}</td><td>${figure(of.brier)}</td></tr>`;
  return `<h2>What it teaches</h2>
<table>
<tr><th>trained on, tested on the real hold-out</th><th>AUC (95 %)</th><th>average precision</th><th>Brier</th></tr>
${row('shuffled columns', efficacy.shuffled)}
${row('synthetic', efficacy.synthetic)}
${row('real', efficacy.real)}
</table>
<p>Synthetic over real AUC: ${figure(efficacy.ratio)}.</p>`;
}

function privacySection({ privacy }: Evaluation): string {
  const { disclosure } = privacy;
  return `<h2>Whom it gives away</h2>
<table>
<tr><th>attack</th><th>figure (95 %)</th><th>without a leak</th></tr>
<tr><td>rows closer to the training data than to the hold-out</td><td>${interval(privacy.closerToTrain)}</td><td>0.5</td></tr>
<tr><td>members told from others, by distance (AUC)</td><td>${interval(privacy.membership)}</td><td>0.5</td></tr>
<tr><td>rows that repeat no real row</td><td>${interval(privacy.newRows)}</td><td>1</td></tr>
<tr><td>distance to real rows, over that of random rows</td><td>${figure(privacy.baselineProtection)}</td><td></td></tr>
${disclosure === null ? '' : `<tr><td>protection of the sensitive column (${disclosure.matched} rows matched)</td><td>${interval(disclosure.protection)}</td><td>1</td></tr>`}
</table>
<p>On ${privacy.rows} rows of each table. These are attacks that were tried, not bounds on those that were not.</p>`;
}

function columnSection(
  { name, shape, missing, coverage, adherence }: Evaluation['columns'][number],
  { train, synthetic }: Pick<EvaluationInput, 'train' | 'synthetic'>,
): string {
  const bars = barsOf(train, synthetic, name);
  const highest = Math.max(1e-9, ...bars.flatMap(({ real, made }) => [real, made]));
  const marks = bars
    .map(({ label, real, made }, i) => {
      const bar = (kind: string, share: number, x: number): string => {
        const height = (80 * share) / highest;
        const title = `${escaped(label)}: ${kind === 'real' ? 'real' : 'synthetic'} ${(100 * share).toFixed(1)} %`;
        return `<rect class="${kind}" x="${x}" y="${(84 - height).toFixed(1)}" width="12" height="${height.toFixed(1)}"><title>${title}</title></rect>`;
      };
      return bar('real', real, 34 * i) + bar('made', made, 34 * i + 13);
    })
    .join('');
  return `<h3>${escaped(name)}</h3>
<p>shape ${figure(shape)}, missing ${figure(missing)}, coverage ${figure(coverage)}, adherence ${figure(adherence)}</p>
<svg role="img" aria-label="shares of ${escaped(name)}" viewBox="0 0 ${34 * bars.length} 88" width="${34 * bars.length}" height="88">${marks}</svg>
<p>${bars.map(({ label }) => escaped(label)).join(' | ')}</p>`;
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
  const body = columns
    .map(
      ({ name }) =>
        `<tr><th>${escaped(name)}</th>${columns.map((other) => cell(name, other.name)).join('')}</tr>`,
    )
    .join('\n');
  return `<p>How alike each pair's dependence is, in per cent; the columns in the same order as the rows.</p>
<div class="scroll"><table class="map">
${body}
</table></div>`;
}

function key(a: string, b: string): string {
  return JSON.stringify([a, b]);
}

function interval({ value, low, high }: Interval): string {
  return Number.isNaN(value) ? 'does not apply' : `${figure(value)} (${figure(low)} to ${figure(high)})`;
}

function figure(x: number): string {
  return Number.isNaN(x) ? 'does not apply' : x.toFixed(3);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
