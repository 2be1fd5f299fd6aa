/**
 * Replaying a round: the reports are those that the set names, their members those that devices signed, and each was let in or left out as the
 * gate says when it is asked again.
 */
import { canonicalJson, type Sha256 } from '@twinkeep/audit';
import { POLICY_HASH } from '@twinkeep/consent';
import {
  dropReasonOf,
  setRoot,
  type EvidenceContribution,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
  type Trust,
} from '@twinkeep/protocol';
import type { Histories } from './consents.ts';
import { createGate, type Replayed, type StateCache } from './gate.ts';
import { verifyReport, type VerifiedReport } from './reports.ts';
import { placeOf, type Said } from './statements.ts';
import type { Checklist, RoundReplay } from './verdict.ts';

export interface RoundParts {
  config: Said<RoundConfig>;
  set: Said<SetCommit>;
  /** Null where the round had not ended when the pack was made. */
  result: Said<RoundResult> | null;
  contributions: EvidenceContribution[];
}

export interface ReplayedRound {
  parts: RoundParts;
  replay: RoundReplay;
  reports: VerifiedReport[];
  /** What the gate says of each disclosed member, by its report and place. */
  decisions: Map<VerifiedReport, Map<number, Replayed>>;
}

export interface ReplayDeps {
  trust: Trust;
  histories: Histories;
  states: StateCache;
  hash: Sha256;
  checks: Checklist;
  /** The customer whom the pack is about; null: it is about whole rounds, and whatever is not disclosed was erased. */
  subject: string | null;
}

export async function replayRound(parts: RoundParts, deps: ReplayDeps): Promise<ReplayedRound> {
  const { config, set } = parts;
  const { checks } = deps;
  verifySet(parts, checks);
  const reports: VerifiedReport[] = [];
  for (const contribution of parts.contributions)
    reports.push(await verifyReport(contribution, config.statement.body, deps.trust, deps.hash, checks));
  requireDistinct(reports, checks);
  if (deps.subject === null) verifyTotals(reports, set, checks);
  const gate = createGate(config.statement.body, set, deps.histories, deps.states);
  const decisions = new Map(
    reports.map((report) => {
      const { signed, members } = report;
      if (signed === null) return [report, new Map<number, Replayed>()];
      const { header, credential } = signed;
      return [
        report,
        new Map(
          [...members]
            .filter(([, subject]) => deps.subject === null || subject === deps.subject)
            .map(([place, subject]) => [place, gate.ask(subject, credential, header.twins === 1)]),
        ),
      ];
    }),
  );
  for (const report of reports) judge(report, decisions.get(report) as Map<number, Replayed>, parts, deps);
  return { parts, replay: countReplay(parts, reports, decisions, deps.subject === null), reports, decisions };
}

/** The statements of the round say one thing, and the pack has the very reports that the set names. */
function verifySet({ config, set, result, contributions }: RoundParts, checks: Checklist): void {
  const where = `round ${config.statement.body.round}, ${placeOf(set)}`;
  const { body } = set.statement;
  if (body.consent.policy !== POLICY_HASH)
    checks.fail(
      'rules',
      where,
      'consent was decided under rules that this version does not know: verify with the version of that time',
    );
  else checks.pass('rules');
  const fail = (what: string): void => checks.fail('sets', where, what);
  const inSet = contributions.filter(({ disposition }) => disposition === 'in-set');
  if (new Set(contributions.map(({ headerHash }) => headerHash)).size !== contributions.length)
    fail('a report is named twice');
  if (inSet.length !== body.count) fail(`${inSet.length} reports are shown of a set of ${body.count}`);
  else if (setRoot(inSet.map(({ headerHash }) => headerHash)) !== body.merkleRoot)
    fail('the reports are not those of the set');
  // Written in one transaction under the log's lock: nothing came between the reading of consent and the set.
  if (set.index !== body.consent.size)
    fail('consent was read at another size of the log than that of the set');
  for (const { reason, count } of body.dropped) {
    const shown = contributions.filter(({ disposition }) => disposition === reason).length;
    if (shown !== count) fail(`${shown} reports are shown as ${reason}, the set says ${count}`);
  }
  if (contributions.length !== body.count + body.dropped.reduce((sum, { count }) => sum + count, 0))
    fail('reports are shown as left out that the set does not name');
  checks.pass('sets');
  if (result === null) return;
  const { scHash, count, twins, consent, dropped, modelIn } = result.statement.body;
  const same =
    scHash === set.hash &&
    modelIn === config.statement.body.modelHash &&
    canonicalJson({ count, twins, consent, dropped }) ===
      canonicalJson({ count: body.count, twins: body.twins, consent: body.consent, dropped: body.dropped });
  if (!same)
    checks.fail(
      'sets',
      `round ${config.statement.body.round}, ${placeOf(result)}`,
      'the result is of another set',
    );
}

/** Two reports of one subject in a set could be subtracted from each other. */
function requireDistinct(reports: readonly VerifiedReport[], checks: Checklist): void {
  const subs = new Set<string>();
  const members = new Set<string>();
  for (const { signed, where, members: own } of reports) {
    if (signed === null) continue;
    if (subs.has(signed.credential.sub))
      checks.fail('reports', where, 'its reporter has another report in the round');
    subs.add(signed.credential.sub);
    for (const subject of own.values()) {
      if (members.has(subject))
        checks.fail('members', where, 'a member of it is in another report of the round');
      members.add(subject);
    }
  }
}

function verifyTotals(reports: readonly VerifiedReport[], set: Said<SetCommit>, checks: Checklist): void {
  const inSet = reports.filter(({ contribution }) => contribution.disposition === 'in-set');
  const hidden = reports.filter(({ contribution }) => contribution.signed === null);
  for (const { where } of hidden)
    checks.leaveOpen('reports', where, 'its reporter was erased: nobody can open its header any more');
  if (hidden.length > 0) return;
  const twins = inSet.reduce((sum, { signed }) => sum + (signed?.header.twins ?? 0), 0);
  if (twins !== set.statement.body.twins)
    checks.fail(
      'sets',
      placeOf(set),
      `${twins} twins are in the reports, the set says ${set.statement.body.twins}`,
    );
}

/** Whether what was done with a report is what the gate says. */
function judge(
  report: VerifiedReport,
  decisions: ReadonlyMap<number, Replayed>,
  { set, config }: RoundParts,
  { checks, subject }: ReplayDeps,
): void {
  const { signed, where, contribution } = report;
  if (signed === null) return;
  const undisclosed = signed.header.twins - decisions.size;
  if (contribution.disposition === 'in-set') {
    for (const [place, { denial, isFirm }] of decisions) {
      if (denial === null || !isFirm) checks.pass('gate');
      else checks.fail('gate', where, `the twin at place ${place} had no valid consent: ${denial}`);
    }
    if (subject === null && undisclosed > 0)
      checks.leaveOpen(
        'gate',
        where,
        `${undisclosed} twins were erased since: their consent cannot be replayed`,
      );
    return;
  }
  if (contribution.disposition === 'head-room') {
    if (set.statement.body.twins + signed.header.twins > config.statement.body.maxTwins)
      checks.pass('dropped');
    else checks.fail('dropped', where, 'it was left out for want of room, and there was room');
    return;
  }
  if (contribution.disposition === 'helper-refused') {
    checks.leaveOpen(
      'dropped',
      where,
      'a helper refused it, says the coordinator; the pack does not hold the refusal',
    );
    return;
  }
  const answers = [...decisions.values()];
  const denied = answers.find(({ denial, isFirm }) => denial !== null || !isFirm);
  if (denied === undefined && undisclosed === 0)
    checks.fail('dropped', where, 'it was left out for want of consent, and all of its twins had consented');
  else if (denied === undefined)
    checks.leaveOpen('dropped', where, 'whoever it was left out for is not disclosed, or was erased since');
  else if (undisclosed === 0 && isOther(denied, contribution.disposition))
    checks.fail(
      'dropped',
      where,
      `it was left out as ${contribution.disposition}, and the reason is: ${denied.denial}`,
    );
  else checks.pass('dropped');
}

/** The set counts a report by the first of its twins that is denied. */
function isOther({ denial, isFirm }: Replayed, disposition: EvidenceContribution['disposition']): boolean {
  return isFirm && denial !== null && dropReasonOf(denial) !== disposition;
}

function countReplay(
  { config, set }: RoundParts,
  reports: readonly VerifiedReport[],
  decisions: ReplayedRound['decisions'],
  isWhole: boolean,
): RoundReplay {
  const { body } = set.statement;
  const inSet = reports.filter(({ contribution }) => contribution.disposition === 'in-set');
  const replayed = inSet.flatMap((report) => [...(decisions.get(report)?.values() ?? [])]);
  const rest = body.twins - replayed.length;
  return {
    rcHash: config.hash,
    taskId: config.statement.body.taskId,
    round: config.statement.body.round,
    kind: config.statement.body.kind,
    at: set.at,
    size: body.consent.size,
    reports: { inSet: body.count, dropped: reports.length - inSet.length },
    twins: {
      inSet: body.twins,
      replayed: replayed.length,
      allowed: replayed.filter(({ denial, isFirm }) => denial === null || !isFirm).length,
      erased: isWhole ? rest : 0,
      undisclosed: isWhole ? 0 : rest,
    },
  };
}
