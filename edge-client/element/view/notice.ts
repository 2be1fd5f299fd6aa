/** The notice that every answer names by version and hash: first words in sight, the rest one step away, the full text by its address. */
import { h } from './dom.ts';
import type { Context } from './context.ts';

export function createNotice({ texts, notice, language: { words } }: Context): HTMLElement {
  const [first, ...rest] = texts.notice?.paragraphs ?? [];
  const href = safeHref(texts.notice?.href ?? notice.uri);
  const paragraph = (text: string): HTMLElement => h('p', {}, text);
  // The notice is in its own language, whatever that of the element.
  const shown = h(
    'div',
    { lang: notice.lang, part: 'notice-text' },
    ...(first === undefined ? [] : [paragraph(first)]),
  );
  const more = h(
    'details',
    {},
    h('summary', {}, words.notice.rest),
    h('div', { lang: notice.lang }, ...rest.map(paragraph)),
  );
  const source = h('p', { class: 'what' }, words.notice.version(notice.version));
  if (href !== null)
    source.append(
      ' · ',
      h('a', { href, part: 'notice-link', target: '_blank', rel: 'noopener' }, words.notice.read),
    );
  return h('div', { part: 'notice', class: 'notice' }, shown, ...(rest.length === 0 ? [] : [more]), source);
}

/** An address of the web or of the page itself, never a script. */
function safeHref(href: string | undefined): string | null {
  if (href === undefined || !URL.canParse(href, document.baseURI)) return null;
  return ['http:', 'https:'].includes(new URL(href, document.baseURI).protocol) ? href : null;
}
