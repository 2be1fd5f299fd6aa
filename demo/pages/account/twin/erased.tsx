/** The end of a twin: what is left of it, and how to begin again. */
import type { Erasure } from '@twinkeep/edge-client';
import type { JSX } from 'preact';

export interface ErasedProps {
  erasure: Exclude<Erasure, { erased: false }>;
  /** Makes a new pseudonym. */
  onStartAnew: () => Promise<void>;
}

export function Erased({ erasure, onStartAnew }: ErasedProps): JSX.Element {
  return (
    <section class="card erased" role="status" aria-labelledby="erased">
      <h2 id="erased" class="big">
        {erasure.erased === true ? 'Your twin is erased' : 'Your twin’s data are erased'}
      </h2>
      <p>{erasure.erased === true ? sayErased(erasure.withdrawn) : erasure.why}</p>
      <p class="row">
        <button type="button" class="plain" onClick={() => void onStartAnew()}>
          Start anew as somebody else
        </button>
      </p>
    </section>
  );
}

function sayErased(withdrawn: boolean): string {
  return withdrawn
    ? 'Your withdrawal stands in the public log. Nothing of the twin is left in this browser.'
    : 'There was no consent to withdraw. Nothing of the twin is left in this browser.';
}
