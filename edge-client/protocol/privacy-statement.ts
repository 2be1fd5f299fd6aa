/**
 * What a task protects, from whom, under whose honesty: one paragraph of plain words and one table, made from the task and the trust root
 * and from nothing else, so that it can promise no more than they do. Screens, command lines and documents print this and no words of their own.
 * What it claims is argued in docs/threat-model.md.
 */
import { epsilonFor } from './dp/accounting.ts';
import { helperFamily } from './family.ts';
import type { TaskSpec } from './task.ts';
import { operatorsOf, type Trust } from './trust.ts';

export interface PrivacyStatement {
  paragraph: string;
  rows: PrivacyRow[];
  /** What so many participations cost; empty without differential privacy. */
  spending: { participations: number; epsilon: number }[];
}

export interface PrivacyRow {
  /** What of a person. */
  what: string;
  held: boolean;
  /** From whom it is kept; where it is not, who learns it. */
  from: string;
  /** Whose honesty that rests on; where it is not kept, why. */
  rests: string;
}

export function describePrivacy(task: TaskSpec, trust: Trust): PrivacyStatement {
  const helpers = trust.helpers.slice(0, task.helpers.m);
  const facts: Facts = { task, trust, helpers, breakers: fewestToOpen(task, trust) };
  return {
    paragraph: [
      ...sentenceOnCounting(facts),
      sentenceOnReports(facts),
      sentenceOnSums(facts),
      sentenceOnLog(facts),
    ].join(' '),
    rows: [
      rowOnData(facts),
      rowOnReport(facts),
      rowOnSets(facts),
      rowOnSum(facts),
      rowOnLog(facts),
      rowOnTaking(facts),
    ],
    spending: spendingOf(task),
  };
}

interface Facts {
  task: TaskSpec;
  trust: Trust;
  helpers: Trust['helpers'];
  /** Fewest organisations, the coordinator's among them, that could open one report together. */
  breakers: string[];
}

/** The coordinator's operator, and as few others as run more than c helpers with it. */
function fewestToOpen({ helpers: { m, c } }: TaskSpec, trust: Trust): string[] {
  const own = trust.coordinator.operator;
  const numbers = new Map<string, number>();
  for (const { operator } of trust.helpers.slice(0, m))
    numbers.set(operator, (numbers.get(operator) ?? 0) + 1);
  const breakers = [own];
  let held = numbers.get(own) ?? 0;
  const others = [...numbers].filter(([operator]) => operator !== own).sort((a, b) => b[1] - a[1]);
  for (const [operator, count] of others) {
    if (held > c) break;
    breakers.push(operator);
    held += count;
  }
  return breakers;
}

/** What a task that counts is for. */
function sentenceOnCounting({ task }: Facts): string[] {
  if (task.model.kind !== 'marginals') return [];
  return [
    'Nothing is trained: it is counted how many people fall into the cells that the task declares, and from the sums alone invented ' +
      'people are drawn, none of whom stands for one of those counted.',
  ];
}

function sentenceOnReports({ task, trust, helpers, breakers }: Facts): string {
  const { c } = task.helpers;
  if (operatorsOf(trust).length === 1 || breakers.length === 1)
    return (
      `${trust.coordinator.operator} runs the coordinator and enough of the helpers to open a single report: ` +
      'the masks protect against a leaked database, and not against that operator.'
    );
  const names = list(unique(helpers.map(({ operator }) => operator)));
  return (
    `A device sends one masked report a round. To open a single one, the coordinator (${trust.coordinator.operator}) would have to ` +
    `work together with more than ${c} of the ${helpers.length} helpers (run by ${names}); without them it learns one sum over at least ` +
    `${task.floors.nMin} reports, even if it lies.`
  );
}

function sentenceOnSums({ task, breakers }: Facts): string {
  const { privacy } = task;
  if (privacy.mech === 'none')
    return (
      'The sums carry no noise: differential privacy is off, and what a sum, or the model made of it, reveals of one person is not ' +
      'bounded. This is confidentiality of single reports, not privacy of the model.'
    );
  return (
    `The helpers add noise to every sum before anyone ${breakers.length === 1 ? 'else ' : ''}can open it. ` +
    `Whoever ${breakers.length === 1 ? 'else ' : ''}sees every sum, every model and all other people’s data learns ` +
    `about one person at most epsilon ${privacy.epsilon} (delta ${privacy.delta}), over at most ${privacy.trainings} ` +
    `${plural(privacy.trainings, partOf(task))}; the device, the coordinator and each helper refuse one more.`
  );
}

/** What a participation is. */
function partOf({ model }: TaskSpec): string {
  return model.kind === 'marginals' ? 'count' : 'training';
}

function sentenceOnLog({ task, trust }: Facts): string {
  if (trust.witnesses === null)
    return (
      'No witness watches the log: the coordinator could show two people two different logs until they compare notes' +
      (task.helpers.mode === 'quorum' ? ', though it gets no two sums of one round.' : '.')
    );
  const { threshold, witnesses } = trust.witnesses;
  const names = list(unique(witnesses.map(({ operator }) => operator)));
  const own = ownWitnesses(trust);
  if (own >= overlap(trust.witnesses) && own > 0)
    return `Its witnesses are no check on ${trust.coordinator.operator}, who runs ${own} of the ${witnesses.length}: two people could be shown two logs.`;
  if (overlap(trust.witnesses) < 1)
    return (
      `The log is watched by ${witnesses.length} witnesses (run by ${names}), but ${threshold} of them suffice: ` +
      'two halves could have seen two different logs.'
    );
  return `Every step is in a public log of which ${threshold} of ${witnesses.length} witnesses (run by ${names}) have seen that nothing was taken back.`;
}

function rowOnData(_facts: Facts): PrivacyRow {
  return {
    what: 'Events, features and answers',
    held: true,
    from: 'everyone but the device or region node that keeps the twin',
    rests: 'the software on that device being the published one',
  };
}

function rowOnReport({ task, trust, helpers, breakers }: Facts): PrivacyRow {
  const { c } = task.helpers;
  const what = 'A single report';
  if (breakers.length === 1)
    return {
      what,
      held: false,
      from: `${trust.coordinator.operator} can open it`,
      rests:
        'one operator runs the coordinator and more than the tolerated number of helpers; a leaked database opens nothing',
    };
  return {
    what,
    held: true,
    from: `the coordinator together with any ${c} of the ${helpers.length} helpers, all other participants, the network`,
    rests: `${helpers.length - c} honest helpers; it takes ${list(breakers)} together to break it`,
  };
}

function rowOnSets({ task, trust, breakers }: Facts): PrivacyRow {
  const { m, c, q, mode } = task.helpers;
  const what = `Sums over fewer than ${task.floors.nMin} reports, or two different sets of one round`;
  if (breakers.length === 1)
    return {
      what,
      held: false,
      from: `${trust.coordinator.operator} can have them`,
      rests: 'its own helpers are enough to open anything',
    };
  if (mode === 'log') {
    const held = trust.witnesses !== null && overlap(trust.witnesses) > ownWitnesses(trust);
    return {
      what,
      held,
      from: held ? 'the coordinator' : 'the coordinator could log two sets of one round unseen',
      rests: held
        ? `the log being one, for which see below, and ${m - c} honest helpers`
        : 'log mode needs witnesses of which any two groups that suffice share one',
    };
  }
  return {
    what,
    held: true,
    from: 'the coordinator',
    rests: `${m - c} of ${m} helpers being honest: any two groups of ${q} share one (${2 * q - m} > ${c})`,
  };
}

function rowOnSum({ task, trust, breakers }: Facts): PrivacyRow {
  const what = 'What sums and models reveal of one person';
  const { privacy, helpers, floors } = task;
  if (privacy.mech === 'none')
    return {
      what,
      held: false,
      from: 'whoever sees the sums or the models may learn it',
      rests: `differential privacy is off; a sum has at least ${floors.nMin} reports`,
    };
  const whom = breakers.length === 1 ? `everyone but ${trust.coordinator.operator}` : 'everyone';
  const bound = `to epsilon ${privacy.epsilon} at delta ${privacy.delta}`;
  const { trainings: t, evaluations: e } = privacy;
  return {
    what,
    held: true,
    from:
      task.model.kind === 'marginals'
        ? `${whom}, ${bound}, for ${t} ${plural(t, partOf(task))}`
        : `${whom}, ${bound}, for ${t} ${plural(t, partOf(task))} or ${e} ${plural(e, 'evaluation')}`,
    rests: `at most ${helpers.c} helper working with the coordinator, and one honest reporter in the sum; ${helperFamily(helpers.m, helpers.c).length} noises are added, any one is enough`,
  };
}

function rowOnLog({ trust }: Facts): PrivacyRow {
  const what = 'That everyone is shown the same rules, sets and results';
  if (trust.witnesses === null)
    return {
      what,
      held: false,
      from: 'the coordinator could show different logs to different people',
      rests: 'no witness is configured; each device still refuses a log that goes back on what it saw itself',
    };
  const { threshold, witnesses } = trust.witnesses;
  const [shared, own] = [overlap(trust.witnesses), ownWitnesses(trust)];
  if (shared <= own)
    return {
      what,
      held: false,
      from: 'the coordinator could show different logs to different people',
      rests:
        shared < 1
          ? `${threshold} of ${witnesses.length} witnesses suffice, so two groups of them need not share one`
          : `${trust.coordinator.operator} runs ${own} of the ${witnesses.length} witnesses, and ${shared} signing two logs would do`,
    };
  const liars = shared - own;
  return {
    what,
    held: true,
    from: 'the coordinator',
    rests:
      liars === 1
        ? `no ${own === 0 ? 'witness' : 'other witness'} signing two logs: any two groups of ${threshold} of ${witnesses.length} share one`
        : `fewer than ${liars} of the other ${witnesses.length - own} witnesses signing two logs`,
  };
}

/** Witnesses that would have to sign both of two logs: any two groups of `threshold` share so many. */
function overlap({ threshold, witnesses }: NonNullable<Trust['witnesses']>): number {
  return 2 * threshold - witnesses.length;
}

/** Witnesses that the operator of the coordinator runs, and that are no check on it. */
function ownWitnesses({ coordinator, witnesses }: Trust): number {
  return (witnesses?.witnesses ?? []).filter(({ operator }) => operator === coordinator.operator).length;
}

function rowOnTaking(_facts: Facts): PrivacyRow {
  return {
    what: 'That, and when, a device took part',
    held: false,
    from: 'the coordinator and the helpers see its pseudonym',
    rests: 'the issuer of credentials alone knows who that is',
  };
}

function spendingOf({ privacy }: TaskSpec): PrivacyStatement['spending'] {
  if (privacy.mech === 'none') return [];
  const { noiseMultiplier, delta, trainings } = privacy;
  return unique([1, Math.ceil(trainings / 4), Math.ceil(trainings / 2), trainings]).map((participations) => ({
    participations,
    epsilon: epsilonFor({ noiseMultiplier, delta, participations }),
  }));
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) as string}`;
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}
