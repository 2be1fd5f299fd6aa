/**
 * The life of one round as a pure function: what was, what happened, what time it is -> what is now and what has to be done.
 *
 *     proposed -> collecting -> acking -> revealing -> sealed
 *          \           \           \          \----> abandoned      (sealed and abandoned are final)
 *           \-----------\-----------\--------------> abandoned
 *
 * The service does what the effects say in the very transaction that stores the new state, and feeds the outcome back as an input, so
 * nothing is ever half done: a process that dies leaves the state before the input or the one after all its effects.
 *
 * Who controls what: devices cause `report`, helpers `cosignature`, `verdicts`, `ready` and `sums`, time causes `tick`. All were
 * authenticated and checked against the round before they come here; that a helper lies is expected, and what `sums` and the votes on
 * them are for.
 */
import { ProblemError, type AbandonReason, type RoundPhase } from '@twinkeep/protocol';
import { dissenters, explainSums, openVotes, type GivenSums, type SumHash } from './votes.ts';

/** What a round's configuration fixes. Times in milliseconds since 1970, windows in milliseconds. */
export interface RoundRules {
  nMin: number;
  nTarget: number;
  /** Helpers are numbered 1..m. */
  m: number;
  /** Most helpers that may be corrupt. */
  c: number;
  /** Fewest helpers that must have signed the configuration, and then judged every report. */
  q: number;
  /** Until when the helpers can sign. */
  cosignBy: number;
  closeAt: number;
  /** Nothing of the round happens after it. */
  revealDeadline: number;
  ackWindow: number;
  revealWindow: number;
  /** By set index: who can give the sum of its masks. */
  holders: readonly (readonly number[])[];
}

/** Plain data: it is stored as JSON after every step. */
export interface RoundState {
  phase: RoundPhase;
  /** When `tick` will have something to do; null once ended. */
  dueAt: number | null;
  /** Helpers that have signed the configuration. */
  cosigned: number[];
  reports: number;
  twins: number;
  /** By helper number - 1: on how many reports it gave a verdict. */
  judged: number[];
  /** Helpers that had judged every report when the set was fixed. */
  responding: number[];
  readies: number[];
  sums: GivenSums[];
  /** Helpers whose sums were not those that opened the set. */
  disputed: number[];
  reason: AbandonReason | null;
  openedAt: number;
  closedAt: number | null;
  fixedAt: number | null;
  endedAt: number | null;
}

export type RoundInput =
  | { kind: 'cosignature'; j: number }
  | { kind: 'report'; twins: number }
  | { kind: 'verdicts'; j: number; count: number }
  | { kind: 'ready'; j: number }
  | { kind: 'sums'; j: number; hashes: SumHash[] }
  | { kind: 'tick' }
  /** Outcomes of effects. */
  | { kind: 'set-fixed' }
  | { kind: 'set-too-small' }
  | { kind: 'sum-opened'; hashes: readonly string[] }
  | { kind: 'sum-refused'; reason: 'sums-disagree' | 'sum-out-of-range' };

export type RoundEffect =
  /** Log the configuration with the signatures that are there. */
  | { kind: 'publish-config' }
  /** Read consent, choose the reports, sign and log the set. Outcome: `set-fixed` or `set-too-small`. */
  | { kind: 'fix-set'; responding: number[] }
  /** Subtract sums of masks, by set index: of these candidates the only one that makes a sum. Outcome: `sum-opened` or `sum-refused`. */
  | { kind: 'open-sum'; candidates: string[][] }
  /** Sign and log the result, scrub, move the task on. */
  | { kind: 'end' }
  | { kind: 'wake-helpers' };

export interface RoundStep {
  state: RoundState;
  effects: RoundEffect[];
}

/** Helpers judge in batches while reports come in, and are woken for the rest at the close. */
const REPORTS_PER_WAKE = 64;

export function proposedState(rules: RoundRules, now: number): RoundState {
  return {
    phase: 'proposed',
    dueAt: rules.cosignBy,
    cosigned: [],
    reports: 0,
    twins: 0,
    judged: Array.from({ length: rules.m }, () => 0),
    responding: [],
    readies: [],
    sums: [],
    disputed: [],
    reason: null,
    openedAt: now,
    closedAt: null,
    fixedAt: null,
    endedAt: null,
  };
}

/**
 * @throws ProblemError 'round/closed' where the phase takes no such input, 'helper/conflict' where a helper says something else than
 *   before; the state is then as it was. What was said before in the same words changes nothing, in any phase.
 */
export function step(rules: RoundRules, state: RoundState, input: RoundInput, now: number): RoundStep {
  switch (input.kind) {
    case 'cosignature':
      return takeCosignature(rules, state, input.j);
    case 'report':
      return takeReport(rules, state, input.twins, now);
    case 'verdicts':
      return takeVerdicts(rules, state, input);
    case 'ready':
      return takeReady(rules, state, input.j);
    case 'sums':
      return takeSums(rules, state, input, now);
    case 'tick':
      return tick(rules, state, now);
    case 'set-fixed':
      requirePhase(state, 'acking');
      return {
        state: {
          ...state,
          phase: 'revealing',
          fixedAt: now,
          dueAt: Math.min(now + rules.revealWindow, rules.revealDeadline),
        },
        effects: [{ kind: 'wake-helpers' }],
      };
    case 'set-too-small':
      requirePhase(state, 'acking');
      return abandon(state, 'too-few-reports', now);
    case 'sum-opened':
      requirePhase(state, 'revealing');
      return {
        state: {
          ...state,
          phase: 'sealed',
          disputed: dissenters(state.sums, input.hashes),
          dueAt: null,
          endedAt: now,
        },
        effects: [{ kind: 'end' }],
      };
    case 'sum-refused':
      requirePhase(state, 'revealing');
      return abandon(state, input.reason, now);
  }
}

/** What q of them have signed goes to the log and then to the devices; who signs later is not waited for. */
function takeCosignature(rules: RoundRules, state: RoundState, j: number): RoundStep {
  if (state.cosigned.includes(j)) return { state, effects: [] };
  requirePhase(state, 'proposed');
  const next = { ...state, cosigned: [...state.cosigned, j] };
  if (next.cosigned.length < rules.q) return { state: next, effects: [] };
  return {
    state: { ...next, phase: 'collecting', dueAt: rules.closeAt },
    effects: [{ kind: 'publish-config' }],
  };
}

function takeReport(rules: RoundRules, state: RoundState, twins: number, now: number): RoundStep {
  requirePhase(state, 'collecting');
  if (now < state.openedAt || now >= rules.closeAt) throw new ProblemError('round/closed');
  const next = { ...state, reports: state.reports + 1, twins: state.twins + twins };
  if (next.reports >= rules.nTarget) return close(rules, next, now);
  return { state: next, effects: next.reports % REPORTS_PER_WAKE === 0 ? [{ kind: 'wake-helpers' }] : [] };
}

function takeVerdicts(
  rules: RoundRules,
  state: RoundState,
  { j, count }: { j: number; count: number },
): RoundStep {
  if (count === 0) return { state, effects: [] };
  requirePhase(state, 'collecting', 'acking');
  const judged = state.judged.map((before, i) => (i === j - 1 ? before + count : before));
  const next = { ...state, judged };
  // A helper is given so many reports at a time; who has judged those and not all comes back for the rest.
  if (state.phase === 'acking' && (judged[j - 1] as number) < state.reports)
    return { state: next, effects: [{ kind: 'wake-helpers' }] };
  return fixIfJudged(rules, next);
}

function takeReady(rules: RoundRules, state: RoundState, j: number): RoundStep {
  if (state.readies.includes(j)) return { state, effects: [] };
  requirePhase(state, 'revealing');
  const readies = [...state.readies, j];
  // Fewer than q readies are of no use to anyone: helpers are left asleep until there are enough.
  return {
    state: { ...state, readies },
    effects: readies.length >= rules.q ? [{ kind: 'wake-helpers' }] : [],
  };
}

function takeSums(
  rules: RoundRules,
  state: RoundState,
  { j, hashes }: { j: number; hashes: SumHash[] },
  now: number,
): RoundStep {
  const before = state.sums.find((given) => given.j === j);
  if (before !== undefined) {
    if (!sameHashes(before.hashes, hashes)) throw new ProblemError('helper/conflict');
    return { state, effects: [] };
  }
  requirePhase(state, 'revealing');
  // It holds not all seeds of the set.
  if (!state.responding.includes(j)) throw new ProblemError('round/closed', 'the set was fixed without it');
  const next = { ...state, sums: [...state.sums, { j, hashes }] };
  const winners = openVotes(next.sums, votesOf(rules, next));
  if (winners !== null) return { state: next, effects: [{ kind: 'open-sum', candidates: [winners] }] };
  const all = next.responding.every((asked) => next.sums.some((given) => given.j === asked));
  return all ? resolve(rules, next, now) : { state: next, effects: [] };
}

/**
 * Fewer equal hashes than c + 1 could all come from corrupt helpers; of c + 1 equal ones, one is from an honest one. Where fewer holders
 * than that have judged the set, all of them must say the same.
 */
function votesOf({ holders, c }: RoundRules, { responding }: RoundState): number[] {
  return holders.map((of) => Math.min(c + 1, of.filter((j) => responding.includes(j)).length));
}

/** Nobody is waited for any more: whatever at most c liars can explain is tried. */
function resolve({ holders, c }: RoundRules, state: RoundState, now: number): RoundStep {
  const candidates = explainSums(state.sums, holders.length, c);
  if (candidates.length > 0) return { state, effects: [{ kind: 'open-sum', candidates }] };
  const silent = holders.some((of) => !state.sums.some(({ j }) => of.includes(j)));
  return abandon(state, silent ? 'helpers-silent' : 'sums-disagree', now);
}

function tick(rules: RoundRules, state: RoundState, now: number): RoundStep {
  if (state.dueAt === null || now < state.dueAt) return { state, effects: [] };
  switch (state.phase) {
    case 'proposed': {
      // In the log all the same, so that whoever signed it, or saw it, finds what became of it.
      const { state: next, effects } = abandon(state, 'too-few-helpers', now);
      return { state: next, effects: [{ kind: 'publish-config' }, ...effects] };
    }
    case 'collecting':
      return close(rules, state, now);
    case 'acking': {
      const responding = helpersThatJudgedAll(state);
      if (responding.length < rules.q) return abandon(state, 'too-few-helpers', now);
      return { state: { ...state, responding }, effects: [{ kind: 'fix-set', responding }] };
    }
    case 'revealing':
      return resolve(rules, state, now);
    case 'sealed':
    case 'abandoned':
      return { state, effects: [] };
  }
}

function close(rules: RoundRules, state: RoundState, now: number): RoundStep {
  if (state.reports < rules.nMin) return abandon(state, 'too-few-reports', now);
  const closed: RoundState = {
    ...state,
    phase: 'acking',
    closedAt: now,
    dueAt: Math.min(now + rules.ackWindow, rules.revealDeadline),
  };
  const { state: next, effects } = fixIfJudged(rules, closed);
  return { state: next, effects: [{ kind: 'wake-helpers' }, ...effects] };
}

/** Not before the close: a report that comes in later would have no verdicts. */
function fixIfJudged(rules: RoundRules, state: RoundState): RoundStep {
  const responding = helpersThatJudgedAll(state);
  if (state.phase !== 'acking' || responding.length < rules.m) return { state, effects: [] };
  return { state: { ...state, responding }, effects: [{ kind: 'fix-set', responding }] };
}

function helpersThatJudgedAll({ judged, reports }: RoundState): number[] {
  return judged.flatMap((count, i) => (count === reports ? [i + 1] : []));
}

function abandon(state: RoundState, reason: AbandonReason, now: number): RoundStep {
  return {
    state: { ...state, phase: 'abandoned', reason, dueAt: null, endedAt: now },
    effects: [{ kind: 'end' }],
  };
}

function sameHashes(a: readonly SumHash[], b: readonly SumHash[]): boolean {
  return a.length === b.length && a.every(({ set, hash }, i) => set === b[i]?.set && hash === b[i]?.hash);
}

function requirePhase(state: RoundState, ...phases: RoundPhase[]): void {
  if (!phases.includes(state.phase)) throw new ProblemError('round/closed');
}
