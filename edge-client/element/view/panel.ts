/** The whole element: who asks and for what, the answers, and in the same place receipts, export and erasure. */
import { freshId, h, setAttribute, setText, show } from './dom.ts';
import type { PanelState } from '../state.ts';
import type { PanelView } from '../model.ts';
import { createAnswers } from './answers.ts';
import { createConditions } from './conditions.ts';
import type { Context } from './context.ts';
import { createNotice } from './notice.ts';
import { createOwnData } from './own-data.ts';
import { createPurposes } from './purposes.ts';
import { createReceipts } from './receipts.ts';
import type { Words } from '../words/words.ts';

export interface Panel {
  element: HTMLElement;
  update(state: PanelState, view: PanelView): void;
}

export function createPanel(given: Context): Panel {
  const { language, names, headingLevel } = given;
  const { words, tag } = language;
  const id = freshId('title');
  const title = h(
    `h${headingLevel}` as 'h2',
    { id, part: 'title', class: 'title', tabindex: '-1' },
    words.title,
  );
  const context: Context = {
    ...given,
    acts: { ...given.acts, accept: () => conditions.check() && accept() },
  };
  const accept = (): void => {
    given.acts.accept();
    if (latest?.chosen === 0) purposes.focusFirst();
  };
  const conditions = createConditions(context);
  const purposes = createPurposes(context);
  const answers = createAnswers(context, { onGone: () => title.focus() });
  const receipts = createReceipts(context);
  const own = createOwnData(context);
  // Live regions stay in the page, empty, so that what comes into them is read out.
  const offline = h('p', { part: 'offline', class: 'banner', role: 'status' });
  const trouble = h('p', { part: 'error', class: 'banner trouble', role: 'alert' });
  const waiting = h('p', { part: 'waiting', class: 'banner' }, words.loading);
  const beforehand = h('p', { class: 'what' });
  const asked = h(
    'div',
    { class: 'asked' },
    beforehand,
    purposes.element,
    answers.element,
    conditions.element,
    receipts.element,
  );
  const top = h(
    'header',
    { part: 'header' },
    title,
    h('p', { part: 'intro' }, words.intro(names.controller)),
    createNotice(context),
  );
  const erased = h('p', { part: 'erased', role: 'status' });
  const element = h(
    'section',
    { part: 'panel', class: 'panel', lang: tag, 'aria-labelledby': id },
    ...[top, offline, trouble, waiting, asked, own.element, erased],
  );
  let latest: PanelView | null = null;
  let wasErased = false;

  return {
    element,
    update(state, view) {
      const { standing, busy, online, erasure } = state;
      latest = view;
      setAttribute(element, 'aria-busy', busy || standing === 'waiting' ? 'true' : 'false');
      setText(title, erasure === null ? words.title : endOf(erasure, words.own).title);
      for (const child of [...top.children].slice(1)) show(child as HTMLElement, standing !== 'erased');
      setText(beforehand, view.optOut ? words.optOut : words.nothingChosen);
      setText(offline, online ? '' : words.offline);
      setText(trouble, state.trouble === null ? '' : language.why(state.trouble.reason, state.trouble.why));
      show(waiting, standing === 'waiting');
      show(asked, standing === 'ready');
      show(own.element, standing !== 'erased');
      setText(erased, erasure === null ? '' : endOf(erasure, words.own).text);
      for (const part of [purposes, answers, conditions, receipts, own]) part.update(state, view);
      // What had the focus is gone with all the rest.
      if (standing === 'erased' && !wasErased) title.focus();
      wasErased = standing === 'erased';
    },
  };
}

function endOf({ erased }: { erased: true | 'data' }, own: Words['own']): { title: string; text: string } {
  return erased === true
    ? { title: own.erasedTitle, text: own.erased }
    : { title: own.erasedDataTitle, text: own.erasedData };
}
