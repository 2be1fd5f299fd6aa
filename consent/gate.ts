import type { ConsentQuestion, Decision } from './decide.ts';
import { decide } from './decide.ts';
import type { ConsentState } from './state.ts';

/** One question about one state: the same answer as `decide`, at the cost of two comparisons for as long as time changes nothing. */
export type Gate = (at: number) => Decision;

export function compileGate(question: ConsentQuestion, state: ConsentState): Gate {
  let from = Number.NaN;
  let until = Number.NaN;
  let decision: Decision;
  return (at) => {
    // NaN compares false with everything, so the first question is decided, and so is one about no time at all.
    if (!(at >= from && at < until)) {
      decision = decide(question, state, at);
      from = at;
      until = decision.validUntil ?? Infinity;
    }
    return decision;
  };
}
