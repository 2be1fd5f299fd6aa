/** Shown until there is a task that a visitor may take part in. */
import type { JSX } from 'preact';
import { PAGES, type DemoInfo } from '../../server/info.ts';

const WORDS: Readonly<Record<DemoInfo['stage'], string>> = {
  preparing: 'Keys, databases and the first customers are being made. That takes about fifteen seconds.',
  training: 'The coordinator is being started.',
  live: 'The coordinator is being started.',
  ended: 'It has ended. Start it again with npm start.',
};

export function Waiting({ info }: { info: DemoInfo | null }): JSX.Element {
  return (
    <section class="card waiting" aria-labelledby="waiting">
      <h1 id="waiting">The demo is not ready for visitors yet</h1>
      <p role="status">{info === null ? 'It does not answer at the moment.' : WORDS[info.stage]}</p>
      <p class="soft">
        This page goes on by itself. Meanwhile, the <a href={PAGES.status}>status page</a> shows the rounds as
        they happen.
      </p>
    </section>
  );
}
