/** A version and a difference as people read them. */
import { dayToDate } from '../formats/records.ts';
import type { ColumnShift, VersionDiff } from './diff.ts';
import type { DataSetVersion, Provenance } from './version.ts';

export function versionToText(version: DataSetVersion): string {
  const {
    name,
    version: number,
    created,
    title,
    licence,
    rows,
    schema,
    files,
    figures,
    provenance,
  } = version;
  return [
    `${name}@${number}${title === null ? '' : `: ${title}`}`,
    `added ${created}, ${rows} rows, ${schema.columns.length} columns, licence ${licence ?? 'not stated'}`,
    provenanceText(provenance),
    ...Object.entries(files).map(
      ([role, { hash, bytes, mediaType }]) => `${role}: ${mediaType}, ${bytes} bytes, ${hash}`,
    ),
    ...(figures === null
      ? ['not evaluated']
      : [
          `quality ${figures.quality.toFixed(3)} (shuffled columns ${figures.shuffledQuality.toFixed(3)})`,
          ...(figures.tstr === null || figures.trtr === null
            ? []
            : [`AUC trained on synthetic ${figures.tstr.toFixed(3)}, on real ${figures.trtr.toFixed(3)}`]),
          `closer to the training data ${three(figures.closerToTrain)}, membership ${three(figures.membership)} (0.5 = no leak found)`,
        ]),
  ].join('\n');
}

function three([value, low, high]: [number, number, number]): string {
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function provenanceText(provenance: Provenance): string {
  if (provenance.kind === 'simulated') return `simulated: ${JSON.stringify(provenance.options)}`;
  if (provenance.kind === 'stated') return `from ${provenance.source ?? 'an unstated source'}`;
  const { method, privacy, source } = provenance;
  const promise =
    privacy === null
      ? 'not private'
      : `differentially private: epsilon ${privacy.epsilon}, delta ${privacy.delta}, ${privacy.unit}`;
  return `sampled from a model (${method}) of ${source ?? 'an unstated source'}, ${promise}`;
}

/** `dates`: names of the columns whose means are days. */
export function diffToText(diff: VersionDiff, dates: ReadonlySet<string> = new Set()): string {
  const { before, after, rows, added, removed, schema, shifts, figures } = diff;
  const shifted = shifts.filter(({ size, missing }) => size !== 'negligible' || missingMoved(missing));
  return [
    `${before} -> ${after}`,
    `rows: ${rows.before} -> ${rows.after}`,
    ...added.map((name) => `column added: ${name}`),
    ...removed.map((name) => `column removed: ${name}`),
    ...schema.map((change) => `schema: ${change}`),
    ...shifted
      .toSorted((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
      .map((shift) => shiftText(shift, dates.has(shift.name))),
    `${shifts.length - shifted.length} of ${shifts.length} common columns: negligible shifts`,
    ...figures.map(({ name, before: was, after: is }) => `${name}: ${figure(was)} -> ${figure(is)}`),
  ].join('\n');
}

const missingMoved = ({ before, after }: { before: number; after: number }): boolean =>
  Math.abs(after - before) > 0.01;

function shiftText(
  { name, effect, measure, size, distance, missing, mean, word }: ColumnShift,
  date: boolean,
): string {
  const written = (x: number): string =>
    date ? dayToDate(Math.round(x)) : Number(x.toPrecision(4)).toString();
  const what =
    mean === undefined
      ? word === undefined
        ? 'no values'
        : `${JSON.stringify(word.word)} ${percent(word.before)} -> ${percent(word.after)}`
      : `mean ${written(mean.before)} -> ${written(mean.after)}`;
  const gone = missingMoved(missing)
    ? `, missing ${percent(missing.before)} -> ${percent(missing.after)}`
    : '';
  return `${name}: ${size} shift (${measure} ${figure(effect)}, distance ${figure(distance)}): ${what}${gone}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function figure(x: number | null): string {
  return x === null ? 'none' : Number.isNaN(x) ? 'does not apply' : x.toFixed(3);
}
