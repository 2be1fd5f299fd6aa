import type { JSX } from 'preact';
import { ACTIONS } from '../actions.ts';
import { money } from '../words.ts';
import type { ViewProps } from './customer-app.tsx';

const SHOWN = 6;
const DAYS_LATE = 9;

export function Bills({ visit, account }: ViewProps): JSX.Element {
  const { amount, bills } = account;
  return (
    <>
      <div class="plan">
        <p class="small">Your bill, due in five days</p>
        <p class="plan-price number">{money(amount)}</p>
        <p class="row">
          <button
            type="button"
            class="plain strong"
            onClick={() => void visit.intake.happen(ACTIONS.pay(amount))}
          >
            Pay now
          </button>
          <button
            type="button"
            class="plain"
            onClick={() => void visit.intake.happen(ACTIONS.payLate(amount, DAYS_LATE))}
          >
            Pay {DAYS_LATE} days late
          </button>
        </p>
      </div>
      <h2>Paid bills</h2>
      <ul class="lines small">
        {bills.slice(0, SHOWN).map(({ id, time, amount, daysLate }) => (
          <li key={id}>
            <span>{new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}</span>
            <span class="number">{money(amount)}</span>
            <span class={daysLate === null ? 'soft' : 'late'}>
              {daysLate === null ? 'in time' : `${daysLate} days late`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
