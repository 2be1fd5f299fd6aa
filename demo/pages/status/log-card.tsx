/** The head of the audit log, and what this browser can say of it. */
import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { count } from '../ui/words.ts';
import type { LogView } from './log.ts';

export function LogCard({ log }: { log: Signal<LogView | null> }): JSX.Element {
  const view = log.value;
  return (
    <section class="card log" aria-labelledby="log">
      <h2 id="log">Audit log</h2>
      {view === null ? (
        <p class="soft">Nothing was read of it yet.</p>
      ) : (
        <>
          <p class={`verdict ${view.verdict}`} role={view.verdict === 'broken' ? 'alert' : undefined}>
            {view.sentence}
          </p>
          <dl class="pairs small">
            <dt>Entries</dt>
            <dd class="number">{count(view.size)}</dd>
            <dt>Root</dt>
            <dd>
              <code>{view.root}</code>
            </dd>
            <dt>Log</dt>
            <dd>
              <code>{view.origin}</code>
            </dd>
          </dl>
        </>
      )}
      <p class="soft small">
        Every task, round, set, result and consent is an entry. Your browser checks the log’s signature and a
        proof that the tree of now begins with the tree of then; it asks nobody to do that for it.
      </p>
    </section>
  );
}
