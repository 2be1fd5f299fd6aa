/** What was signed here, newest first, each to download. */
import { sayCategories } from '../names.ts';
import { button, h, setText, show } from './dom.ts';
import type { ConsentReceiptView } from '../../twin/types.ts';
import type { Context, Part } from './context.ts';

export function createReceipts(context: Context): Part {
  const { receipts: words } = context.language.words;
  const summary = h('summary', {});
  const none = h('p', { class: 'what' }, words.none);
  const list = h('ul', { class: 'receipts' });
  const lines = new Map<string, Line>();
  return {
    element: h('details', { part: 'receipts', class: 'section' }, summary, none, list),
    update({ receipts }) {
      setText(summary, words.title(receipts.length));
      show(none, receipts.length === 0);
      for (const receipt of receipts) {
        const line = lines.get(receipt.id) ?? createLine(context, receipt);
        if (!lines.has(receipt.id)) list.prepend(line.element);
        lines.set(receipt.id, line);
        line.update(receipt);
      }
    },
  };
}

interface Line {
  element: HTMLElement;
  update(receipt: ConsentReceiptView): void;
}

function createLine({ acts, language, names }: Context, first: ConsentReceiptView): Line {
  const { receipts: words } = language.words;
  const { event, id } = first;
  const type = words.events[event.event.type] ?? words.otherEvent;
  const named = sayCategories(
    event.grants.map(({ category, operations }) => ({ categories: [category], operations })),
    names,
    language,
  );
  // Events of the person as a whole, such as a new key, name no category.
  const what = named === '' ? type : `${type}: ${named}`;
  const when = language.moment(event.event.at);
  const place = h('span', {});
  let receipt = first;
  const download = button('download', words.download, () => acts.download(receipt));
  download.setAttribute('aria-label', words.downloadOf(what, when));
  return {
    element: h(
      'li',
      { part: 'receipt', class: 'receipt', 'data-id': id },
      h(
        'span',
        { class: 'row-text' },
        h('span', { class: 'name' }, what),
        h('span', { class: 'what' }, `${when}, `, place),
      ),
      download,
    ),
    update(now) {
      receipt = now;
      const index = now.receipt?.index;
      setText(place, index === undefined ? words.waiting : words.entry(language.number(index)));
    },
  };
}
