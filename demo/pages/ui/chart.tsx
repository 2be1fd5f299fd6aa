/**
 * A plot that cannot be rendered without its table: both are made from the same columns and rows, and only a column can be drawn.
 * The canvas is for the eye alone; whoever reads with another sense, or wants the figures, has the table.
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Plot, PlotSpec } from './plot.ts';

export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  /** Drawn where given. */
  draw?: {
    as: 'line' | 'bar' | 'low' | 'high' | 'guide';
    /** A custom property of tokens.css. */
    color: string;
    value: (row: Row) => number | null;
  };
}

export interface ChartProps<Row> {
  title: string;
  /** What is to be seen, in one or two sentences. */
  note: string;
  /** The first column is the place on the x axis. */
  x: { title: string; value: (row: Row) => number };
  columns: readonly Column<Row>[];
  /** Ascending in x. */
  rows: readonly Row[];
  axis: PlotSpec['axis'];
  /** Shown in place of the plot while there is no row. */
  empty: string;
}

export function Chart<Row>(props: ChartProps<Row>): JSX.Element {
  const { title, note, x, columns, rows, empty } = props;
  const hovered = useSignal<number | null>(null);
  const drawable = useSignal(true);
  const row = rows[hovered.value ?? rows.length - 1];
  return (
    <figure class="chart card">
      <figcaption>
        <h2>{title}</h2>
        <p class="soft small">{note}</p>
      </figcaption>
      {row === undefined ? (
        <p class="empty soft">{empty}</p>
      ) : !drawable.value ? (
        <p class="empty soft">This browser cannot draw the plot. Its table has the same figures.</p>
      ) : (
        <>
          <Canvas
            {...props}
            onHover={(index) => (hovered.value = index)}
            onFailure={() => (drawable.value = false)}
          />
          <ul class="legend small" aria-hidden="true">
            <li class="number">
              {x.title} {x.value(row)}
            </li>
            {columns.map(
              ({ title, text, draw }) =>
                draw !== undefined && (
                  <li key={title} class="number">
                    <i class={`swatch ${draw.as} ${draw.color}`} />
                    {title} {text(row)}
                  </li>
                ),
            )}
          </ul>
        </>
      )}
      <Table title={title} x={x} columns={columns} rows={rows} />
    </figure>
  );
}

function Table<Row>({
  title,
  x,
  columns,
  rows,
}: Pick<ChartProps<Row>, 'title' | 'x' | 'columns' | 'rows'>): JSX.Element {
  return (
    <details>
      <summary>
        Table: {title}, {rows.length} {rows.length === 1 ? 'row' : 'rows'}
      </summary>
      <div class="scroll" role="region" aria-label={`Table: ${title}`} tabIndex={0}>
        <table class="small">
          <caption>{title}, newest first</caption>
          <thead>
            <tr>
              <th scope="col">{x.title}</th>
              {columns.map(({ title }) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.toReversed().map((row) => (
              <tr key={x.value(row)}>
                <th scope="row">{x.value(row)}</th>
                {columns.map(({ title, text }) => (
                  <td key={title}>{text(row)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface CanvasEvents {
  onHover: (index: number | null) => void;
  /** The plotting library could not be loaded, or found something missing. */
  onFailure: () => void;
}

function Canvas<Row>({
  x,
  columns,
  rows,
  axis,
  onHover,
  onFailure,
}: ChartProps<Row> & CanvasEvents): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const drawn = columns.flatMap(({ draw }) => (draw === undefined ? [] : [draw]));
  const data = [rows.map((row) => x.value(row)), ...drawn.map(({ value }) => rows.map(value))];
  const newest = useRef(data);
  newest.current = data;
  useEffect(() => {
    let gone = false;
    import('./plot.ts').then(({ createPlot }) => {
      if (gone || place.current === null) return;
      plot.current = createPlot(place.current, { series: drawn, axis, data: newest.current, onHover });
    }, onFailure);
    return () => {
      gone = true;
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.update(newest.current), [rows]);
  return <div class="canvas" ref={place} aria-hidden="true" />;
}
