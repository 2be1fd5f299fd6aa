/** The consents of the visitor, with their receipts and the way out: the element that any web app can take, in this app's words. */
import type { JSX } from 'preact';
import { NOTICE_TEXT } from '../notice.ts';
import type { Visit } from '../visit.ts';
import { CATEGORY_WORDS } from '../words.ts';

export function Consents({ visit }: { visit: Visit }): JSX.Element {
  const show = (place: HTMLElement | null): void => {
    if (place?.hasChildNodes() === false) place.append(ask(visit));
  };
  return <div ref={show} />;
}

function ask({ twin, consents, erased }: Visit): HTMLElement {
  const element = document.createElement('twinkeep-consent');
  element.setAttribute('heading-level', '3');
  element.texts = {
    controller: 'Demo Mobile',
    notice: { paragraphs: NOTICE_TEXT },
    categories: CATEGORY_WORDS,
  };
  element.twin = twin;
  element.addEventListener('twinkeep-consent-change', ({ detail }) => {
    if (detail.kind === 'erase') erased(detail.erasure);
    else if (detail.kind === 'grant') void consents.allowed(detail.categories);
  });
  return element;
}
