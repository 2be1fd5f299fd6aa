/** A verdict in sentences, for people who will not read the rest. They claim what was checked and no more. */
import type { EvidenceTarget } from '@twinkeep/protocol';
import type { Check, SubjectInRound, Verdict } from './verdict.ts';

export function targetToQuestion(target: EvidenceTarget): string {
  switch (target.kind) {
    case 'subject-model':
      return `Had customer ${target.subject} consented when model ${target.model} was trained?`;
    case 'subject':
      return `Had customer ${target.subject} consented whenever they were used?`;
    case 'round':
      return `Had everybody consented who was used in round ${target.rcHash}?`;
    case 'model':
      return `Had everybody consented who was used to train model ${target.model}?`;
    case 'period':
      return `Had everybody consented who was used in rounds from ${day(target.from)} to ${day(target.to)}?`;
  }
}

export function verdictToWords(verdict: Verdict): string[] {
  if (verdict.outcome === 'refused') return refusal(verdict.checks);
  const { target, rounds } = verdict;
  const answer =
    target?.kind === 'subject-model'
      ? subjectInModel(verdict)
      : target?.kind === 'subject'
        ? subjectInRounds(verdict)
        : wholeRounds(verdict);
  const erased = rounds.reduce((sum, { twins }) => sum + twins.erased, 0);
  return [
    ...answer,
    ...(erased === 0
      ? []
      : [
          `${count(erased, 'twin')} cannot be replayed, because their keys were erased since: what they had consented to can no longer be shown.`,
        ]),
  ];
}

function refusal(checks: readonly Check[]): string[] {
  const failed = checks.filter(({ status }) => status === 'failed');
  const first = failed[0]?.findings.find(({ status }) => status === 'failed');
  const more = failed.reduce((sum, check) => sum + check.failed, 0) - 1;
  return [
    'This pack proves nothing: it is not what the log and the signatures say.',
    ...(first === undefined ? [] : [`${first.where}: ${first.what}.`]),
    ...(more > 0 ? [`${count(more, 'further check')} failed.`] : []),
  ];
}

function subjectInModel({ outcome, subject }: Verdict): string[] {
  const used = subject.filter(({ part }) => part === 'in-set');
  const unknown = subject.filter(({ part }) => part === 'unknown');
  const trained = `The model was made in ${count(subject.length, 'round')}`;
  if (used.length === 0 && unknown.length === 0)
    return [
      'No contribution of this customer is in this model.',
      `${trained}; for each of them the pack shows that this customer was in none of its reports.`,
      ...subject.filter(({ part }) => part === 'dropped').map(droppedSentence),
    ];
  if (used.length === 0)
    return [
      'No contribution of this customer to this model is shown.',
      `${trained}; of ${count(unknown.length, 'round')} it cannot be shown any more that this customer was not in it.`,
    ];
  const without = used.filter(({ allowed }) => allowed !== true);
  const heads =
    without.length > 0
      ? ['No: this model was trained with this customer without a valid consent.']
      : outcome === 'violated'
        ? ['Yes, as far as this customer goes; other things in these rounds were done that must not be.']
        : [`Yes: the customer ${agreed(used)} whenever this model was trained with their data.`];
  return [
    ...heads,
    ...usedSentences(without.length > 0 ? without : used),
    `${trained}; this customer contributed to ${used.length} of them.`,
    ...subject.filter(({ part }) => part === 'dropped').map(droppedSentence),
  ];
}

function subjectInRounds({ subject }: Verdict): string[] {
  const used = subject.filter(({ part }) => part === 'in-set');
  const without = used.filter(({ allowed }) => allowed !== true);
  if (subject.length === 0) return ['The pack shows no round with a report of this customer.'];
  return [
    without.length > 0
      ? `No: in ${count(without.length, 'round')} this customer was used without a valid consent.`
      : `Yes: in each of the ${count(used.length, 'round')} in which this customer was used, a valid consent stood in the log.`,
    ...usedSentences(without.length > 0 ? without : used),
    ...subject.filter(({ part }) => part === 'dropped').map(droppedSentence),
  ];
}

function wholeRounds({ outcome, rounds }: Verdict): string[] {
  const sum = (pick: (round: Verdict['rounds'][number]) => number): number =>
    rounds.reduce((total, round) => total + pick(round), 0);
  const replayed = sum(({ twins }) => twins.replayed);
  const denied = replayed - sum(({ twins }) => twins.allowed);
  const said = `${count(rounds.length, 'round')}, ${count(
    sum(({ reports }) => reports.inSet),
    'report',
  )} and ${count(
    sum(({ twins }) => twins.inSet),
    'twin',
  )} in their sets; the gate was run again for ${replayed}.`;
  if (outcome === 'violated')
    return [
      denied > 0
        ? `No: ${count(denied, 'twin')} ${denied === 1 ? 'was' : 'were'} used without a valid consent.`
        : 'No: reports were left out for a reason that the log does not bear out.',
      said,
    ];
  return [
    rounds.length === 0
      ? 'No training round is in this pack.'
      : 'Yes: everything that was used had a valid consent in the log, and what was left out was left out rightly.',
    said,
  ];
}

/** Where the law asks for a notice and no yes, silence after it is not consent, and is not called that. */
function agreed(used: readonly SubjectInRound[]): string {
  return used.every(({ reason }) => reason !== 'not-opted-out')
    ? 'had consented'
    : 'had consented, or had been told and not opted out where the law asks for no more,';
}

/** One sentence for rounds in a row that rest on the same events. */
function usedSentences(used: readonly SubjectInRound[]): string[] {
  const groups: SubjectInRound[][] = [];
  for (const round of used) {
    const last = groups.at(-1);
    if (last !== undefined && basisOf(last[0] as SubjectInRound) === basisOf(round)) last.push(round);
    else groups.push([round]);
  }
  return groups.map((group) => usedSentence(group[0] as SubjectInRound, group.at(-1) as SubjectInRound));
}

function basisOf({ allowed, reason, events }: SubjectInRound): string {
  return [allowed, reason, ...events.map(({ id }) => id)].join();
}

function usedSentence(first: SubjectInRound, last: SubjectInRound): string {
  const fixed = ({ at, size }: SubjectInRound): string => `on ${minute(at)} (log size ${size})`;
  const when =
    first === last
      ? `round ${first.round} was fixed ${fixed(first)}`
      : `rounds ${first.round} to ${last.round} were fixed, the first ${fixed(first)}, the last ${fixed(last)}`;
  const { allowed, reason, events } = first;
  if (allowed !== true) return `When ${when}, this customer's consent was: ${reason}.`;
  const given = events.map(
    ({ id, index, at, notice }) =>
      `on ${minute(at)}, under notice ${notice}, consent event ${id} stood in the log at ${index}`,
  );
  return `Yes: ${given.join('; and ')}, when ${when}.`;
}

function droppedSentence({ round, at, allowed, reason }: SubjectInRound): string {
  const why =
    allowed === true ? 'for another reason than this customer' : `because of this customer: ${reason}`;
  return `In round ${round}, fixed on ${minute(at)}, the report with this customer was left out, ${why}.`;
}

function day(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : minute(date.toISOString());
}

/** `2026-11-22 03:14 UTC`, of what the log says to the minute. */
function minute(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
