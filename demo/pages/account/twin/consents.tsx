/** One question per kind of signal. Nothing is chosen beforehand, and yes and no are the same size and the same way away. */
import type { Category } from '@twinkeep/consent';
import type { ConsentCellView } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import { NOTICE_TEXT } from '../notice.ts';
import type { Visit } from '../visit.ts';
import { CATEGORY_WORDS } from '../words.ts';
import { Receipts } from './receipts.tsx';

type Answer = 'yes' | 'no' | 'none';

interface Question {
  category: Category;
  necessity: 'required' | 'optional';
  answer: Answer;
  /** Whether the answer stands in the log. */
  logged: boolean;
}

export function Consents({ visit }: { visit: Visit }): JSX.Element {
  const questions = toQuestions(visit.consents.cells.value);
  const all = questions.map(({ category }) => category);
  return (
    <section class="card consents" aria-labelledby="consents">
      <h3 id="consents">What may your twin take in?</h3>
      {NOTICE_TEXT.slice(0, 1).map((text) => (
        <p key={text} class="small">
          {text}
        </p>
      ))}
      <details class="small">
        <summary>The rest of the notice</summary>
        {NOTICE_TEXT.slice(1).map((text) => (
          <p key={text}>{text}</p>
        ))}
      </details>
      <ul class="questions">
        {questions.map((question) => (
          <QuestionRow key={question.category} visit={visit} question={question} />
        ))}
      </ul>
      <p class="row">
        <button type="button" class="plain" onClick={() => void visit.consents.allow(all)}>
          Allow all seven
        </button>
        <button type="button" class="plain" onClick={() => void visit.consents.refuse(all)}>
          Refuse all seven
        </button>
      </p>
      <Receipts receipts={visit.consents.receipts.value} />
    </section>
  );
}

function QuestionRow({ visit, question }: { visit: Visit; question: Question }): JSX.Element {
  const { category, necessity, answer, logged } = question;
  const { name, what } = CATEGORY_WORDS[category];
  const busy = visit.consents.busy.value.has(category);
  return (
    <li>
      <div>
        <p class="question">
          {name} {necessity === 'required' && <span class="chip need">needed</span>}
        </p>
        <p class="small soft">{what}</p>
        <p class={`small answer ${answer}`}>{sayAnswer(answer, logged)}</p>
      </div>
      <div class="pair" role="group" aria-label={name}>
        <button
          type="button"
          aria-pressed={answer === 'yes'}
          disabled={busy}
          onClick={() => void visit.consents.allow([category])}
        >
          Allow
        </button>
        <button
          type="button"
          aria-pressed={answer === 'no'}
          disabled={busy}
          onClick={() => void visit.consents.refuse([category])}
        >
          Refuse
        </button>
      </div>
    </li>
  );
}

function sayAnswer(answer: Answer, logged: boolean): string {
  if (answer === 'none') return 'Not answered';
  return `${answer === 'yes' ? 'Allowed' : 'Refused'}${logged ? ' and logged' : ', not yet logged'}`;
}

/** The page asks for all operations of a category together, so any of its cells tells the answer; one that differs makes it a no. */
function toQuestions(cells: readonly ConsentCellView[]): Question[] {
  const categories = Object.keys(CATEGORY_WORDS) as Category[];
  return categories
    .map((category): Question => {
      const own = cells.filter((cell) => cell.category === category);
      const necessity = own.some((cell) => cell.necessity === 'required') ? 'required' : 'optional';
      const answered = own.filter(({ status }) => status !== 'unknown');
      const given = answered.length > 0 && own.every(({ status }) => status === 'given');
      const answer: Answer = answered.length === 0 ? 'none' : given ? 'yes' : 'no';
      return { category, necessity, answer, logged: own.every(({ logged }) => logged) };
    })
    .toSorted((a, b) => Number(a.necessity === 'optional') - Number(b.necessity === 'optional'));
}
