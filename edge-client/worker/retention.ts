/** What is kept no longer than it may be: events past their retention, and all of a category whose consent has run out. Once a day. */
import { CATEGORIES, cellStatusAt, listCells, type ConsentState } from '@twinkeep/consent';
import { mayCollect } from '../admit.ts';
import { refoldTwin } from '../record.ts';
import { readConsents, recordDeps, type Capture } from './home.ts';

const DAY = 86_400_000;

/** @returns a function to be called whenever the twin does something; it acts at the first call of a day */
export function createRetention(home: Capture): () => Promise<void> {
  let lastDay = -1;
  return async () => {
    const today = Math.floor(home.platform.clock() / DAY);
    if (today === lastDay) return;
    lastDay = today;
    await home.store.expireEvents(today);
    const { signed } = await readConsents(home);
    if (hasLapsed(home, signed)) await refoldTwin(recordDeps(home), home.settings.subject);
  };
}

/** Is there a category that was allowed to be collected, for a time that is over, and is not now? */
function hasLapsed({ settings, platform, tasks }: Capture, state: ConsentState): boolean {
  const now = platform.clock();
  const ended = listCells(state).filter(
    ({ operation, cell }) => operation === 'collect' && cellStatusAt(cell, now) === 'expired',
  );
  return CATEGORIES.some(
    (category) =>
      ended.some((named) => named.category === category) &&
      !mayCollect(category, settings.subject, state, tasks.policy(), now),
  );
}
