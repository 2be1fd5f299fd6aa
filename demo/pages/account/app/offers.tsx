import type { JSX } from 'preact';
import { ACTIONS, type Happening } from '../actions.ts';
import { valueWords } from '../words.ts';
import type { ViewProps } from './customer-app.tsx';

const CONTRACTS = ['month_to_month', 'one_year', 'two_year'];
const INTERESTS = ['saving', 'speed', 'streaming', 'gaming', 'privacy'];

export function Offers({ visit, account }: ViewProps): JSX.Element {
  const choose = (what: Happening) => () => void visit.intake.happen(what);
  return (
    <>
      <h2 id="contract">Contract</h2>
      <Choice
        label="contract"
        options={CONTRACTS}
        chosen={account.contract}
        onChoose={(contract) => visit.intake.happen(ACTIONS.contract(contract))}
      />
      <h2>Technical support</h2>
      <ul class="tiles">
        <li>
          <button type="button" onClick={choose(ACTIONS.techSupport(!account.techSupport))}>
            {account.techSupport ? 'Cancel technical support' : 'Add technical support'}
            <span class="small soft">{account.techSupport ? 'saves €5 a month' : '€5 a month'}</span>
          </button>
        </li>
      </ul>
      <h2 id="interest">What matters to you most?</h2>
      <Choice
        label="interest"
        options={INTERESTS}
        chosen={account.interest}
        onChoose={(topic) => visit.intake.happen(ACTIONS.interest(topic))}
      />
    </>
  );
}

interface ChoiceProps {
  /** Id of its heading. */
  label: string;
  options: readonly string[];
  chosen: string | null;
  onChoose: (option: string) => Promise<void>;
}

function Choice({ label, options, chosen, onChoose }: ChoiceProps): JSX.Element {
  return (
    <div class="choice" role="group" aria-labelledby={label}>
      {options.map((option) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === chosen}
          onClick={() => void onChoose(option)}
        >
          {valueWords(option)}
        </button>
      ))}
    </div>
  );
}
