/** What reached the twin, as it happens: taken in, refused at the gate, or forgotten. */
import type { JSX } from 'preact';
import type { SignalLine } from '../intake.ts';
import type { Visit } from '../visit.ts';
import { CATEGORY_WORDS } from '../words.ts';

const OUTCOMES = { 'taken-in': 'taken in', refused: 'not taken in', forgotten: 'forgotten' } as const;

export function Signals({ visit }: { visit: Visit }): JSX.Element {
  const lines = visit.intake.lines.value;
  return (
    <section class="card signals" aria-labelledby="signals">
      <h3 id="signals">Signals</h3>
      {lines.length === 0 && <p class="small soft">Nothing has happened yet. Do something in the app.</p>}
      <ol class="feed small" tabIndex={0} aria-labelledby="signals">
        {lines.map((line) => (
          <Line key={line.id} line={line} />
        ))}
      </ol>
      <p class="unseen" role="status">
        {lines[0] !== undefined && `${lines[0].text}: ${OUTCOMES[lines[0].outcome]}`}
      </p>
    </section>
  );
}

function Line({ line: { at, category, text, outcome, why } }: { line: SignalLine }): JSX.Element {
  const time = new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return (
    <li class={outcome}>
      <span class="soft number">{time}</span>
      <span>
        {text}
        <span class="soft">
          {' '}
          · {CATEGORY_WORDS[category].name}
          {why !== undefined && `. ${why}`}
        </span>
      </span>
      <span class={`chip ${outcome}`}>{OUTCOMES[outcome]}</span>
    </li>
  );
}
