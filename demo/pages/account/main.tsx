/** The customer page: an app as a business would have one, and beside it what the visitor's own twin makes of it. */
import '../tokens.css';
import '../ui/masthead.css';
import '../ui/chart.css';
import './account.css';
import './twin.css';
import '@twinkeep/edge-client/consent-element';
import { signal } from '@preact/signals';
import { render, type JSX } from 'preact';
import type { DemoInfo } from '../../server/info.ts';
import { Masthead } from '../ui/masthead.tsx';
import { CustomerApp } from './app/customer-app.tsx';
import { clearEarlierRuns, signIn, startTwin, untilLive } from './boot.ts';
import { TwinPanel } from './twin/panel.tsx';
import { beginVisit, type Visit } from './visit.ts';
import { Waiting } from './waiting.tsx';

type Stand =
  { at: 'waiting'; info: DemoInfo | null } | { at: 'visiting'; visit: Visit } | { at: 'failed'; why: string };

const stand = signal<Stand>({ at: 'waiting', info: null });

function Page(): JSX.Element {
  const now = stand.value;
  return (
    <>
      <Masthead here="account" />
      <main id="main" tabIndex={-1}>
        {now.at === 'waiting' && <Waiting info={now.info} />}
        {now.at === 'failed' && (
          <p class="card" role="alert">
            {now.why}
          </p>
        )}
        {now.at === 'visiting' && (
          <div class="house">
            <CustomerApp visit={now.visit} />
            <TwinPanel visit={now.visit} onStartAnew={startAnew} />
          </div>
        )}
      </main>
    </>
  );
}

async function begin(): Promise<void> {
  let waited = false;
  const demo = await untilLive((info) => {
    waited = true;
    stand.value = { at: 'waiting', info };
  });
  // The policy of a page names the coordinator that there was when it was loaded.
  if (waited) location.reload();
  const account = await signIn(false);
  await clearEarlierRuns(account.subject).catch(() => undefined);
  stand.value = {
    at: 'visiting',
    visit: await beginVisit(await startTwin(demo, account.subject), demo, account),
  };
}

/** After an erasure: as somebody whom nobody has seen before. */
async function startAnew(): Promise<void> {
  await signIn(true);
  location.reload();
}

render(<Page />, document.getElementById('page') as HTMLElement);
begin().catch((error: unknown) => {
  const detail = error instanceof Error ? error.message : String(error);
  stand.value = {
    at: 'failed',
    why: `The twin could not be started: ${detail}. Reload the page to try again.`,
  };
});
