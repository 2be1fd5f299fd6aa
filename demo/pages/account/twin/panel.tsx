/** The visitor's own view of their twin: what it guesses and why, what it may do, what it took in, what it lends, and the way out. */
import { useComputed } from '@preact/signals';
import type { TwinStatus } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import type { Visit } from '../visit.ts';
import { percent } from '../words.ts';
import { Consents } from './consents.tsx';
import { Guess, Moves } from './guess.tsx';
import { Erased } from './erased.tsx';
import { Rounds } from './rounds.tsx';
import { Signals } from './signals.tsx';
import { Why } from './why.tsx';

export interface PanelProps {
  visit: Visit;
  /** Makes a new pseudonym, after an erasure. */
  onStartAnew: () => Promise<void>;
}

export function TwinPanel({ visit, onStartAnew }: PanelProps): JSX.Element {
  const { status, erasure } = visit;
  if (erasure.value !== null) return <Erased erasure={erasure.value} onStartAnew={onStartAnew} />;
  if (status.value.state === 'unavailable')
    return <Unavailable visit={visit} status={status.value} onStartAnew={onStartAnew} />;
  return (
    <section class="twin" aria-labelledby="twin">
      <header class="twin-head">
        <h2 id="twin" class="big">
          Your twin
        </h2>
        <p class="soft">
          It lives in this browser. What you do in the app on this page are its signals, if you allow them.
        </p>
      </header>
      <div class="columns">
        <div class="column">
          <Guess visit={visit} />
          <Consents visit={visit} />
          <Signals visit={visit} />
        </div>
        <div class="column">
          <Why visit={visit} />
          <Rounds visit={visit} />
          <Moves visit={visit} />
        </div>
      </div>
      <Ticker visit={visit} />
    </section>
  );
}

/** The twin cannot live here, or no longer: what is left is to clear it away, and to begin again. */
function Unavailable({
  visit,
  status,
  onStartAnew,
}: PanelProps & { status: Extract<TwinStatus, { state: 'unavailable' }> }): JSX.Element {
  return (
    <section class="twin" aria-labelledby="twin">
      <h2 id="twin" class="big">
        Your twin
      </h2>
      <div class="card trouble" role="alert">
        <p>{status.why}</p>
        <p class="row">
          <button type="button" class="plain" onClick={() => void onStartAnew()}>
            Start anew as somebody else
          </button>
        </p>
      </div>
      {status.reason !== 'erased' && <Consents visit={visit} />}
    </section>
  );
}

/** On a small screen the app hides the twin: its guess stays in sight. */
function Ticker({ visit }: { visit: Visit }): JSX.Element | null {
  const text = useComputed(() => {
    const { value } = visit.guessing.predicted;
    const last = visit.guessing.moves.value.at(-1);
    if (value?.predicted !== true) return null;
    return `${percent(value.prediction.probability)} ${last === undefined ? '' : `· ${last.cause}`}`;
  }).value;
  if (text === null) return null;
  return (
    <a class="ticker small number" href="#guess">
      <span>Chance that you leave: {text}</span>
    </a>
  );
}
