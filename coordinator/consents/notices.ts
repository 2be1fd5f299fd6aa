/**
 * Notices: the texts that consents are given to, named by their hash. One version of each notice and language is in force, and a yes to any other
 * is refused. The first version takes one officer; every later one takes two, because how much it changes is what decides whether
 * everybody is asked again. A deployment that publishes none is one whose notices the coordinator cannot know: it logs what events name.
 */
import { noticeHash } from '@twinkeep/consent';
import {
  ProblemError,
  type Credential,
  type NoticePublication,
  type PublishedNotice,
} from '@twinkeep/protocol';
import {
  findNotice,
  findNoticeInForce,
  insertNotice,
  putIntoForce,
  type StoredNotice,
} from '../store/notices.ts';
import type { Db } from '../store/schema.ts';
import type { RunTx } from '../store/tx.ts';

export interface Notices {
  /** Again, the same answer. @throws ProblemError 'notice/invalid', or 'notice/conflict' where the version has another text, or does not follow */
  publish(officer: Credential, hash: string, publication: NoticePublication): Promise<PublishedNotice>;
  /** @throws ProblemError 'notice/unknown', or 'consent/officers' for the one who proposed it */
  approve(officer: Credential, hash: string): Promise<PublishedNotice>;
  /** @throws ProblemError 'notice/unknown' */
  read(hash: string): Promise<PublishedNotice>;
}

export function createNotices({ db, runTx, clock }: { db: Db; runTx: RunTx; clock: () => number }): Notices {
  const read = async (hash: string): Promise<PublishedNotice> => {
    const stored = await findNotice(db, hash);
    if (stored === null) throw new ProblemError('notice/unknown');
    return toPublished(stored);
  };

  return {
    read,
    publish: async (officer, hash, publication) => {
      if (hash !== noticeHash(publication.text))
        throw new ProblemError('notice/invalid', 'the address is not the hash of the text');
      const { id, lang, change } = publication;
      await runTx('notice', async (tx) => {
        const before = await findNotice(tx, hash);
        if (before !== null) {
          if (!isSame(toPublished(before), publication)) throw new ProblemError('notice/conflict');
          return;
        }
        const isFirst = (await findNoticeInForce(tx, id, lang)) === null;
        if (isFirst !== (change === 'first')) throw new ProblemError('notice/conflict', 'change');
        if (!(await insertNotice(tx, hash, publication, officer, isFirst ? clock() : null)))
          throw new ProblemError('notice/conflict');
      });
      return read(hash);
    },
    approve: async ({ sub, jkt }, hash) => {
      await runTx('notice', async (tx) => {
        const stored = await findNotice(tx, hash);
        if (stored === null) throw new ProblemError('notice/unknown');
        if (stored.published_at !== null) return;
        if (sub === stored.proposed_by || jkt === stored.proposed_jkt)
          throw new ProblemError('consent/officers');
        await putIntoForce(tx, stored, sub, clock());
      });
      return read(hash);
    },
  };
}

function isSame(stored: PublishedNotice, publication: NoticePublication): boolean {
  return (['id', 'version', 'lang', 'text', 'change'] as const).every(
    (member) => stored[member] === publication[member],
  );
}

function toPublished(stored: StoredNotice): PublishedNotice {
  const { hash, id, version, lang, body, change, in_force, published_at } = stored;
  const state = in_force ? 'in-force' : published_at === null ? 'proposed' : 'past';
  return { hash, id, version, lang, text: body, change, state };
}
