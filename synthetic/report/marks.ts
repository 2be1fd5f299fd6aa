/** What the report is drawn with: HTML and CSS alone, so that it is as readable on a telephone as on a screen. */
import type { Interval } from '../evaluate/curve.ts';

export const STYLE: string = [
  ':root{color-scheme:light;--real:#1f4e79;--made:#e08a2e}',
  'body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}',
  'h1{font-size:1.6rem;overflow-wrap:anywhere}h2{margin-top:2.2rem;border-bottom:2px solid #ddd}h3{margin:0;font-size:1rem;overflow-wrap:anywhere}',
  'table{border-collapse:collapse}th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}',
  'th{font-weight:600}th:first-child{text-align:left;font-weight:400}td{white-space:nowrap}.wide{width:20rem;min-width:9rem;text-align:left}',
  '.scroll{overflow-x:auto}',
  '.track{position:relative;display:block;height:1.1rem;background:linear-gradient(#ddd,#ddd) center/100% 2px no-repeat}',
  '.track i{position:absolute;top:0;bottom:0}.track .line{width:2px;margin-left:-1px;background:#777}',
  '.track .span{top:.4rem;bottom:.4rem;background:var(--made);opacity:.55}.track .dot{width:.7rem;margin-left:-.35rem;top:.2rem;bottom:.2rem;border-radius:50%;background:var(--made)}',
  '.key span{display:inline-block;width:.9rem;height:.9rem;vertical-align:-.1rem;margin-left:1rem}.key span:first-child{margin-left:0}.real{background:var(--real)}.made{background:var(--made)}',
  '.columns{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr));gap:1.2rem}',
  'section{border:1px solid #ddd;border-radius:6px;padding:.8rem;min-width:0}section p{margin:.2rem 0 .6rem;font-size:.8rem;color:#555}',
  'ul{list-style:none;margin:0;padding:0}li{display:flex;align-items:center;gap:.5rem;margin:.15rem 0;font-size:.8rem}',
  'li span{flex:0 0 40%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:right}li b{flex:1;min-width:0}li i{display:block;height:.42rem;min-width:1px}',
  '.map td{width:1.7rem;min-width:1.7rem;height:1.7rem;padding:0;border:1px solid #fff;font-size:.65rem;text-align:center}.map th{border:0;padding:.1rem .4rem;white-space:nowrap;font-size:.75rem;font-weight:400}',
  '.map tr:first-child th{vertical-align:bottom;padding:.3rem 0}.map tr:first-child span{writing-mode:vertical-rl;transform:rotate(180deg)}',
].join('');

/** On a scale from 0 to 1; what is not a number is left out. */
export type Mark =
  | { kind: 'line' | 'dot'; at: number; title: string }
  | { kind: 'span'; at: number; to: number; title: string };

export function track(marks: readonly Mark[]): string {
  const percent = (x: number): string => `${(100 * Math.min(1, Math.max(0, x))).toFixed(1)}%`;
  const drawn = marks
    .filter((mark) => !Number.isNaN(mark.at))
    .map((mark) => {
      const width = mark.kind === 'span' ? `;width:${percent(mark.to - mark.at)}` : '';
      return `<i class="${mark.kind}" style="left:${percent(mark.at)}${width}" title="${escaped(mark.title)}"></i>`;
    });
  return `<span class="track" role="img" aria-label="${escaped(marks.map(({ title }) => title).join(', '))}">${drawn.join('')}</span>`;
}

/** A figure with its interval, beside the figure that it is to be compared with. */
export function intervalTrack(of: Interval, reference: number): string {
  return track([
    { kind: 'line', at: reference, title: `reference ${figure(reference)}` },
    { kind: 'span', at: of.low, to: of.high, title: `${figure(of.low)} to ${figure(of.high)}` },
    { kind: 'dot', at: of.value, title: figure(of.value) },
  ]);
}

export function interval({ value, low, high }: Interval): string {
  return Number.isNaN(value) ? 'does not apply' : `${figure(value)} (${figure(low)} to ${figure(high)})`;
}

export function figure(x: number): string {
  return Number.isNaN(x) ? 'does not apply' : x.toFixed(3);
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
