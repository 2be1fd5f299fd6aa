/** The status page: what the rounds, the helpers and the log are doing now, from public answers of the coordinator alone. */
import '../tokens.css';
import '../ui/masthead.css';
import '../ui/chart.css';
import './status.css';
import { render, type JSX } from 'preact';
import { Masthead } from '../ui/masthead.tsx';
import { Helpers } from './helpers.tsx';
import type { HeadStore } from './log.ts';
import { LogCard } from './log-card.tsx';
import { Now } from './now.tsx';
import { Protected } from './protected.tsx';
import { AucChart, ReportsChart, TimeChart } from './rounds.tsx';
import { createStatus, keepLooking, type Status } from './state.ts';

function Page({ status }: { status: Status }): JSX.Element {
  return (
    <>
      <Masthead here="status" />
      <main id="main" tabIndex={-1}>
        <Now status={status} />
        <div class="grid">
          <AucChart status={status} />
          <LogCard log={status.log} />
          <ReportsChart status={status} />
          <TimeChart status={status} />
          <Helpers status={status} />
          <Protected status={status} />
        </div>
      </main>
    </>
  );
}

/** A browser that keeps nothing for this page still shows it. */
function headStore(): HeadStore {
  try {
    return window.localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined };
  }
}

const status = createStatus();
render(<Page status={status} />, document.getElementById('page') as HTMLElement);
void keepLooking(status, headStore());
