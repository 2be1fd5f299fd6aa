/** What a person may demand of every sum: optional, empty at first, and one step away. */
import { button, freshId, h, setAttribute, show } from './dom.ts';
import type { Context, Part } from './context.ts';

const MOST_COHORT = 1_000_000_000;
const MOST_EPSILON = 1_000;

export interface ConditionsPart extends Part {
  /** False where a field holds what is no condition; it then has the focus. */
  check(): boolean;
}

export function createConditions({ acts, language: { words } }: Context): ConditionsPart {
  const own = words.conditions;
  const cohort = field(
    own.minCohort,
    own.wrongCohort,
    own.none,
    { step: '1', inputmode: 'numeric' },
    (value) => Number.isInteger(value) && value >= 2 && value <= MOST_COHORT,
  );
  const epsilon = field(
    own.maxEpsilon,
    own.wrongEpsilon,
    own.none,
    { step: 'any', inputmode: 'decimal' },
    (value) => value >= 1e-6 && value <= MOST_EPSILON,
  );
  const hint = h('p', { class: 'what', id: freshId('hint') }, own.epsilonHint);
  epsilon.describe(hint.id);
  const fields = [cohort, epsilon];
  const check = (): boolean => {
    const wrong = fields.filter((each) => !each.check());
    if (wrong.length > 0) element.open = true;
    wrong[0]?.input.focus();
    return wrong.length === 0;
  };
  // What is wrong is said when it matters, not on leaving a field: a line that appears then would move the button under the pointer.
  for (const each of fields)
    each.input.addEventListener('input', () => {
      if (each.input.ariaInvalid !== null) each.check();
      acts.setConditions({ minCohort: cohort.value(), maxEpsilon: epsilon.value() });
    });
  const apply = button('apply', own.apply, () => {
    if (check()) acts.applyConditions();
  });
  const element = h(
    'details',
    { part: 'conditions', class: 'section' },
    h('summary', {}, own.title),
    h('p', { class: 'what' }, own.what),
    h('div', { class: 'fields' }, cohort.element, h('div', {}, epsilon.element, hint)),
    apply,
  );
  return {
    element,
    check,
    update(_, { given }) {
      show(apply, given > 0);
    },
  };
}

interface Field {
  element: HTMLElement;
  input: HTMLInputElement;
  /** Null where it is empty, or wrong. */
  value(): number | null;
  /** Shows what is wrong. @returns whether nothing is */
  check(): boolean;
  describe(id: string): void;
}

function field(
  name: string,
  wrong: string,
  placeholder: string,
  attributes: Record<string, string>,
  isRight: (value: number) => boolean,
): Field {
  const [id, errorId] = [freshId('field'), freshId('wrong')];
  const input = h('input', { type: 'number', id, placeholder, part: 'field', ...attributes });
  const error = h('p', { id: errorId, class: 'missing', part: 'error', role: 'alert' });
  let described = '';
  // A number field that cannot read its text says '' for it, and `badInput`.
  const isEmpty = (): boolean => input.value === '' && !input.validity.badInput;
  const holds = (): boolean => isEmpty() || (input.value !== '' && isRight(Number(input.value)));
  const check = (): boolean => {
    const right = holds();
    setAttribute(input, 'aria-invalid', right ? null : 'true');
    setAttribute(input, 'aria-describedby', [described, right ? '' : errorId].join(' ').trim() || null);
    error.textContent = right ? '' : wrong;
    return right;
  };
  return {
    element: h('div', { class: 'field' }, h('label', { for: id }, name), input, error),
    input,
    value: () => (isEmpty() || !holds() ? null : Number(input.value)),
    check,
    describe(hint) {
      described = hint;
      check();
    },
  };
}
