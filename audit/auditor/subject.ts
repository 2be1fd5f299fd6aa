/** What the replayed rounds say of one customer. */
import type { Histories } from './consents.ts';
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
  for (const report of reports) {
    for (const [place, member] of report.members) {
      if (member !== subject) continue;
      const replayed = decisions.get(report)?.get(place);
      if (replayed === undefined) continue;
      const { decision, isFirm } = replayed;
      const ids = new Set(decision.cells.flatMap(({ events }) => events));
      return {
        ...found,
        part: report.contribution.disposition === 'in-set' ? 'in-set' : 'dropped',
        allowed: decision.allow || !isFirm,
        reason: decision.reason,
        events: (histories.get(subject)?.events ?? [])
          .filter(({ id, index }) => ids.has(id) && index < found.size)
          .map(({ id, index, event, receivedAt }) => ({
            id,
            index,
            at: new Date(receivedAt).toISOString(),
            notice: `${event.notice.id} version ${event.notice.version}`,
          })),
      };
    }
  }
  if (!isAsked) return { ...found, part: 'unknown' };
  const silent = reports.filter(
    (report) => report.contribution.disposition === 'in-set' && !showsAbsence(report, subject),
  );
  for (const { where } of silent)
    checks.leaveOpen(
      'members',
      where,
      'it is not shown that this customer is not in it: those beside them were erased',
    );
  return { ...found, part: silent.length === 0 ? 'absent' : 'unknown' };
}
