/** What the visitor is told before being asked. Its hash stands in every consent event, so the text cannot be changed afterwards. */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import type { ConsentNotice } from '@twinkeep/consent';

/** Paragraphs, as shown. */
export const NOTICE_TEXT: readonly string[] = [
  'This app would like to keep a digital twin of you, in this browser and nowhere else. It learns from what you do here how likely it is that you leave within three months, so that you can be made a better offer in time.',
  'Your twin may take in signals of the kinds that you allow, guess from them, learn from them, lend its share of a masked sum to the training of a common model, and let this app act on its guess. Only your answers here, signed, and masked numbers leave this browser; nobody can read your share of a sum.',
  'You can say no to each kind, and take back a yes at any time, as easily as you gave it. Without your yes to the first three kinds the twin can neither guess nor learn. Nothing else in this app depends on your answers.',
];

export const NOTICE: ConsentNotice = {
  id: 'demo-customer-page',
  version: '1',
  lang: 'en',
  hash: `sha-256:${bytesToBase64Url(sha256(utf8ToBytes(NOTICE_TEXT.join('\n\n'))))}`,
};
