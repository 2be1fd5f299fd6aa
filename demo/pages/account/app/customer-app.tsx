/** The business's app: an invented phone and internet provider. What is done here is what its systems would send to the twin. */
import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { ACTIONS } from '../actions.ts';
import { ACT_AT } from '../boot.ts';
import type { Visit } from '../visit.ts';
import { percent } from '../words.ts';
import { accountOf, type Account } from './account.ts';
import { Bills } from './bills.tsx';
import { Help } from './help.tsx';
import { Home } from './home.tsx';
import { Offers } from './offers.tsx';

export interface ViewProps {
  visit: Visit;
  account: Account;
}

const VIEWS = {
  home: { name: 'Home', View: Home },
  bills: { name: 'Bills', View: Bills },
  help: { name: 'Help', View: Help },
  offers: { name: 'Offers', View: Offers },
} as const;
type ViewName = keyof typeof VIEWS;

export function CustomerApp({ visit }: { visit: Visit }): JSX.Element {
  const view = useSignal<ViewName>('home');
  const account = useComputed(() => accountOf(visit.intake.happened.value)).value;
  const { View } = VIEWS[view.value];
  useEffect(() => void visit.intake.happen(ACTIONS.open(3)), []);
  return (
    <section class="app card" aria-labelledby="app">
      <header class="app-head">
        <h1 id="app">Demo Mobile</h1>
        <p class="small">Customer for {account.monthsHere} months</p>
      </header>
      <nav class="app-nav" aria-label="Demo Mobile">
        {(Object.keys(VIEWS) as ViewName[]).map((name) => (
          <button
            key={name}
            type="button"
            onClick={() => (view.value = name)}
            {...(view.value === name ? { 'aria-current': 'true' } : {})}
          >
            {VIEWS[name].name}
          </button>
        ))}
      </nav>
      {visit.guessing.offered.value && (
        <Offer onGo={() => (view.value = 'offers')} onClose={visit.guessing.decline} />
      )}
      <View visit={visit} account={account} />
    </section>
  );
}

/** What a business does with a guess: here, in the app, where the person allows it. Nobody else is told. */
function Offer({ onGo, onClose }: { onGo: () => void; onClose: () => void }): JSX.Element {
  return (
    <aside class="offer" aria-label="An offer">
      <p>
        <strong>Stay with us: a two-year contract at the price of today.</strong>
      </p>
      <p class="small">
        Your twin called this app because its guess rose to {percent(ACT_AT)}. You allowed that; nobody else
        knows.
      </p>
      <p class="row">
        <button type="button" class="plain strong" onClick={onGo}>
          Look at it
        </button>
        <button type="button" class="plain" onClick={onClose}>
          Not now
        </button>
      </p>
    </aside>
  );
}
