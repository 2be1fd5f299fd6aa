import {
  epsilonFor,
  epsilonSpent,
  noiseMultiplierFor,
  remainingRounds,
  spend,
  UNSPENT,
  type Budget,
  type BudgetCaps,
  type BudgetRole,
  type BudgetVerdict,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const role = fc.constantFrom<BudgetRole>('train', 'evaluate');
const caps = fc.record({
  trainings: fc.integer({ min: 0, max: 40 }),
  evaluations: fc.integer({ min: 0, max: 40 }),
});

function allowed(verdict: BudgetVerdict): Budget {
  if (!verdict.allowed) throw new Error(verdict.words);
  return verdict.budget;
}

const reason = (verdict: BudgetVerdict): string => (verdict.allowed ? 'allowed' : verdict.reason);

/** Takes part in every round from `from` on until it may not, in one role. */
function exhaust(
  start: Budget,
  limits: BudgetCaps,
  from: number,
  as: BudgetRole,
): { budget: Budget; rounds: number } {
  let budget = start;
  for (let rounds = 0; ; rounds++) {
    const verdict = spend(budget, limits, from + rounds, as);
    if (!verdict.allowed) return { budget, rounds };
    budget = verdict.budget;
  }
}

describe('a privacy budget', () => {
  it('allows as many trainings as the task says, or as many evaluations, and not one more', () => {
    const limits = { trainings: 5, evaluations: 3 };
    for (const [as, most] of [
      ['train', 5],
      ['evaluate', 3],
    ] as const) {
      const { budget, rounds } = exhaust(UNSPENT, limits, 1, as);
      expect(rounds).toBe(most);
      expect(reason(spend(budget, limits, 99, 'train'))).toBe('budget-spent');
      expect(reason(spend(budget, limits, 99, 'evaluate'))).toBe('budget-spent');
    }
  });

  it('never spends more than the whole over any history, counted in rationals', () => {
    fc.assert(
      fc.property(
        caps,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), role), { maxLength: 150 }),
        (limits, history) => {
          let budget = UNSPENT;
          const taken = new Map<number, BudgetRole>();
          for (const [round, as] of history) {
            const verdict = spend(budget, limits, round, as);
            if (!verdict.allowed) continue;
            budget = verdict.budget;
            expect(taken.get(round) ?? as).toBe(as);
            taken.set(round, as);
          }
          const count = (as: BudgetRole): number => [...taken.values()].filter((role) => role === as).length;
          // Every round that was allowed is counted, once.
          expect([budget.trainings, budget.evaluations]).toEqual([count('train'), count('evaluate')]);
          const share = (spent: number, cap: number): [bigint, bigint] =>
            cap === 0 ? [BigInt(spent) * 1_000n, 1n] : [BigInt(spent), BigInt(cap)];
          const [t, tCap] = share(budget.trainings, limits.trainings);
          const [e, eCap] = share(budget.evaluations, limits.evaluations);
          expect(t * eCap + e * tCap <= tCap * eCap).toBe(true);
        },
      ),
    );
  });

  it('says how much is left, and that much is left', () => {
    fc.assert(
      fc.property(caps, fc.array(role, { maxLength: 60 }), (limits, roles) => {
        let budget = UNSPENT;
        roles.forEach((as, i) => {
          const verdict = spend(budget, limits, i + 1, as);
          if (verdict.allowed) budget = verdict.budget;
        });
        const left = remainingRounds(budget, limits);
        expect(exhaust(budget, limits, 100, 'train').rounds).toBe(left.trainings);
        expect(exhaust(budget, limits, 100, 'evaluate').rounds).toBe(left.evaluations);
      }),
    );
  });

  it('counts a round once, however often it is asked after a crash, and never a round before it', () => {
    const limits = { trainings: 2, evaluations: 0 };
    const once = allowed(spend(UNSPENT, limits, 7, 'train'));
    expect(allowed(spend(once, limits, 7, 'train'))).toEqual(once);
    expect(reason(spend(once, limits, 7, 'evaluate'))).toBe('two-roles');
    expect(reason(spend(once, limits, 6, 'train'))).toBe('earlier-round');
    const twice = allowed(spend(once, limits, 9, 'train'));
    // Spent, and still the round that was counted last may be finished.
    expect(allowed(spend(twice, limits, 9, 'train'))).toEqual(twice);
    expect(reason(spend(twice, limits, 10, 'train'))).toBe('budget-spent');
    expect(UNSPENT).toEqual({ trainings: 0, evaluations: 0, last: null });
  });

  it('has no part for a role that the task does not plan', () => {
    expect(reason(spend(UNSPENT, { trainings: 3, evaluations: 0 }, 1, 'evaluate'))).toBe('role-not-planned');
    expect(reason(spend(UNSPENT, { trainings: 0, evaluations: 3 }, 1, 'train'))).toBe('role-not-planned');
  });

  it('says in words why not', () => {
    const limits = { trainings: 2, evaluations: 4 };
    const words = (verdict: BudgetVerdict): string => (verdict.allowed ? '' : verdict.words);
    const spent = exhaust(UNSPENT, limits, 1, 'train').budget;
    expect(words(spend(spent, limits, 9, 'train'))).toBe(
      'Its privacy budget for this task is spent: 2 of at most 2 trainings.',
    );
    const mixed = exhaust(allowed(spend(UNSPENT, limits, 1, 'train')), limits, 2, 'evaluate').budget;
    expect(words(spend(mixed, limits, 9, 'evaluate'))).toBe(
      'Its privacy budget for this task is spent: 1 of at most 2 trainings and 2 of at most 4 evaluations.',
    );
    expect(words(spend(spent, limits, 1, 'train'))).toContain('round 2');
    expect(words(spend(UNSPENT, { trainings: 1, evaluations: 0 }, 1, 'evaluate'))).toContain('no evaluation');
  });

  it('is worth the epsilon that the task claims when it is spent, whichever way, and less before', () => {
    const claim = { epsilon: 4, delta: 1e-5, participations: 12 };
    const privacy = { noiseMultiplier: noiseMultiplierFor(claim), delta: claim.delta };
    const limits = { trainings: 12, evaluations: 30 };
    const shown: number[] = [epsilonSpent(UNSPENT, limits, privacy)];
    let budget = UNSPENT;
    for (let round = 1; round <= 12; round++) {
      budget = allowed(spend(budget, limits, round, 'train'));
      shown.push(epsilonSpent(budget, limits, privacy));
    }
    expect(shown[0]).toBe(0);
    shown.slice(1).forEach((value, i) => {
      expect(value).toBeGreaterThan(shown[i]!);
      expect(value).toBeCloseTo(epsilonFor({ ...privacy, participations: i + 1 }), 12);
    });
    expect(shown.at(-1)).toBeLessThanOrEqual(claim.epsilon);
    expect(shown.at(-1)).toBeCloseTo(claim.epsilon, 4);
    const evaluated = exhaust(UNSPENT, limits, 1, 'evaluate').budget;
    expect(epsilonSpent(evaluated, limits, privacy)).toBeCloseTo(shown.at(-1)!, 12);
    const onlyTrains = { trainings: 12, evaluations: 0 };
    expect(epsilonSpent(exhaust(UNSPENT, onlyTrains, 1, 'train').budget, onlyTrains, privacy)).toBeCloseTo(
      shown.at(-1)!,
      12,
    );
  });

  it.each([-1, 1.5, Number.NaN, 1e8])('has no cap of %d', (cap) => {
    for (const limits of [
      { trainings: cap, evaluations: 1 },
      { trainings: 1, evaluations: cap },
    ])
      expect(() => spend(UNSPENT, limits, 1, 'train')).toThrowError(
        expect.objectContaining({ code: 'protocol/privacy' }),
      );
  });

  it('is exact at the largest caps', () => {
    const limits = { trainings: 1e7, evaluations: 1e7 - 1 };
    const near: Budget = { trainings: 1e7 - 1, evaluations: 0, last: null };
    expect(remainingRounds(near, limits)).toEqual({ trainings: 1, evaluations: 0 });
    expect(reason(spend(near, limits, 1, 'evaluate'))).toBe('budget-spent');
    expect(reason(spend(near, limits, 1, 'train'))).toBe('allowed');
  });
});
