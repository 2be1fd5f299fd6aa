import { cellsToColumn, createTable, evaluate, type Table } from '@twinkeep/synthetic/evaluate';
import { evaluationToHtml } from '@twinkeep/synthetic/report';
import { describe, expect, it } from 'vitest';

const hostile = '<img src=x onerror="alert(1)">&\'';

function table(shift: number): Table {
  const rows = Array.from({ length: 240 }, (_, i) => i + shift);
  return createTable([
    cellsToColumn(
      'size',
      'number',
      rows.map((i) => (i % 9 === 0 ? null : (i * 7) % 50)),
    ),
    cellsToColumn(
      hostile,
      'category',
      rows.map((i) => (i % 3 === 0 ? hostile : 'plain')),
    ),
    cellsToColumn(
      'day',
      'date',
      rows.map((i) => 20_000 + (i % 40)),
    ),
    cellsToColumn(
      'left',
      'category',
      rows.map((i) => (i % 4 === 0 ? 'yes' : 'no')),
    ),
    cellsToColumn(
      'same',
      'number',
      rows.map(() => 1),
    ),
  ]);
}

describe('the report', () => {
  const input = {
    train: table(0),
    holdout: table(1),
    synthetic: table(5),
    seed: 1,
    target: { column: 'left', positive: 'yes' },
  };
  const evaluation = evaluate(input);
  const html = evaluationToHtml(evaluation, input, { title: `Of ${hostile}`, privacy: 'Epsilon 1.' });

  it('needs no network and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|<iframe|@import|url\(|https?:/);
    expect(html).toContain("default-src 'none'");
  });

  it('writes names and words of the data as text', () => {
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;');
  });

  it('says every figure between its reference lines, with intervals', () => {
    for (const x of [
      ...Object.values(evaluation.score),
      ...Object.values(evaluation.trends),
      evaluation.efficacy!.ratio,
      evaluation.privacy.closerToTrain.low,
      evaluation.privacy.membership.high,
    ])
      expect(html).toContain(x.toFixed(3));
    expect(html).toContain('does not apply');
    expect(html).toContain('Epsilon 1.');
    expect(html).toContain('240 synthetic rows');
  });

  it('plots every column and every pair', () => {
    expect(html.match(/<section>/g)!.length).toBe(5);
    // Ten bins and missing, two words, ten bins of days, two words, one bin: each real and synthetic.
    expect(html.match(/<i class="(real|made)"/g)!.length).toBe(2 * (11 + 2 + 10 + 2 + 1));
    // Three likenesses, three models, three attacks: a dot each; the models and attacks with an interval and a reference line.
    expect(html.match(/<i class="dot"/g)!.length).toBe(9);
    expect(html.match(/<i class="span"/g)!.length).toBe(6);
    expect(html.match(/<i class="line"/g)!.length).toBe(2 * 3 + 6);
    expect(html).toMatch(/missing: real 11\.[23] %/);
    expect(html).toMatch(/from 20\d\d-\d\d-\d\d/);
    const scored = evaluation.quality.pairs.filter(({ score }) => !Number.isNaN(score));
    expect(html.match(/<td style="background/g)!.length).toBe(2 * scored.length);
  });

  it('leaves out what was not asked', () => {
    const { target: _, ...bare } = input;
    expect(evaluationToHtml(evaluate(bare), bare, { title: 't', privacy: '' })).not.toContain(
      'What it teaches',
    );
  });
});
