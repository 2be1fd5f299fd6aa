/** uPlot with this house's colours, in the size of its place, in light and dark. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface PlotSpec {
  series: readonly { as: 'line' | 'bar' | 'low' | 'high' | 'guide'; color: string }[];
  axis: {
    /** Fixed ends; null: as the data asks. */
    range: readonly [number | null, number | null];
    text: (value: number) => string;
  };
  /** x, then one row of values per series; null: nothing is known. */
  data: readonly (readonly (number | null)[])[];
  onHover: (index: number | null) => void;
}

export interface Plot {
  update(data: PlotSpec['data']): void;
  destroy(): void;
}

const HEIGHT = 220;

export function createPlot(place: HTMLElement, spec: PlotSpec): Plot {
  let { data } = spec;
  const make = (): uPlot => new uPlot(options(place, spec), toAligned(data), place);
  let plot = make();

  // Colours are read when a plot is made: another scheme needs another plot.
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const remake = (): void => {
    plot.destroy();
    plot = make();
  };
  scheme.addEventListener('change', remake);
  const resize = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  resize.observe(place);
  return {
    update(next) {
      data = next;
      plot.setData(toAligned(next));
    },
    destroy() {
      scheme.removeEventListener('change', remake);
      resize.disconnect();
      plot.destroy();
    },
  };
}

function options(place: HTMLElement, { series, axis, onHover }: PlotSpec): uPlot.Options {
  const style = getComputedStyle(place);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = `12px ${style.fontFamily}`;
  const line = { stroke: token('soft'), font, ticks: { show: false }, labelFont: font };
  const low = series.findIndex(({ as }) => as === 'low') + 1;
  const high = series.findIndex(({ as }) => as === 'high') + 1;
  return {
    width: Math.max(1, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    scales: { x: { time: false, range: xRange(series) }, y: { range: yRange(axis.range) } },
    cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: false } },
    axes: [
      { ...line, size: 28, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] },
      {
        ...line,
        size: 48,
        grid: { stroke: token('grid'), width: 1 },
        values: (_, values) => values.map((value) => axis.text(value)),
      },
    ],
    bands: low > 0 && high > 0 ? [{ series: [high, low], fill: token('plot-1-soft') }] : [],
    series: [
      {},
      ...series.map(({ as, color }): uPlot.Series => {
        const stroke = token(color);
        const points = { show: false };
        switch (as) {
          case 'bar':
            return { stroke, fill: stroke, points, width: 0, ...bars };
          case 'low':
          case 'high':
            return { stroke: 'transparent', points, width: 0 };
          case 'guide':
            return { stroke, points, width: 1.5, dash: [4, 4] };
          case 'line':
            return { stroke, points, width: 2 };
        }
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onHover(cursor.idx ?? null)] },
  };
}

const paths = uPlot.paths.bars?.({ size: [0.75, 40], align: 0 });
const bars: Pick<uPlot.Series, 'paths'> = paths === undefined ? {} : { paths };

/** Bars need half their width beside the first and the last round; one round alone needs some room too. */
function xRange(series: PlotSpec['series']): (plot: uPlot, min: number, max: number) => [number, number] {
  const room = series.some(({ as }) => as === 'bar') ? 0.6 : 0;
  return (_, min, max) => (min === max ? [min - 1, max + 1] : [min - room, max + room]);
}

function yRange([low, high]: PlotSpec['axis']['range']): (
  plot: uPlot,
  min: number,
  max: number,
) => [number, number] {
  return (_, min, max) => [low ?? min, high ?? Math.max(max * 1.08, (low ?? min) + 1e-3)];
}

function toAligned(data: PlotSpec['data']): uPlot.AlignedData {
  return data as unknown as uPlot.AlignedData;
}
