/**
 * The life of one round as a pure function: what was, what happened, what time it is -> what is now and what has to be done.
 *
 *     collecting -> acking -> revealing -> sealed
 *          \           \           \-----> abandoned      (sealed and abandoned are final)
 *           \           \----------------> abandoned
 *            \---------------------------> abandoned
 *
 * The service does what the effects say in the very transaction that stores the new state, and feeds the outcome back as an input, so
 * nothing is ever half done: a process that dies leaves the state before the input or the one after all its effects.
 *
 * Who controls what: devices cause `report`, helpers `verdicts`, `ready` and `sums`, time causes `tick`. All were authenticated and
 * checked against the round before they come here; that a helper lies is expected, and what `sums` and its votes are for.
 */
import { ProblemError, type AbandonReason, type RoundPhase } from '@twinkeep/protocol';

/** What a round's configuration fixes. Times in milliseconds since 1970, windows in milliseconds. */
export interface RoundRules {
  nMin: number;
  nTarget: number;
  /** Helpers are numbered 1..m. */
  m: number;
  /** Fewest helpers that must have judged every report. */
  q: number;
  closeAt: number;
  /** Nothing of the round happens after it. */
  revealDeadline: number;
  ackWindow: number;
  revealWindow: number;
  /** By set index: who can give the sum of its masks, and how many must give the same. */
  sets: readonly { holders: readonly number[]; votes: number }[];
}

export interface SumHash {
  set: number;
  hash: string;
}

/** Plain data: it is stored as JSON after every step. */
export interface RoundState {
  phase: RoundPhase;
  /** When `tick` will have something to do; null once ended. */
  dueAt: number | null;
  reports: number;
  twins: number;
  /** By helper number - 1: on how many reports it gave a verdict. */
  judged: number[];
  /** Helpers that had judged every report when the set was fixed. */
  responding: number[];
  readies: number[];
  sums: { j: number; hashes: SumHash[] }[];
  reason: AbandonReason | null;
  openedAt: number;
  closedAt: number | null;
  fixedAt: number | null;
  endedAt: number | null;
}

export type RoundInput =
  | { kind: 'report'; twins: number }
  | { kind: 'verdicts'; j: number; count: number }
  | { kind: 'ready'; j: number }
  | { kind: 'sums'; j: number; hashes: SumHash[] }
  | { kind: 'tick' }
  /** Outcomes of effects. */
  | { kind: 'set-fixed' }
  | { kind: 'set-too-small' }
  | { kind: 'sum-opened' }
  | { kind: 'sum-refused' };

export type RoundEffect =
  /** Read consent, choose the reports, sign and log the set. Outcome: `set-fixed` or `set-too-small`. */
  | { kind: 'fix-set'; responding: number[] }
  /** Subtract these sums of masks, by set index. Outcome: `sum-opened` or `sum-refused`. */
  | { kind: 'open-sum'; hashes: string[] }
  /** Sign and log the result, scrub, move the task on. */
  | { kind: 'end' }
  | { kind: 'wake-helpers' };

export interface RoundStep {
  state: RoundState;
  effects: RoundEffect[];
}

/** Helpers judge in batches while reports come in, and are woken for the rest at the close. */
const REPORTS_PER_WAKE = 64;

export function openState(rules: RoundRules, now: number): RoundState {
  return {
    phase: 'collecting',
    dueAt: rules.closeAt,
    reports: 0,
    twins: 0,
    judged: Array.from({ length: rules.m }, () => 0),
    responding: [],
    readies: [],
    sums: [],
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
      return { state: { ...state, phase: 'sealed', dueAt: null, endedAt: now }, effects: [{ kind: 'end' }] };
    case 'sum-refused':
      requirePhase(state, 'revealing');
      return abandon(state, 'sum-out-of-range', now);
  }
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
  const next = { ...state, sums: [...state.sums, { j, hashes }] };
  const tallies = rules.sets.map(({ holders, votes }, set) => tally(next, holders, votes, set));
  const winners = tallies.flatMap(({ winner }) => winner ?? []);
  if (winners.length === tallies.length)
    return { state: next, effects: [{ kind: 'open-sum', hashes: winners }] };
  if (tallies.some(({ decidable }) => !decidable)) return abandon(next, 'sums-disagree', now);
  return { state: next, effects: [] };
}

/** Fewer equal hashes than `votes` could all come from corrupt helpers: with c + 1 equal ones, one is from an honest one. */
function tally(
  state: RoundState,
  holders: readonly number[],
  votes: number,
  set: number,
): { winner: string | null; decidable: boolean } {
  const counts = new Map<string, number>();
  for (const { hashes } of state.sums) {
    for (const said of hashes) if (said.set === set) counts.set(said.hash, (counts.get(said.hash) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  const winner = [...counts].find(([, count]) => count >= votes)?.[0] ?? null;
  const missing = holders.filter((j) => !state.sums.some((given) => given.j === j)).length;
  return { winner, decidable: winner !== null || most + missing >= votes };
}

function tick(rules: RoundRules, state: RoundState, now: number): RoundStep {
  if (state.dueAt === null || now < state.dueAt) return { state, effects: [] };
  switch (state.phase) {
    case 'collecting':
      return close(rules, state, now);
    case 'acking': {
      const responding = helpersThatJudgedAll(state);
      if (responding.length < rules.q) return abandon(state, 'too-few-helpers', now);
      return { state: { ...state, responding }, effects: [{ kind: 'fix-set', responding }] };
    }
    case 'revealing': {
      const disagreed = rules.sets.some((_, set) => distinctHashes(state, set) > 1);
      return abandon(state, disagreed ? 'sums-disagree' : 'helpers-silent', now);
    }
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

function distinctHashes(state: RoundState, set: number): number {
  return new Set(
    state.sums.flatMap(({ hashes }) => hashes.filter((said) => said.set === set).map(({ hash }) => hash)),
  ).size;
}

function sameHashes(a: readonly SumHash[], b: readonly SumHash[]): boolean {
  return a.length === b.length && a.every(({ set, hash }, i) => set === b[i]?.set && hash === b[i]?.hash);
}

function requirePhase(state: RoundState, ...phases: RoundPhase[]): void {
  if (!phases.includes(state.phase)) throw new ProblemError('round/closed');
}
