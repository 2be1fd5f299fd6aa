/** Why: what each signal does to the guess, as bars and in words. */
import type { Explanation } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import type { Visit } from '../visit.ts';
import { CATEGORY_WORDS, featureName, featureValue, percent, points } from '../words.ts';

const SHOWN = 8;

export function Why({ visit }: { visit: Visit }): JSX.Element {
  const explained = visit.guessing.explained.value;
  return (
    <section class="card why" aria-labelledby="why">
      <h3 id="why">Why</h3>
      {explained?.explained === true ? (
        <Bars explanation={explained.explanation} />
      ) : (
        <p class="small soft">
          {explained === null ? 'Once there is a guess, its reasons stand here.' : explained.why}
        </p>
      )}
    </section>
  );
}

function Bars({ explanation }: { explanation: Explanation }): JSX.Element {
  const { baseline, contributions, method, prediction } = explanation;
  const shown = contributions.slice(0, SHOWN);
  const rest = contributions.slice(SHOWN);
  const restSum = rest.reduce((sum, { contribution }) => sum + contribution, 0);
  const largest = Math.max(1e-9, ...shown.map(({ contribution }) => Math.abs(contribution)));
  return (
    <>
      <p class="small">
        With nothing known the model says {percent(baseline)}. Your signals make it{' '}
        {percent(prediction.probability)}:
      </p>
      <ul class="bars small">
        {shown.map(({ feature, category, value, contribution }) => (
          <li key={feature}>
            <span>
              {featureName(feature)}: <strong>{featureValue(feature, value)}</strong>{' '}
              <span class="soft">({CATEGORY_WORDS[category].name.toLowerCase()})</span>
            </span>
            <span class="number points">{points(contribution)}</span>
            <Diverging share={contribution / largest} />
          </li>
        ))}
        {rest.length > 0 && (
          <li>
            <span class="soft">{rest.length} weaker signals together</span>
            <span class="number points">{points(restSum)}</span>
          </li>
        )}
      </ul>
      <p class="small soft">
        In percentage points; + speaks for leaving. Shapley values,{' '}
        {method.kind === 'exact' ? 'exact' : `from ${method.permutations} orders of the signals`}: they add up
        to the guess.
      </p>
    </>
  );
}

/** From the middle to the right for leaving, to the left for staying. For the eye alone: the points stand beside it. */
function Diverging({ share }: { share: number }): JSX.Element {
  const fill = (element: HTMLElement | null): void => {
    element?.style.setProperty('width', `${50 * Math.min(1, Math.abs(share))}%`);
    element?.style.setProperty('left', share < 0 ? `${50 * (1 - Math.min(1, -share))}%` : '50%');
  };
  return (
    <span class="diverging" aria-hidden="true">
      <span class={share < 0 ? 'down' : 'up'} ref={fill} />
    </span>
  );
}
