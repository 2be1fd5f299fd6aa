import { ProblemError } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  proposedState,
  step,
  type RoundEffect,
  type RoundInput,
  type RoundRules,
  type RoundState,
} from '../../../coordinator/rounds/machine.ts';

/** (4, 1) with quorum 3: for each helper a set without it, held by the three others, of whom two must agree. */
const RULES: RoundRules = {
  nMin: 2,
  nTarget: 4,
  m: 4,
  c: 1,
  q: 3,
  cosignBy: 500,
  closeAt: 1_000,
  revealDeadline: 3_000,
  ackWindow: 1_000,
  revealWindow: 1_000,
  holders: [1, 2, 3, 4].map((absent) => [1, 2, 3, 4].filter((j) => j !== absent)),
};
const FINAL = ['sealed', 'abandoned'];

type Command =
  | Exclude<RoundInput, { kind: 'set-fixed' | 'set-too-small' | 'sum-opened' | 'sum-refused' | 'sums' }>
  | { kind: 'sums'; j: number; lie: boolean }
  | { kind: 'wait'; milliseconds: number }
  | { kind: 'restart' };

const helper = fc.integer({ min: 1, max: 4 });
const cosignature = fc.record({ kind: fc.constant('cosignature' as const), j: helper });
const COSIGNED: Command[] = [1, 2, 4].map((j) => ({ kind: 'cosignature', j }));
const report = fc.record({ kind: fc.constant('report' as const), twins: fc.integer({ min: 1, max: 500 }) });
const verdicts = fc.record({
  kind: fc.constant('verdicts' as const),
  j: helper,
  count: fc.integer({ min: 0, max: 4 }),
});
const ready = fc.record({ kind: fc.constant('ready' as const), j: helper });
const sums = fc.record({
  kind: fc.constant('sums' as const),
  j: helper,
  lie: fc.constantFrom(false, false, false, true),
});
const any: fc.Arbitrary<Command> = fc.oneof(
  cosignature,
  report,
  verdicts,
  ready,
  sums,
  fc.constant({ kind: 'tick' as const }),
  fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 900 }) }),
  fc.constant({ kind: 'restart' as const }),
);
const often = fc.constantFrom(true, true, false);
const maybe = (...given: Command[]): fc.Arbitrary<Command[]> => fc.constantFrom([], given);
/** Anything at any time, and in between what a round needs to come further. */
const commands: fc.Arbitrary<Command[]> = fc
  .tuple(
    fc.array(cosignature, { maxLength: 2 }),
    fc.constantFrom(COSIGNED, COSIGNED, COSIGNED, []),
    maybe({ kind: 'wait', milliseconds: 500 }, { kind: 'tick' }),
    fc.array(any, { maxLength: 3 }),
    fc.array(report, { maxLength: 5 }),
    fc.array(any, { maxLength: 3 }),
    maybe({ kind: 'wait', milliseconds: 1_000 }, { kind: 'tick' }),
    fc.array(verdicts, { maxLength: 10 }),
    maybe(...[1, 2, 3, 4].map((j) => ({ kind: 'verdicts' as const, j, count: 9 }))),
    fc.array(any, { maxLength: 3 }),
    fc.array(fc.oneof(ready, sums), { maxLength: 6 }),
    maybe(...[4, 2, 3].map((j) => ({ kind: 'sums' as const, j, lie: false }))),
    maybe({ kind: 'wait', milliseconds: 1_000 }, { kind: 'tick' }),
    fc.array(any, { maxLength: 8 }),
  )
  .map((parts) => parts.flat());

/** What the service would have done so far, and what must hold of it. */
interface Trace {
  state: RoundState;
  now: number;
  phases: string[];
  sets: { responding: number[]; reports: number; judged: number[] }[];
  opened: string[][];
  published: { cosigned: number[] }[];
  ends: number;
}

/** What the service finds when it opens a set: the answers to `fix-set` and `open-sum`. */
interface Answers {
  setHolds: boolean;
  /** Whether the true sums make a sum. What has a lie in it never does. */
  sumHolds: boolean;
}

/** Runs one input as `drive` does: effects are done at once and answered, and only the state at the end is kept. */
function feed(trace: Trace, input: RoundInput, answers: Answers): void {
  const inputs = [input];
  let state = trace.state;
  const effects: RoundEffect[] = [];
  for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
    const before = JSON.stringify(state);
    const result = step(RULES, state, next, trace.now);
    expect(JSON.stringify(state)).toBe(before);
    state = result.state;
    for (const effect of result.effects) {
      effects.push(effect);
      if (effect.kind === 'fix-set') {
        trace.sets.push({ responding: effect.responding, reports: state.reports, judged: state.judged });
        inputs.push({ kind: answers.setHolds ? 'set-fixed' : 'set-too-small' });
      }
      if (effect.kind === 'publish-config') trace.published.push({ cosigned: state.cosigned });
      if (effect.kind === 'open-sum') {
        const sums = effect.candidates.filter((each) => each.every((hash) => !hash.startsWith('lie')));
        expect(sums.length).toBeLessThanOrEqual(1);
        const [hashes] = answers.sumHolds ? sums : [];
        if (hashes !== undefined) trace.opened.push(hashes);
        inputs.push(
          hashes === undefined
            ? { kind: 'sum-refused', reason: 'sum-out-of-range' }
            : { kind: 'sum-opened', hashes },
        );
      }
      if (effect.kind === 'end') trace.ends++;
    }
  }
  if (state.phase !== trace.state.phase) trace.phases.push(state.phase);
  trace.state = state;
}

function play(commands: readonly Command[], answers: Answers): Trace {
  const trace: Trace = {
    state: proposedState(RULES, 0),
    now: 0,
    phases: [],
    sets: [],
    opened: [],
    published: [],
    ends: 0,
  };
  for (const each of commands) {
    if (each.kind === 'wait') trace.now += each.milliseconds;
    else if (each.kind === 'restart') trace.state = JSON.parse(JSON.stringify(trace.state)) as RoundState;
    else tryFeed(trace, commandToInput(each, trace.state), answers);
    checkState(trace);
  }
  return trace;
}

/** A refused input leaves the state as it was. */
function tryFeed(trace: Trace, input: RoundInput, answers: Answers): void {
  const before = structuredClone({ ...trace });
  try {
    feed(trace, input, answers);
  } catch (error) {
    expect(error).toBeInstanceOf(ProblemError);
    expect(trace).toEqual(before);
  }
}

/** A helper sends what it holds: the true hash, or one of its own making. It cannot judge more reports than there are. */
function commandToInput(each: Exclude<Command, { kind: 'wait' | 'restart' }>, state: RoundState): RoundInput {
  if (each.kind === 'verdicts') {
    const left = state.reports - (state.judged[each.j - 1] as number);
    return { ...each, count: Math.min(each.count, left) };
  }
  if (each.kind !== 'sums') return each;
  const sets = [0, 1, 2, 3].filter((set) => set !== each.j - 1);
  return {
    kind: 'sums',
    j: each.j,
    hashes: sets.map((set) => ({ set, hash: each.lie ? `lie of ${each.j} on ${set}` : `true ${set}` })),
  };
}

function checkState({ state, phases, sets, opened, published, ends, now }: Trace): void {
  expect(sets.length).toBeLessThanOrEqual(1);
  expect(opened.length).toBeLessThanOrEqual(1);
  expect(ends).toBe(FINAL.includes(state.phase) ? 1 : 0);
  expect(state.dueAt === null).toBe(FINAL.includes(state.phase));
  if (state.dueAt !== null) expect(state.dueAt).toBeLessThanOrEqual(Math.max(RULES.revealDeadline, now));
  expect(phases.filter((phase) => FINAL.includes(phase)).length).toBeLessThanOrEqual(1);
  expect(state.reports).toBeLessThanOrEqual(RULES.nTarget);
  expect(state.judged.every((count) => count <= state.reports)).toBe(true);
  expect((state.reason !== null) === (state.phase === 'abandoned')).toBe(true);
  // The configuration is logged once, when the helpers have signed it or the round is given up, and nothing is taken before.
  expect(published.length).toBe(state.phase === 'proposed' ? 0 : 1);
  if (state.phase !== 'proposed' && state.phase !== 'abandoned')
    expect(published[0]!.cosigned.length).toBeGreaterThanOrEqual(RULES.q);
  if (state.reports > 0) expect(published[0]!.cosigned.length).toBe(RULES.q);
  if (state.disputed.length > 0) expect(state.phase).toBe('sealed');
  // Nothing is revealed below the floor, nor without a quorum that has judged everything.
  for (const { responding, reports, judged } of sets) {
    expect(reports).toBeGreaterThanOrEqual(RULES.nMin);
    expect(responding.length).toBeGreaterThanOrEqual(RULES.q);
    expect(responding.every((j) => judged[j - 1] === reports)).toBe(true);
  }
  if (opened.length > 0) expect(sets.length).toBe(1);
}

describe('the round machine', () => {
  it('holds its invariants whatever comes in whatever order, and over any restart', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(commands, often, often, (given, setHolds, sumHolds) => {
        const { state } = play(given, { setHolds, sumHolds });
        seen.set(`${state.phase} ${state.reason}`, (seen.get(`${state.phase} ${state.reason}`) ?? 0) + 1);
      }),
      { numRuns: 1_000 },
    );
    // A property over runs that never get anywhere would say nothing: all ends were seen.
    const ends = [...seen.keys()].sort();
    for (const end of [
      'sealed null',
      'abandoned too-few-reports',
      'abandoned too-few-helpers',
      'abandoned sum-out-of-range',
      'abandoned helpers-silent',
      'abandoned sums-disagree',
    ])
      expect(ends).toContain(end);
  });

  it('never opens what a lying helper gave, seals whenever the honest are enough, and names the liar', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
        fc.constantFrom(1, 2, 3, 4),
        (order, liar) => {
          const trace = play(
            [...untilRevealing(), ...order.map((j) => ({ kind: 'sums' as const, j, lie: j === liar }))],
            { setHolds: true, sumHolds: true },
          );
          for (const hashes of trace.opened) expect(hashes).toEqual(['true 0', 'true 1', 'true 2', 'true 3']);
          if (order.filter((j) => j !== liar).length < 3) return;
          expect(trace.state.phase).toBe('sealed');
          const answered = trace.state.sums.some(({ j }) => j === liar);
          expect(trace.state.disputed).toEqual(answered ? [liar] : []);
        },
      ),
    );
  });

  it('opens at the last deadline what two honest helpers hold together, or one honest and one liar do not', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([1, 2, 3, 4], { minLength: 2, maxLength: 2 }),
        fc.boolean(),
        (two, lie) => {
          const { state } = play(
            [
              ...untilRevealing(),
              ...two.map((j, i) => ({ kind: 'sums' as const, j, lie: lie && i === 0 })),
              { kind: 'wait', milliseconds: 900 },
              { kind: 'wait', milliseconds: 100 },
              { kind: 'tick' },
            ],
            { setHolds: true, sumHolds: true },
          );
          if (lie) expect(state).toMatchObject({ phase: 'abandoned', reason: 'sums-disagree' });
          else expect(state).toMatchObject({ phase: 'sealed', disputed: [] });
        },
      ),
    );
  });

  it('is the same after any restart as without one', () => {
    fc.assert(
      fc.property(commands, fc.nat(40), (given, at) => {
        const answers = { setHolds: true, sumHolds: true };
        const whole = given.filter(({ kind }) => kind !== 'restart');
        const broken: Command[] = [...whole.slice(0, at), { kind: 'restart' }, ...whole.slice(at)];
        expect(play(broken, answers).state).toEqual(play(whole, answers).state);
      }),
    );
  });
});

function untilRevealing(): Command[] {
  return [
    ...COSIGNED,
    { kind: 'report', twins: 1 },
    { kind: 'report', twins: 1 },
    { kind: 'wait', milliseconds: 1_000 },
    { kind: 'tick' },
    ...[1, 2, 3, 4].map((j) => ({ kind: 'verdicts' as const, j, count: 2 })),
  ];
}

describe('the paths of a round', () => {
  const answers = { setHolds: true, sumHolds: true };
  const propose = (...commands: Command[]): RoundState => play(commands, answers).state;
  const run = (...commands: Command[]): RoundState => propose(...COSIGNED, ...commands);
  const report: Command = { kind: 'report', twins: 2 };
  const tick: Command = { kind: 'tick' };
  const wait = (milliseconds: number): Command => ({ kind: 'wait', milliseconds });
  const verdicts = (j: number, count: number): Command => ({ kind: 'verdicts', j, count });
  const sums = (j: number, lie: boolean = false): Command => ({ kind: 'sums', j, lie });

  it('is shown to nobody before q helpers have signed it, and to devices from the q-th signature on', () => {
    const two = propose(...COSIGNED.slice(0, 2), ...COSIGNED.slice(0, 1));
    expect(two).toMatchObject({ phase: 'proposed', cosigned: [1, 2], dueAt: 500 });
    expect(() => step(RULES, two, { kind: 'report', twins: 1 }, 1)).toThrow(ProblemError);
    const third = step(RULES, two, { kind: 'cosignature', j: 4 }, 400);
    expect(third).toMatchObject({
      state: { phase: 'collecting', cosigned: [1, 2, 4], dueAt: 1_000 },
      effects: [{ kind: 'publish-config' }],
    });
    expect(() => step(RULES, third.state, { kind: 'cosignature', j: 3 }, 400)).toThrow(ProblemError);
    expect(step(RULES, third.state, { kind: 'cosignature', j: 1 }, 400)).toEqual({
      state: third.state,
      effects: [],
    });
  });

  it('is logged and abandoned where too few have signed in time', () => {
    const two = propose(...COSIGNED.slice(0, 2));
    expect(step(RULES, two, { kind: 'tick' }, 499)).toEqual({ state: two, effects: [] });
    expect(step(RULES, two, { kind: 'tick' }, 500)).toMatchObject({
      state: { phase: 'abandoned', reason: 'too-few-helpers', dueAt: null },
      effects: [{ kind: 'publish-config' }, { kind: 'end' }],
    });
  });

  it('closes at its target before the deadline, and takes no report more', () => {
    const state = run(report, report, report, report);
    expect(state).toMatchObject({ phase: 'acking', reports: 4, twins: 8, closedAt: 0, dueAt: 1_000 });
    expect(() => step(RULES, state, { kind: 'report', twins: 1 }, 1)).toThrow(ProblemError);
  });

  it('takes no report at or after the deadline, even before anyone noticed it', () => {
    const state = run(report);
    expect(() => step(RULES, state, { kind: 'report', twins: 1 }, 1_000)).toThrow(ProblemError);
    expect(step(RULES, state, { kind: 'report', twins: 1 }, 999).state.reports).toBe(2);
  });

  it('is abandoned at the deadline below the floor', () => {
    expect(run(report, wait(999), tick).phase).toBe('collecting');
    expect(run(report, wait(999), wait(1), tick)).toMatchObject({
      phase: 'abandoned',
      reason: 'too-few-reports',
    });
  });

  it('fixes the set as soon as every helper has judged every report, with verdicts given early', () => {
    const early = run(report, report, report, ...[1, 2, 3, 4].map((j) => verdicts(j, 3)), report);
    expect(early.phase).toBe('acking');
    expect(run(report, report, report, report, ...[1, 2, 3, 4].map((j) => verdicts(j, 4)))).toMatchObject({
      phase: 'revealing',
      responding: [1, 2, 3, 4],
    });
  });

  it('wakes a helper again that has judged some of the reports and not all', () => {
    const closed = run(report, report, report, report);
    const some = step(RULES, closed, { kind: 'verdicts', j: 2, count: 3 }, 10);
    expect(some.effects).toEqual([{ kind: 'wake-helpers' }]);
    expect(step(RULES, some.state, { kind: 'verdicts', j: 2, count: 1 }, 20).effects).toEqual([]);
  });

  it('goes on without a helper that is silent at the deadline, and not without two', () => {
    const three = [1, 2, 4].map((j) => verdicts(j, 4));
    const waited = [wait(999), wait(1), tick];
    expect(run(report, report, report, report, ...three, wait(999), tick).phase).toBe('acking');
    expect(run(report, report, report, report, ...three, ...waited)).toMatchObject({
      phase: 'revealing',
      responding: [1, 2, 4],
    });
    expect(run(report, report, report, report, ...three.slice(1), ...waited)).toMatchObject({
      phase: 'abandoned',
      reason: 'too-few-helpers',
    });
  });

  it('takes no sums of a helper that had not judged the set', () => {
    const three = [1, 2, 4].map((j) => verdicts(j, 4));
    const fixed = run(report, report, report, report, ...three, wait(999), wait(1), tick);
    const input = commandToInput({ kind: 'sums', j: 3, lie: false }, fixed);
    expect(() => step(RULES, fixed, input, 1_100)).toThrow(ProblemError);
  });

  it('opens with three of four, is abandoned where sums disagree or stay away', () => {
    const run = propose;
    expect(run(...untilRevealing(), sums(1), sums(2)).phase).toBe('revealing');
    expect(run(...untilRevealing(), sums(1), sums(2), sums(3)).phase).toBe('sealed');
    expect(run(...untilRevealing(), sums(1, true), sums(2, true), sums(3, true), sums(4))).toMatchObject({
      phase: 'abandoned',
      reason: 'sums-disagree',
    });
    expect(run(...untilRevealing(), sums(1), wait(999), wait(1), tick)).toMatchObject({
      reason: 'helpers-silent',
    });
    expect(run(...untilRevealing(), sums(1), sums(2, true), wait(999), wait(1), tick)).toMatchObject({
      reason: 'sums-disagree',
    });
  });

  it('takes the same sums again, and refuses others', () => {
    const state = propose(...untilRevealing(), sums(1));
    const same = commandToInput({ kind: 'sums', j: 1, lie: false }, state);
    expect(step(RULES, state, same, 1_500)).toEqual({ state, effects: [] });
    const other = commandToInput({ kind: 'sums', j: 1, lie: true }, state);
    expect(() => step(RULES, state, other, 1_500)).toThrow(/said something else/);
    const sealed = propose(...untilRevealing(), sums(1), sums(2), sums(3));
    expect(step(RULES, sealed, same, 1_500)).toEqual({ state: sealed, effects: [] });
  });

  it('leaves a round that outlived its last deadline to be abandoned, not opened late', () => {
    const late = propose(
      ...untilRevealing().slice(0, 5),
      wait(5_000),
      tick,
      ...[1, 2, 3, 4].map((j) => verdicts(j, 2)),
      tick,
    );
    expect(late).toMatchObject({ phase: 'abandoned', reason: 'helpers-silent' });
  });
});
