/**
 * Heeding what others signed about this person: another device of theirs, whoever acts for them, the controller. Looked at on the start, when the
 * network is back, before each round, and every two minutes besides. Where the coordinator cannot be asked, the twin goes on with what it
 * knows; the coordinator's own gate knows the rest.
 *
 * As long as nobody has answered anything here and the twin takes part in nothing, nothing is asked: the pseudonym stays at home.
 */
import type { Inbox } from '../consent-inbox.ts';
import { refoldTwin } from '../record.ts';
import { viewReceipt } from './consenting.ts';
import { isErasing } from './erasure-mark.ts';
import { readTwin, recordDeps, type Home } from './home.ts';
import { readyParts } from './ready-parts.ts';
import { createQueue } from './restarts.ts';
import { troubleOf } from './trouble.ts';

export interface Heeding {
  /** Now, whatever is kept here. Never rejects. */
  heed(): Promise<void>;
  /** The same, if this person has answered anything here. */
  heedIfKnown(): Promise<void>;
}

export function createHeeding(home: Home, isOnline: () => boolean, stop: AbortSignal): Heeding {
  const { store, transport, settings, credentials, emit } = home;
  let inbox: Inbox | null = null;
  const inTurn = createQueue();

  const read = async (): Promise<void> => {
    // The last word in a chain says whether an erasure was begun; nothing comes after it.
    if (await isErasing((await readTwin(home)).consents, home.key)) return;
    await credentials.ensure();
    inbox ??= (await readyParts(home.platform)).createInbox({ store, transport, trust: settings.trust });
    const { added, leftOut } = await inbox.read(stop);
    if (leftOut > 0)
      emit('problem', {
        code: 'consents-left-out',
        why: 'The coordinator has consents about you that nobody here can vouch for; they do not count.',
        detail: `${leftOut} events`,
      });
    if (added.length === 0) return;
    // What was kept on the strength of a consent that is gone is gone with it; features must not speak of it either.
    await refoldTwin(recordDeps(home), settings.subject);
    const { consents } = await readTwin(home);
    for (const entry of consents.filter(({ id }) => added.some((each) => each.id === id))) {
      const { id, event, receipt } = viewReceipt(entry);
      emit('consent', { id, event, receipt });
    }
  };

  const heed = (): Promise<void> =>
    inTurn(async () => {
      if (stop.aborted || !isOnline()) return;
      await read().catch((error: unknown) => {
        const { reason, detail } = troubleOf(error);
        if (!stop.aborted)
          emit('problem', {
            code: reason,
            why: 'What others said of your consents could not be read.',
            detail,
          });
      });
    });

  return {
    heed,
    heedIfKnown: async () => {
      if ((await readTwin(home)).consents.length > 0) await heed();
    },
  };
}
