/** The answers: no and yes of one size, one beside the other, no first; and the way back from a yes. */
import { button, h, setText, show } from './dom.ts';
import type { Context, Part } from './context.ts';

export interface AnswersDeps {
  /** A button that goes away while it has the focus hands it on. */
  onGone: () => void;
}

export function createAnswers({ acts, language: { words } }: Context, { onGone }: AnswersDeps): Part {
  const refuse = button('answer', words.actions.refuseAll, () => acts.refuse());
  const accept = button('answer', words.actions.accept, () => acts.accept());
  const withdraw = button('withdraw-all', words.actions.withdrawAll, () => acts.withdrawAll());
  const pair = h('div', { class: 'pair', part: 'answers' }, refuse, accept);
  const back = h('div', { class: 'back' }, withdraw, h('p', { class: 'what' }, words.actions.withdrawEffect));
  const said = h('p', { role: 'status', part: 'said', class: 'said' });
  let lastSaid = 0;

  return {
    element: h('div', { class: 'answers' }, pair, back, said),
    update({ said: { text, again } }, { given, open, chosen }) {
      const focused = [refuse, accept, withdraw].find((own) => own.matches(':focus'));
      setText(refuse, given > 0 ? words.actions.refuseRest : words.actions.refuseAll);
      show(refuse, open > 0);
      show(accept, open > 0 || chosen > 0 || given === 0);
      show(back, given > 0);
      if (focused !== undefined && !focused.checkVisibility()) onGone();
      if (again !== lastSaid) {
        // The same sentence twice is two changes, or it would not be read out again.
        said.replaceChildren(h('span', {}, text));
        lastSaid = again;
      }
    },
  };
}
