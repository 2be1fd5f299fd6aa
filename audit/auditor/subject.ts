/** What the replayed rounds say of one customer. */
import type { Histories } from './consents.ts';
import type { Replayed } from './gate.ts';
import type { ReplayedRound } from './rounds.ts';
import { showsAbsence } from './reports.ts';
import type { Checklist, SubjectInRound } from './verdict.ts';

/** @param isAsked whether the pack has to say so of every round, also of those without the customer */
export function findSubject(
  subject: string,
  { parts: { config, set }, reports, decisions }: ReplayedRound,
  histories: Histories,
  isAsked: boolean,
  checks: Checklist,
): SubjectInRound {
  const found: SubjectInRound = {
    rcHash: config.hash,
    round: config.statement.body.round,
    at: set.at,
    size: set.statement.body.consent.size,
    part: 'absent',
    allowed: null,
    reason: null,
    events: [],
  };
  const own = findReport(subject, reports, decisions);
  if (own !== null) {
    const { decision, denial, isFirm } = own.replayed;
    const ids = new Set(decision.cells.flatMap(({ events }) => events));
    found.part = own.isInSet ? 'in-set' : 'dropped';
    found.allowed = denial === null || !isFirm;
    found.reason = denial ?? decision.reason;
    found.events = (histories.get(subject)?.events ?? [])
      .filter(({ id, index }) => ids.has(id) && index < found.size)
      .map(({ id, index, event, receivedAt }) => ({
        id,
        index,
        at: new Date(receivedAt).toISOString(),
        notice: `${event.notice.id} version ${event.notice.version}`,
      }));
    if (own.isInSet || !isAsked) return found;
  }
  // Left out in one report, a customer might still stand in another, which is then the one to be kept back.
  const silent = reports.filter(
    (report) => report.contribution.disposition === 'in-set' && !showsAbsence(report, subject),
  );
  for (const { where } of silent)
    checks.leaveOpen(
      'members',
      where,
      'it is not shown that this customer is not in it: those beside them, or its reporter, were erased',
    );
  return silent.length === 0 ? found : { ...found, part: 'unknown' };
}

interface OwnReport {
  isInSet: boolean;
  replayed: Replayed;
}

function findReport(
  subject: string,
  reports: ReplayedRound['reports'],
  decisions: ReplayedRound['decisions'],
): OwnReport | null {
  const all = reports.flatMap((report) =>
    [...report.members].flatMap(([place, member]) => {
      const replayed = member === subject ? decisions.get(report)?.get(place) : undefined;
      return replayed === undefined
        ? []
        : [{ isInSet: report.contribution.disposition === 'in-set', replayed }];
    }),
  );
  return all.find(({ isInSet }) => isInSet) ?? all[0] ?? null;
}
