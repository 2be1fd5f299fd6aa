import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';

import type { ConsentNotice } from './event.ts';

// A notice is named by the hash of its text, so that what somebody agreed to can be shown years later and cannot have been
// another text. Whoever keeps the texts keeps them under that name.

/** `sha-256:<base64url>` of the UTF-8 text, to the letter. */
export function noticeHash(text: string): string {
  return `sha-256:${bytesToBase64Url(sha256(utf8ToBytes(text)))}`;
}

export interface NoticeStore {
  /** Null where no text of this hash was ever put in. */
  read(notice: ConsentNotice): string | null;
  /** Is this the text that the notice names? */
  verify(notice: ConsentNotice, text: string): boolean;
}

/** Over texts that may come from anywhere: each is found by what it says, not by what it is called. */
export function createNoticeStore(texts: Iterable<string>): NoticeStore {
  const byHash = new Map([...texts].map((text) => [noticeHash(text), text]));
  return {
    read: ({ hash }) => byHash.get(hash) ?? null,
    verify: ({ hash }, text) => noticeHash(text) === hash,
  };
}

/** A version of a notice that may be agreed to now, in one language. */
export type NoticeInForce = Pick<ConsentNotice, 'id' | 'version' | 'lang' | 'hash'>;

/** A yes is to the text that is in force, to the letter. Where none of that id was published, nobody can say which one is. */
export function isNoticeInForce(notice: ConsentNotice, inForce: readonly NoticeInForce[]): boolean {
  const published = inForce.filter(({ id }) => id === notice.id);
  return (
    published.length === 0 ||
    published.some(
      ({ version, lang, hash }) => version === notice.version && lang === notice.lang && hash === notice.hash,
    )
  );
}
