/** One category for one purpose: a switch, its state in words, the second yes where it takes one, and what exactly it allows. */
import { h, checkbox, freshId, setAttribute, setText, show } from './dom.ts';
import type { GroupView, RowView } from '../model.ts';
import type { PanelState } from '../state.ts';
import type { Context } from './context.ts';
import { groupStatus, rowStatus, type StatusLine } from './status.ts';

export interface RowPart {
  element: HTMLElement;
  update(row: RowView, state: PanelState): void;
}

export function createRow(context: Context, first: RowView): RowPart {
  const { acts, language, names } = context;
  const { words } = language;
  const { name, what } = names.category(first.category);
  const ids = {
    name: freshId('name'),
    what: freshId('what'),
    status: freshId('status'),
    box: freshId('box'),
  };
  let row = first;

  const box = checkbox('switch', (on) => acts.toggle(row, on));
  box.id = ids.box;
  setAttribute(box, 'aria-labelledby', ids.name);
  setAttribute(box, 'aria-describedby', `${ids.what} ${ids.status}`);
  const status = h('p', { part: 'status', class: 'status', id: ids.status });
  const confirm = first.special ? createConfirm(context, first) : null;
  const groups = new Map<string, GroupPart>();
  const list = h('ul', { class: 'groups' });
  const element = h(
    'li',
    { part: 'row', class: 'row' },
    h(
      'label',
      { class: 'row-head', for: ids.box },
      h(
        'span',
        { class: 'row-text' },
        h(
          'span',
          { class: 'row-title' },
          h('span', { part: 'category', class: 'name', id: ids.name }, name),
          ...badges(context, first),
        ),
        h('span', { class: 'what', id: ids.what }, what),
      ),
      box,
    ),
    ...(confirm === null ? [] : [confirm.element]),
    h(
      'div',
      { class: 'row-foot' },
      status,
      h(
        'details',
        { part: 'details' },
        h('summary', {}, words.details, h('span', { class: 'unseen' }, `: ${name}`)),
        list,
      ),
    ),
  );

  return {
    element,
    update(now, state) {
      row = now;
      box.checked = now.toggle !== 'off';
      box.indeterminate = now.toggle === 'mixed';
      setStatus(status, rowStatus(now, language));
      confirm?.update(now, state);
      for (const group of now.groups) {
        let part = groups.get(group.name);
        if (part === undefined) {
          part = createGroup(context, group, ids.name, (on) => acts.toggle(row, on, group.name));
          groups.set(group.name, part);
          list.append(part.element);
        }
        part.update(group);
      }
    },
  };
}

function badges({ language: { words } }: Context, { necessity, special }: RowView): HTMLElement[] {
  return [...(necessity === 'required' ? [words.needed] : []), ...(special ? [words.special.badge] : [])].map(
    (text) => h('span', { part: 'badge', class: 'badge' }, text),
  );
}

interface ConfirmPart {
  element: HTMLElement;
  update(row: RowView, state: PanelState): void;
}

/** GDPR Article 9(2)(a): explicit, so a statement of its own, apart from the switch. */
function createConfirm({ acts, language: { words }, names }: Context, first: RowView): ConfirmPart {
  let row = first;
  const id = freshId('missing');
  const box = checkbox('confirm', (confirmed) => acts.confirm(row, confirmed));
  const sentence = words.special.confirm(names.controller, names.category(first.category).name);
  const missing = h('p', { class: 'missing', id, part: 'error' }, words.special.missing);
  const element = h(
    'div',
    { class: 'explicit', part: 'explicit' },
    h('label', {}, box, h('span', {}, sentence)),
    missing,
  );
  return {
    element,
    update(now, { unconfirmed }) {
      row = now;
      const asked = now.renewing || now.groups.some(({ chosen }) => chosen);
      const forgotten = asked && unconfirmed && !now.explicit;
      box.checked = now.explicit;
      setAttribute(box, 'aria-invalid', forgotten ? 'true' : null);
      setAttribute(box, 'aria-describedby', forgotten ? id : null);
      show(missing, forgotten);
      show(element, asked);
    },
  };
}

interface GroupPart {
  element: HTMLElement;
  update(group: GroupView): void;
}

function createGroup(
  { language, names }: Context,
  { name }: GroupView,
  rowName: string,
  act: (on: boolean) => void,
): GroupPart {
  const words = language.words.groups[name];
  const ids = {
    name: freshId('group'),
    text: freshId('text'),
    status: freshId('status'),
    box: freshId('box'),
  };
  const box = checkbox('switch small', act);
  box.id = ids.box;
  setAttribute(box, 'aria-labelledby', `${ids.name} ${rowName}`);
  setAttribute(box, 'aria-describedby', `${ids.text} ${ids.status}`);
  const status = h('p', { part: 'status', class: 'status', id: ids.status });
  return {
    element: h(
      'li',
      { part: 'group', class: 'group' },
      h(
        'label',
        { class: 'row-head', for: ids.box },
        h(
          'span',
          { class: 'row-text' },
          h('span', { class: 'name', id: ids.name }, words.name),
          h('span', { class: 'what', id: ids.text }, words.what(names.controller)),
        ),
        box,
      ),
      status,
    ),
    update(group) {
      box.checked = group.on;
      box.indeterminate = group.on && group.status === 'in-part' && !group.chosen;
      setStatus(status, groupStatus(group, language));
    },
  };
}

function setStatus(element: HTMLElement, { text, tone }: StatusLine): void {
  setText(element, text);
  setAttribute(element, 'data-tone', tone);
}
