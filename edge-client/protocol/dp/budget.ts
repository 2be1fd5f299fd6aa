/**
 * One participant's privacy budget in one task. A task allows `trainings` participations of a trainer, or `evaluations` of a held-out
 * twin, whose block is scaled so that as many cost the same (`planGrid`). Counts are compared with caps in whole numbers, so no
 * two parties can come to different answers.
 *
 * Who keeps one: the coordinator and every helper per participant, and each client of its own twins. It is written down, durably, before
 * the report leaves or the sum is answered for. A crash in between leaves a participation counted that may never have been opened: the
 * budget errs on the side of the person. Counting the same round again changes nothing, so recovery simply repeats what it was doing.
 */
import { roundRho, zcdpEpsilon } from './accounting.ts';
import { ProtocolError } from '../problem.ts';

export type BudgetRole = 'train' | 'evaluate';

/** The caps of a task; 0: that role is not in it. */
export interface BudgetCaps {
  trainings: number;
  evaluations: number;
}

/** What was spent. Rounds of a task are counted upwards; the last one counted is kept so that it is never counted twice. */
export interface Budget {
  readonly trainings: number;
  readonly evaluations: number;
  readonly last: { readonly round: number; readonly role: BudgetRole } | null;
}

export type BudgetRefusal = 'budget-spent' | 'role-not-planned' | 'earlier-round' | 'two-roles';

export type BudgetVerdict =
  { allowed: true; budget: Budget } | { allowed: false; reason: BudgetRefusal; words: string };

export const UNSPENT: Budget = { trainings: 0, evaluations: 0, last: null };

/** Products of two caps are exact up to here. */
const LARGEST_CAP = 1e7;

/** May it take part in this round? With the answer comes the budget as it then stands, to be stored before anything is sent. */
export function spend(budget: Budget, caps: BudgetCaps, round: number, role: BudgetRole): BudgetVerdict {
  const { last } = budget;
  if (last?.round === round && last.role === role) return { allowed: true, budget };
  if (last?.round === round)
    return refuse('two-roles', `It already takes part in round ${round}, in the other role.`);
  if (last !== null && round < last.round)
    return refuse(
      'earlier-round',
      `It has taken part in round ${last.round}, which came after round ${round}.`,
    );
  const cap = role === 'train' ? caps.trainings : caps.evaluations;
  if (cap === 0)
    return refuse('role-not-planned', `The task plans no ${role === 'train' ? 'training' : 'evaluation'}.`);
  const spent = {
    trainings: budget.trainings + (role === 'train' ? 1 : 0),
    evaluations: budget.evaluations + (role === 'evaluate' ? 1 : 0),
    last: { round, role },
  };
  return within(spent, caps)
    ? { allowed: true, budget: spent }
    : refuse('budget-spent', spentWords(budget, caps));
}

/** How many more rounds it may take part in, in one role only. */
export function remainingRounds(budget: Budget, caps: BudgetCaps): BudgetCaps {
  if (!within(budget, caps)) return { trainings: 0, evaluations: 0 };
  const { trainings: t, evaluations: e } = caps;
  return {
    trainings: t === 0 ? 0 : e === 0 ? t - budget.trainings : Math.floor((t * e - cost(budget, caps)) / e),
    evaluations:
      e === 0 ? 0 : t === 0 ? e - budget.evaluations : Math.floor((t * e - cost(budget, caps)) / t),
  };
}

/** The epsilon spent so far, at the task's delta: what is shown to the person. */
export function epsilonSpent(
  budget: Budget,
  caps: BudgetCaps,
  { noiseMultiplier, delta }: { noiseMultiplier: number; delta: number },
): number {
  const trainingsWorth = caps.evaluations === 0 ? budget.trainings : cost(budget, caps) / caps.evaluations;
  return zcdpEpsilon(trainingsWorth * roundRho(noiseMultiplier), delta);
}

/** A share t/T of the trainings and e/E of the evaluations are together at most the whole: t E + e T <= T E. */
function within(budget: Budget, caps: BudgetCaps): boolean {
  for (const cap of [caps.trainings, caps.evaluations])
    if (!Number.isInteger(cap) || cap < 0 || cap > LARGEST_CAP)
      throw new ProtocolError('protocol/privacy', `no participation cap: ${cap}`);
  if (caps.evaluations === 0) return budget.evaluations === 0 && budget.trainings <= caps.trainings;
  if (caps.trainings === 0) return budget.trainings === 0 && budget.evaluations <= caps.evaluations;
  return cost(budget, caps) <= caps.trainings * caps.evaluations;
}

function cost(budget: Budget, caps: BudgetCaps): number {
  return budget.trainings * caps.evaluations + budget.evaluations * caps.trainings;
}

function refuse(reason: BudgetRefusal, words: string): BudgetVerdict {
  return { allowed: false, reason, words };
}

function spentWords({ trainings, evaluations }: Budget, caps: BudgetCaps): string {
  const parts: string[] = [];
  if (trainings > 0 || evaluations === 0) parts.push(`${trainings} of at most ${caps.trainings} trainings`);
  if (evaluations > 0) parts.push(`${evaluations} of at most ${caps.evaluations} evaluations`);
  return `Its privacy budget for this task is spent: ${parts.join(' and ')}.`;
}
