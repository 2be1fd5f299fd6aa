/** The rounds as plots, each with its table. */
import { useComputed } from '@preact/signals';
import type { EndedRound } from '@twinkeep/coordinator/api';
import type { JSX } from 'preact';
import { Chart } from '../ui/chart.tsx';
import { count, seconds } from '../ui/words.ts';
import { aucInterval, type Interval } from './interval.ts';
import type { Status } from './state.ts';

const round = { title: 'Round', value: ({ round }: { round: number }): number => round };
const EMPTY = 'Nothing to draw yet: the first round has not ended.';

interface Evaluated {
  round: number;
  auc: number;
  logLoss: number | null;
  twins: number;
  positives: number;
  interval: Interval | null;
}

export function AucChart({ status }: { status: Status }): JSX.Element {
  const rows = useComputed(() => (status.progress.value?.ended ?? []).flatMap(toEvaluated)).value;
  return (
    <Chart
      title="How well the model ranks, round by round"
      note="AUC on held-out twins, read from secure histograms, of the model that each round began with. The band is the 95 % interval after Hanley and McNeil, from the AUC and the two counts, and from the noise where there is some."
      x={round}
      columns={[
        {
          title: 'AUC',
          text: ({ auc }) => auc.toFixed(3),
          draw: { as: 'line', color: 'plot-1', value: ({ auc }) => auc },
        },
        {
          title: 'from',
          text: ({ interval }) => interval?.low.toFixed(3) ?? 'not known',
          draw: { as: 'low', color: 'plot-1', value: ({ interval }) => interval?.low ?? null },
        },
        {
          title: 'to',
          text: ({ interval }) => interval?.high.toFixed(3) ?? 'not known',
          draw: { as: 'high', color: 'plot-1', value: ({ interval }) => interval?.high ?? null },
        },
        { title: 'Held-out twins', text: ({ twins }) => count(twins) },
        { title: 'of them left', text: ({ positives }) => count(positives) },
        { title: 'Log loss', text: ({ logLoss }) => logLoss?.toFixed(3) ?? 'not known' },
      ]}
      rows={rows}
      axis={{ range: [null, 1], text: (value) => value.toFixed(2) }}
      empty={EMPTY}
    />
  );
}

function toEvaluated({ round, evaluation }: EndedRound): Evaluated[] {
  if (evaluation === null || evaluation.auc === null) return [];
  const { auc, logLoss, aucError } = evaluation;
  const [twins, positives] = [Math.round(evaluation.twins), Math.round(evaluation.positives)];
  return [
    {
      round,
      auc,
      logLoss,
      twins,
      positives,
      interval: aucInterval(auc, positives, twins - positives, aucError),
    },
  ];
}

export function ReportsChart({ status }: { status: Status }): JSX.Element {
  const rows = useComputed(() => status.progress.value?.ended ?? []).value;
  const nodes = status.info.value?.nodes ?? 0;
  const missing = ({ received }: EndedRound): number => Math.max(0, nodes - received.reports);
  return (
    <Chart
      title="Reports and dropouts"
      note={`Reports that came, and those of them in the sum that was opened. The dashed line is the ${nodes} region nodes of this demo; below it, somebody was silent.`}
      x={round}
      columns={[
        {
          title: 'Received',
          text: ({ received }) => count(received.reports),
          draw: { as: 'bar', color: 'plot-2', value: ({ received }) => received.reports },
        },
        {
          title: 'In the sum',
          text: ({ count: inSum }) => count(inSum),
          draw: { as: 'bar', color: 'plot-1', value: ({ count: inSum }) => inSum },
        },
        {
          title: 'Region nodes',
          text: () => count(nodes),
          draw: { as: 'guide', color: 'soft', value: () => nodes },
        },
        { title: 'Silent', text: (row) => count(missing(row)) },
        { title: 'Left out', text: sayLeftOut },
        { title: 'Twins in the sum', text: ({ twins }) => count(twins) },
        { title: 'Ended', text: sayEnd },
      ]}
      rows={rows}
      axis={{ range: [0, null], text: (value) => (Number.isInteger(value) ? String(value) : '') }}
      empty={EMPTY}
    />
  );
}

const LEFT_OUT = {
  'consent-withdrawn': 'consent withdrawn',
  'consent-lapsed': 'consent lapsed',
  'consent-missing': 'no consent',
  'consent-floor': 'not as private as consented to',
  'helper-refused': 'refused by a helper',
  'head-room': 'no room in the sum',
} as const;

function sayLeftOut({ dropped }: EndedRound): string {
  if (dropped.length === 0) return 'none';
  return dropped.map(({ reason, count }) => `${count} (${LEFT_OUT[reason]})`).join(', ');
}

const ABANDONED = {
  'too-few-reports': 'too few reports',
  'too-few-helpers': 'too few helpers',
  'helpers-silent': 'helpers were silent',
  'sums-disagree': 'sums of masks disagree',
  'sum-out-of-range': 'the sum is out of range',
} as const;

function sayEnd({ status, reason }: EndedRound): string {
  return status === 'sealed' || reason === null ? 'sum opened' : `no sum: ${ABANDONED[reason]}`;
}

interface Timed {
  round: number;
  collecting: number;
  acking: number;
  revealing: number;
}

export function TimeChart({ status }: { status: Status }): JSX.Element {
  const rows = useComputed(() => (status.progress.value?.ended ?? []).map(toTimed)).value;
  return (
    <Chart
      title="Time per round"
      note="From the opening of a round to its end: taking reports, then the helpers’ verdicts, then their sums of masks and the new model."
      x={round}
      columns={[
        {
          title: 'Whole round',
          text: (row) => seconds(whole(row)),
          draw: { as: 'bar', color: 'plot-3', value: (row) => whole(row) / 1_000 },
        },
        {
          title: 'until the verdicts',
          text: ({ collecting, acking }) => seconds(collecting + acking),
          draw: { as: 'bar', color: 'plot-2', value: (row) => (row.collecting + row.acking) / 1_000 },
        },
        {
          title: 'taking reports',
          text: ({ collecting }) => seconds(collecting),
          draw: { as: 'bar', color: 'plot-1', value: ({ collecting }) => collecting / 1_000 },
        },
      ]}
      rows={rows}
      axis={{ range: [0, null], text: (value) => `${value} s` }}
      empty={EMPTY}
    />
  );
}

/** A round that was abandoned early has nothing in the phases that it did not come to. */
function toTimed({ round, openedAt, closedAt, fixedAt, endedAt }: EndedRound): Timed {
  const closed = closedAt ?? endedAt;
  const fixed = fixedAt ?? (closedAt === null ? closed : endedAt);
  return { round, collecting: closed - openedAt, acking: fixed - closed, revealing: endedAt - fixed };
}

function whole({ collecting, acking, revealing }: Timed): number {
  return collecting + acking + revealing;
}
