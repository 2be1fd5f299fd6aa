/**
 * Which reports a round opens together. Pure, so that an auditor with the same candidates gets the same set.
 *
 * A report is dropped whole, never in part: its sum cannot be taken apart. What was dropped is not replaced in the same round, because a
 * second masked report of one subject beside the first would let the two be subtracted.
 */
import { dropReasonOf, type DropReason, type GateDenial } from '@twinkeep/protocol';

export interface Candidate {
  headerHash: string;
  twins: number;
  /** A helper that judged every report refused it. */
  refused: boolean;
  /** Why a twin in it may not contribute at the size of the log that the set commit names; null where every one may. */
  denied: GateDenial | null;
}

export interface ChosenSet {
  members: Candidate[];
  /** Twins in the members. */
  twins: number;
  dropped: { candidate: Candidate; reason: DropReason }[];
}

/**
 * @param candidates in order of arrival: where the head-room of the fixed-point grid ends, the later reports stay out
 */
export function chooseSet(candidates: readonly Candidate[], maxTwins: number): ChosenSet {
  const chosen: ChosenSet = { members: [], twins: 0, dropped: [] };
  for (const candidate of candidates) {
    const reason = dropReason(candidate, maxTwins - chosen.twins);
    if (reason !== null) {
      chosen.dropped.push({ candidate, reason });
      continue;
    }
    chosen.members.push(candidate);
    chosen.twins += candidate.twins;
  }
  return chosen;
}

function dropReason({ refused, denied, twins }: Candidate, room: number): DropReason | null {
  if (refused) return 'helper-refused';
  if (denied !== null) return dropReasonOf(denied);
  return twins > room ? 'head-room' : null;
}

/** How many were dropped for each reason that occurred, as set commit and result say it. */
export function countDropped(dropped: ChosenSet['dropped']): { reason: DropReason; count: number }[] {
  const counts = new Map<DropReason, number>();
  for (const { reason } of dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => (a.reason < b.reason ? -1 : 1));
}
