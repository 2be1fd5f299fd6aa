/**
 * `<twinkeep-consent>`: a person's consents towards a host app, to give, refuse and take back, with receipts, export and erasure.
 *
 *     import '@twinkeep/edge-client/consent-element';
 *     const element = document.querySelector('twinkeep-consent');
 *     element.texts = { controller: 'Example Bank', notice: { href: '/privacy/twin' } };
 *     element.twin = await createTwin(options);
 *
 * Importing it registers the element. It sends nothing and keeps nothing itself: whatever it does, it asks of the twin.
 */
import { TwinkeepConsentElement } from './element.ts';
import type { ConsentElementEvents } from './types.ts';

export type { TwinkeepConsentElement };
export type * from './types.ts';

declare global {
  interface HTMLElementTagNameMap {
    'twinkeep-consent': TwinkeepConsentElement;
  }
  interface HTMLElementEventMap {
    'twinkeep-consent-change': CustomEvent<ConsentElementEvents['twinkeep-consent-change']>;
    'twinkeep-consent-error': CustomEvent<ConsentElementEvents['twinkeep-consent-error']>;
  }
}

// Two bundles in one page, or one script twice: the first has it.
if (customElements.get('twinkeep-consent') === undefined)
  customElements.define('twinkeep-consent', TwinkeepConsentElement);
