/** Every purpose with its rows. Rows are kept as long as they are asked for: focus and open details survive each update. */
import { checkbox, freshId, h, setAttribute, show } from './dom.ts';
import type { PurposeView, RowView } from '../model.ts';
import type { PanelState } from '../state.ts';
import type { Context, Part } from './context.ts';
import { createRow, type RowPart } from './row.ts';

export interface PurposesPart extends Part {
  focusFirst(): void;
}

interface PurposePart {
  element: HTMLElement;
  update(view: PurposeView, state: PanelState): void;
}

export function createPurposes(context: Context): PurposesPart {
  const parts = new Map<string, PurposePart>();
  const element = h('div', { class: 'purposes' });
  /** The confirmation is asked for once, where the person was not asked already. */
  let asking = false;
  return {
    element,
    update(state, { purposes }) {
      for (const [purpose, part] of parts)
        if (!purposes.some((view) => view.purpose === purpose)) {
          part.element.remove();
          parts.delete(purpose);
        }
      for (const view of purposes) {
        const part = parts.get(view.purpose) ?? createPurpose(context, view.purpose);
        if (!parts.has(view.purpose)) element.append(part.element);
        parts.set(view.purpose, part);
        part.update(view, state);
      }
      if (state.unconfirmed && !asking) element.querySelector<HTMLElement>('[aria-invalid]')?.focus();
      asking = state.unconfirmed;
    },
    focusFirst: () => element.querySelector<HTMLElement>('.row .switch')?.focus(),
  };
}

function createPurpose(context: Context, purpose: string): PurposePart {
  const { acts, language, names, headingLevel } = context;
  const rows = new Map<string, RowPart>();
  const id = freshId('purpose');
  let shown: readonly RowView[] = [];
  const all = checkbox('choose-all', (on) => acts.toggleAll(choosable(shown), on));
  const allText = h('span', {});
  const allLabel = h('label', { class: 'all' }, all, allText);
  const list = h('ul', { class: 'rows' });
  const title = h(
    `h${headingLevel + 1}` as 'h3',
    { id, part: 'purpose-title', class: 'purpose-title' },
    language.words.purpose(names.purpose(purpose)),
  );
  return {
    element: h(
      'div',
      { role: 'group', 'aria-labelledby': id, part: 'purpose', class: 'purpose' },
      h('div', { class: 'purpose-head' }, title, allLabel),
      list,
    ),
    update(view, state) {
      shown = view.rows;
      const left = choosable(shown);
      allText.textContent = language.words.chooseAll(left.length);
      all.checked = left.length > 0 && left.every(({ toggle }) => toggle === 'on');
      setAttribute(all, 'aria-describedby', id);
      show(allLabel, left.length > 1);
      for (const [key, part] of rows)
        if (!shown.some((row) => row.key === key)) {
          part.element.remove();
          rows.delete(key);
        }
      for (const row of shown) {
        const part = rows.get(row.key) ?? createRow(context, row);
        if (!rows.has(row.key)) list.append(part.element);
        rows.set(row.key, part);
        part.update(row, state);
      }
    },
  };
}

/** Of these nothing is allowed yet. */
function choosable(rows: readonly RowView[]): RowView[] {
  return rows.filter(({ groups }) => groups.every(({ used }) => !used));
}
