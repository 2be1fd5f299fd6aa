import type { JSX } from 'preact';
import { ACTIONS, type Happening } from '../actions.ts';
import { money, valueWords } from '../words.ts';
import { Meter } from '../../ui/meter.tsx';
import type { ViewProps } from './customer-app.tsx';

const GB_PER_PERCENT = 0.4;

export function Home({ visit, account }: ViewProps): JSX.Element {
  const { amount, used } = account;
  const does =
    (...what: Happening[]) =>
    () =>
      void visit.intake.happen(...what);
  const useData = (percent: number): Happening =>
    ACTIONS.useData(percent, Math.round(percent * GB_PER_PERCENT));
  return (
    <>
      <div class="plan">
        <p class="small">Your line</p>
        <p class="plan-name">
          {account.line === 'fiber' ? 'Fibre' : account.line.toUpperCase()} {valueWords(account.plan)}
        </p>
        <p class="small">
          {valueWords(account.contract)}
          {account.techSupport && ', with technical support'}
        </p>
        <p class="plan-price number">{money(amount)}</p>
        <Meter share={used / 100} />
        <p class="small number">{used} % of this month’s data used</p>
      </div>
      <h2>Let something happen</h2>
      <ul class="tiles">
        <Tile text="Hardly use it for a month" onDo={does(useData(6))} />
        <Tile text="Use a lot for a month" onDo={does(useData(148))} />
        <Tile text="Have an outage of two hours" onDo={does(ACTIONS.outage(120))} />
        <Tile
          text="Get a price rise of 12 %"
          onDo={does(ACTIONS.raisePrice(12), ACTIONS.bill(Math.round(amount * 112) / 100))}
        />
      </ul>
      <h2 id="rate">Would you recommend us?</h2>
      <div class="scale" role="group" aria-labelledby="rate">
        {Array.from({ length: 11 }, (_, score) => (
          <button key={score} type="button" onClick={does(ACTIONS.rate(score))}>
            {score}
          </button>
        ))}
      </div>
      <p class="ends small soft" aria-hidden="true">
        <span>0: not at all</span>
        <span>10: gladly</span>
      </p>
    </>
  );
}

export function Tile({ text, note, onDo }: { text: string; note?: string; onDo: () => void }): JSX.Element {
  return (
    <li>
      <button type="button" onClick={onDo}>
        {text}
        {note !== undefined && <span class="small soft">{note}</span>}
      </button>
    </li>
  );
}
