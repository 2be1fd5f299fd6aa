/** The twin in a round: where it stands, and the rounds that ended since. */
import type { RoundResultView, RoundState } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import { plural } from '../../ui/words.ts';
import type { Visit } from '../visit.ts';

const STEPS = [
  { name: 'Waits for a round', states: ['waiting'] },
  { name: 'Trains and masks', states: ['working'] },
  { name: 'Sends one report', states: ['sending', 'pending'] },
  { name: 'Is in the round', states: ['accepted', 'ended'] },
] as const satisfies readonly { name: string; states: readonly RoundState['state'][] }[];

export function Rounds({ visit }: { visit: Visit }): JSX.Element {
  const state = visit.rounds.state.value;
  const takes = visit.rounds.wanted.value;
  return (
    <section class="card rounds" aria-labelledby="rounds">
      <h3 id="rounds">Rounds</h3>
      <p class="small">
        In a round your twin trains on your signals and sends one masked report. Only the sum over all reports
        can be opened.
      </p>
      <p class="row">
        <button
          type="button"
          class="plain"
          aria-pressed={takes}
          onClick={() => (takes ? void visit.rounds.stop() : visit.rounds.start())}
        >
          {takes ? 'Stop taking part' : 'Take part in rounds'}
        </button>
      </p>
      {takes && state !== null && <Stand state={state} />}
      {visit.rounds.results.value.length > 0 && <Results results={visit.rounds.results.value} />}
    </section>
  );
}

function Stand({ state }: { state: RoundState }): JSX.Element {
  const step = STEPS.findIndex(({ states }) => (states as readonly string[]).includes(state.state));
  return (
    <>
      <ol class="steps small" aria-label={`Round ${state.round ?? ''}`}>
        {STEPS.map(({ name }, i) => (
          <li key={name} {...(i === step ? { 'aria-current': 'step' } : {})} class={i < step ? 'done' : ''}>
            {name}
          </li>
        ))}
      </ol>
      <p class={`small stand ${state.state}`}>
        {state.round !== null && <strong class="number">Round {state.round}: </strong>}
        {state.why}
      </p>
      {state.role !== undefined && (
        <p class="small soft">
          {state.role === 'train'
            ? 'In this task your twin trains.'
            : 'In this task your twin is held out: it never trains, and scores each model instead.'}
        </p>
      )}
    </>
  );
}

function Results({ results }: { results: readonly RoundResultView[] }): JSX.Element {
  return (
    <div class="scroll" role="region" aria-label="Table: rounds that ended" tabIndex={0}>
      <table class="small">
        <caption>Rounds that ended</caption>
        <thead>
          <tr>
            <th scope="col">Round</th>
            <th scope="col">You</th>
            <th scope="col">In the sum</th>
            <th scope="col">AUC</th>
          </tr>
        </thead>
        <tbody>
          {results.map(({ round, status, reported, count, twins, evaluation }) => (
            <tr key={round}>
              <th scope="row">{round}</th>
              <td>{reported ? 'took part' : 'stayed home'}</td>
              <td>
                {status === 'sealed'
                  ? `${plural(count, 'report')}, ${plural(twins, 'twin')}`
                  : 'no sum was opened'}
              </td>
              <td>{evaluation?.auc?.toFixed(3) ?? 'not known'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
