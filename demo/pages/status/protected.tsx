/** What the demo protects today and what it does not, in the words that `npm start` prints. */
import type { JSX } from 'preact';
import { PROTECTED_TODAY } from '../../statement.ts';
import { textToSections } from './statement.ts';

export function ProtectedToday(): JSX.Element {
  return (
    <section class="card protected" aria-labelledby="protected">
      <h2 id="protected" class="unseen">
        Protection today
      </h2>
      {textToSections(PROTECTED_TODAY).map(({ heading, items }) => (
        <div key={heading}>
          <h3>{heading}</h3>
          <ul class="small">
            {items.map(({ good, text }) => (
              <li key={text} class={good ? 'yes' : 'no'}>
                <span class="unseen">{good ? 'Protected: ' : 'Not protected: '}</span>
                {text}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
