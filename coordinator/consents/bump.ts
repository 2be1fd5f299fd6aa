/**
 * Carrying a material change of a notice into the consents of everybody who agreed to an older text: their yes is over (`stale_notice`) until they
 * are asked again. A few subjects at a time, each batch in one transaction with the place it has come to, so that a crash repeats or
 * loses nothing; any number of processes share the work.
 */
import {
  listCells,
  PERMITTING_STATUSES,
  type Category,
  type ConsentEvent,
  type ConsentNotice,
  type ConsentState,
  type NamedCell,
  type Operation,
} from '@twinkeep/consent';
import type { OfficerRequest } from '@twinkeep/protocol';
import { startLoop, type Loop } from '../loop.ts';
import { readEventsOf, readSubjectsAfter } from '../store/consents.ts';
import { leaseBump, moveBump, type StoredNotice } from '../store/notices.ts';
import type { Tx } from '../store/schema.ts';
import type { EventToMake } from './admit.ts';
import { logConsents } from './append.ts';
import { bodyToEvent } from './ledger.ts';
import type { OfficerDeps } from './officers.ts';

const SUBJECTS_AT_ONCE = 100;
/** As many as one event may hold. */
const MOST_LINES = 28;

/** @returns whether there may be more to do */
export function carryBump(deps: OfficerDeps): Promise<boolean> {
  return deps.runTx('notice-bump', async (tx) => {
    const notice = await leaseBump(tx);
    if (notice === null) return false;
    await deps.journal.lock(tx);
    const subjects = await readSubjectsAfter(tx, notice.bump_after ?? '', SUBJECTS_AT_ONCE);
    const submissions = await bumpsFor(tx, deps, notice, subjects);
    for (const settled of await logConsents(tx, deps, submissions, deps.clock()))
      if (!settled.ok) throw settled.error;
    const isDone = subjects.length < SUBJECTS_AT_ONCE;
    await moveBump(tx, notice.hash, isDone ? null : (subjects.at(-1) as string));
    return true;
  });
}

async function bumpsFor(
  tx: Tx,
  { ledger, vault, voice }: OfficerDeps,
  stored: StoredNotice,
  subjects: readonly string[],
): Promise<EventToMake[]> {
  const consents = await ledger.read(tx, subjects);
  const events = new Map(
    (await readEventsOf(tx, vault, subjects)).map(({ id, body }) => [id, bodyToEvent(body)]),
  );
  const { hash, id, version, lang, proposed_by: actor, approved_by } = stored;
  const notice: ConsentNotice = { id, version, lang, hash };
  return subjects.flatMap((subject) => {
    const { state } = consents.get(subject) as { state: ConsentState };
    return staleLines(state, events, notice).map((cells) =>
      voice.say(tx, subject, {
        type: 'notice_bump',
        cells,
        evidence: [{ kind: 'notice', value: hash }],
        members: { notice },
        method: 'notice',
        actor,
        approver: approved_by as string,
      }),
    );
  });
}

/** The cells that a yes to an older text of the notice keeps open, in lots of as many as one event holds. */
function staleLines(
  state: ConsentState,
  events: ReadonlyMap<string, ConsentEvent>,
  notice: ConsentNotice,
): NonNullable<OfficerRequest['cells']>[] {
  const isStale = ({ cell }: NamedCell): boolean =>
    PERMITTING_STATUSES.has(cell.status) &&
    cell.entries.some(({ event }) => {
      const agreed = events.get(event)?.notice;
      return agreed?.id === notice.id && agreed.lang === notice.lang && agreed.hash !== notice.hash;
    });
  const operations = new Map<string, { category: Category; purpose: string; operations: Operation[] }>();
  for (const { category, purpose, operation } of listCells(state).filter(isStale)) {
    const line = operations.get(`${category} ${purpose}`) ?? { category, purpose, operations: [] };
    operations.set(`${category} ${purpose}`, line);
    line.operations.push(operation);
  }
  const lines = [...operations.values()].map(({ category, ...line }) => ({
    ...line,
    categories: [category],
  }));
  return Array.from({ length: Math.ceil(lines.length / MOST_LINES) }, (_, i) =>
    lines.slice(i * MOST_LINES, (i + 1) * MOST_LINES),
  );
}

/** How late a change may begin to be carried on. */
const LOOK_MILLIS = 1_000;

export function startBumping(deps: OfficerDeps, onError: (what: string, error: unknown) => void): Loop {
  return startLoop(async () => {
    const isMore = await carryBump(deps).catch((error: unknown) => {
      onError('notice-bump', error);
      return false;
    });
    return isMore ? 0 : LOOK_MILLIS;
  });
}
