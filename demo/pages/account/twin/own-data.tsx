/** The way out: everything as a file, or nothing any more. */
import { useSignal } from '@preact/signals';
import type { Erasure } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { plural } from '../../ui/words.ts';
import type { Visit } from '../visit.ts';

export function OwnData({ visit }: { visit: Visit }): JSX.Element {
  const said = useSignal('');
  const dialog = useRef<HTMLDialogElement>(null);

  const download = async (): Promise<void> => {
    const data = await visit.exportData();
    if ('why' in data) said.value = data.why;
    else {
      saveFile(data.name, data.text);
      said.value = `${data.name}: ${plural(data.events, 'signal')} and ${plural(data.consents, 'answer')}, with the features, the guess and the rounds.`;
    }
  };
  const erase = async (): Promise<void> => {
    dialog.current?.close();
    said.value = 'Erasing …';
    const erasure = await visit.erase();
    said.value = erasure.erased === true ? '' : erasure.why;
  };

  return (
    <section class="card own-data" aria-labelledby="own-data">
      <h3 id="own-data">Your data</h3>
      <p class="small">Everything that your twin keeps, as a file; or the end of it.</p>
      <p class="row">
        <button type="button" class="plain" onClick={() => void download()}>
          Export as a file
        </button>
        <button type="button" class="plain danger" onClick={() => dialog.current?.showModal()}>
          Erase my twin
        </button>
      </p>
      <p class="small" role="status">
        {said.value}
      </p>
      <dialog ref={dialog} aria-labelledby="erase-title">
        <h3 id="erase-title">Erase your twin?</h3>
        <p>
          All consents are withdrawn, the log is told, and everything that the twin keeps in this browser is
          destroyed. Reports that were sent stay in their sums: nobody can take one out of a sum again.
        </p>
        <p class="row">
          <button type="button" class="plain danger" onClick={() => void erase()}>
            Erase
          </button>
          <button type="button" class="plain" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
        </p>
      </dialog>
    </section>
  );
}

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

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
