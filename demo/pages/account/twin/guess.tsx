/** The guess, and how it moved. */
import type { JSX } from 'preact';
import { Chart } from '../../ui/chart.tsx';
import { Meter } from '../../ui/meter.tsx';
import { count } from '../../ui/words.ts';
import type { Visit } from '../visit.ts';
import { percent, points } from '../words.ts';

export function Guess({ visit }: { visit: Visit }): JSX.Element {
  const predicted = visit.guessing.predicted.value;
  return (
    <section class="card guess" id="guess" aria-labelledby="guess-title">
      <h3 id="guess-title">Its guess</h3>
      {predicted === null && <p class="soft">Asking …</p>}
      {predicted?.predicted === false && (
        <>
          <p class="no-guess">No guess</p>
          <p class="small">
            {predicted.why}
            {predicted.reason === 'not-consented' &&
              ' It needs your yes to the three kinds that are marked as needed.'}
          </p>
        </>
      )}
      {predicted?.predicted === true && (
        <>
          <p class="probability number">
            {percent(predicted.prediction.probability)}
            <LastMove visit={visit} />
          </p>
          <Meter share={predicted.prediction.probability} />
          <p class="small">
            Chance that you leave within three months. Inferred by a model, not a fact about you.
          </p>
          <p class="small soft">
            {sayModel(predicted.prediction.model.round, predicted.prediction.calibration.figures)}{' '}
            {predicted.prediction.personalise.allow
              ? 'The app may act on it.'
              : 'The app may not act on it; only you see it.'}
          </p>
        </>
      )}
    </section>
  );
}

function LastMove({ visit }: { visit: Visit }): JSX.Element | null {
  const [before, last] = visit.guessing.moves.value.slice(-2);
  if (before === undefined || last === undefined) return null;
  const change = last.probability - before.probability;
  return (
    <span class={`move small ${change < 0 ? 'down' : 'up'}`}>
      {points(change)} points: {last.cause}
    </span>
  );
}

function sayModel(round: number | null, figures: { twins: number; auc: number | null } | null): string {
  if (round === null) return 'The model has learned nothing yet.';
  const skill =
    figures === null || figures.auc === null
      ? ''
      : ` The one before it ranked ${percent(figures.auc)} of pairs of ${count(figures.twins)} held-out customers rightly.`;
  return `Model of round ${round}.${skill}`;
}

export function Moves({ visit }: { visit: Visit }): JSX.Element {
  return (
    <div class="moves">
      <Chart
        title="How the guess moved"
        note="Each new signal and each new model may move it. The table says what did."
        x={{ title: 'Guess', value: ({ step }) => step }}
        columns={[
          {
            title: 'Chance',
            text: ({ probability }) => percent(probability),
            draw: { as: 'line', color: 'plot-1', value: ({ probability }) => probability },
          },
          { title: 'Moved by', text: ({ cause }) => cause },
        ]}
        rows={visit.guessing.moves.value}
        axis={{ range: [0, null], text: percent }}
        empty="Nothing to draw yet: the twin has not made a guess."
      />
    </div>
  );
}
