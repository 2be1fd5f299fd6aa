/** The way out: everything as a file, or nothing any more. Asked once, since an erasure cannot be taken back. */
import { button, freshId, h, show } from './dom.ts';
import type { Context, Part } from './context.ts';

export function createOwnData({ acts, language: { words }, headingLevel }: Context): Part {
  const own = words.own;
  const title = freshId('erase');
  const text = freshId('ask');
  const heading = `h${headingLevel + 1}` as 'h3';
  const dialog = h(
    'dialog',
    { 'aria-labelledby': title, 'aria-describedby': text, part: 'dialog' },
    h(heading, { id: title }, own.askTitle),
    h('p', { id: text }, own.ask),
    h(
      'div',
      { class: 'pair' },
      button('keep', own.no, () => dialog.close()),
      button('erase-now', own.yes, () => {
        dialog.close();
        acts.erase();
      }),
    ),
  );
  const save = button('export', own.export, () => acts.export());
  const actions = h(
    'div',
    { class: 'pair' },
    save,
    button('erase', own.erase, () => dialog.showModal()),
  );
  return {
    element: h(
      'div',
      { class: 'section own', part: 'own-data' },
      h(heading, {}, own.title),
      h('p', { class: 'what' }, own.what),
      actions,
      dialog,
    ),
    update({ standing }) {
      show(save, standing !== 'unavailable');
    },
  };
}
