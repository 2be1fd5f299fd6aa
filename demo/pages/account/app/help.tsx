import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ACTIONS } from '../actions.ts';
import type { ViewProps } from './customer-app.tsx';

const TOPICS = [
  {
    ask: 'My bill looks wrong',
    answer: 'Your last bill has one more day in it than the month. Shall I send you the days one by one?',
  },
  {
    ask: 'My line is slow',
    answer: 'I have measured your line: it gives what was agreed. Please switch your router off and on.',
  },
  { ask: 'I want another plan', answer: 'You can change it at the beginning of each month, under Offers.' },
] as const;

type Talk = { ask: string; answer: string; solved: boolean | null };

export function Help({ visit }: ViewProps): JSX.Element {
  const talk = useSignal<Talk | null>(null);
  const { value } = talk;
  const end = (solved: boolean): void => {
    if (value === null) return;
    talk.value = { ...value, solved };
    void visit.intake.happen(ACTIONS.help(solved));
  };
  return (
    <>
      <h2>Chat with us</h2>
      <div class="chat" role="log" aria-label="Chat">
        <p class="theirs">What can I do for you?</p>
        {value !== null && (
          <>
            <p class="mine">{value.ask}</p>
            <p class="theirs">{value.answer} Did that help?</p>
            {value.solved !== null && (
              <p class="mine">{value.solved ? 'Yes, thank you.' : 'No, it did not.'}</p>
            )}
          </>
        )}
      </div>
      {value === null && (
        <ul class="tiles">
          {TOPICS.map(({ ask, answer }) => (
            <li key={ask}>
              <button type="button" onClick={() => (talk.value = { ask, answer, solved: null })}>
                {ask}
              </button>
            </li>
          ))}
        </ul>
      )}
      {value !== null && value.solved === null && (
        <p class="row">
          <button type="button" class="plain" onClick={() => end(true)}>
            Yes, solved
          </button>
          <button type="button" class="plain" onClick={() => end(false)}>
            No, not solved
          </button>
        </p>
      )}
      {value !== null && value.solved !== null && (
        <p class="row">
          <button type="button" class="plain" onClick={() => (talk.value = null)}>
            Ask something else
          </button>
        </p>
      )}
    </>
  );
}
