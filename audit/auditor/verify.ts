/**
 * Verifying an evidence pack: the list of checks, in the order in which each rests on those before it. Keys come from the reader's trust file. The
 * coordinator made the pack and may lie in every line of it that no other key signed and no log entry binds.
 */
import { canonicalJson, sha256, type Sha256 } from '@twinkeep/audit';
import { POLICY_HASH } from '@twinkeep/consent';
import { sodiumReady, type EvidenceTarget, type Trust } from '@twinkeep/protocol';
import { verifyChain } from './chain.ts';
import { verifyConsents } from './consents.ts';
import { PackError } from './errors.ts';
import { createStateCache } from './gate.ts';
import { verifyLog, type VerifiedLog } from './log.ts';
import { readPack, type ReadPack } from './pack.ts';
import { compareReceipts, type Coverage, type KeptReceipt } from './receipts.ts';
import { replayRound, type ReplayedRound, type RoundParts } from './rounds.ts';
import { verifySpeakers } from './speakers.ts';
import { verifyStatements, type Statements } from './statements.ts';
import { findSubject } from './subject.ts';
import { CHECK_IDS, createChecklist, type CheckId, type Checklist, type Verdict } from './verdict.ts';
import { targetToQuestion, verdictToWords } from './words.ts';

export interface VerifyOptions {
  /** What was asked for: a true pack about something else is refused. */
  expect?: EvidenceTarget;
  receipts?: readonly KeptReceipt[];
  /** A faster SHA-256 where the platform has one. */
  hash?: Sha256;
  /** Called with what is looked at next. */
  onProgress?: (what: string) => void;
}

/** Never throws for anything that stands in `bytes`: a verdict says what is wrong, and where. */
export async function verifyPack(
  bytes: Uint8Array,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<Verdict> {
  await sodiumReady;
  const checks = createChecklist();
  const verdict: Verdict = {
    outcome: 'refused',
    target: null,
    question: null,
    madeAt: null,
    log: null,
    checks: [],
    rounds: [],
    subject: [],
    words: [],
  };
  const pack = openPack(bytes, trust, options, checks);
  if (pack !== null) await verifyRecords(pack, trust, options, checks, verdict);
  verdict.checks = checks.list();
  verdict.outcome = checks.hasFailed(...AUTHENTIC)
    ? 'refused'
    : checks.hasFailed(...LAWFUL)
      ? 'violated'
      : 'verified';
  verdict.question = verdict.target === null ? null : targetToQuestion(verdict.target);
  verdict.words = verdictToWords(verdict);
  return verdict;
}

/** Failed: it says that something was done which must not be. */
const LAWFUL: readonly CheckId[] = ['gate', 'dropped'];
/** Failed: the pack says nothing. All others, so that a check that is added counts here until somebody says otherwise. */
const AUTHENTIC: readonly CheckId[] = CHECK_IDS.filter((id) => !LAWFUL.includes(id));

function openPack(
  bytes: Uint8Array,
  trust: Trust,
  { expect, hash = sha256 }: VerifyOptions,
  checks: Checklist,
): ReadPack | null {
  try {
    const pack = readPack(bytes, trust.coordinator.key, hash);
    if (expect !== undefined && canonicalJson(pack.manifest.target) !== canonicalJson(expect))
      checks.fail('manifest', 'manifest', 'it is a true pack about something else than was asked for');
    checks.pass('manifest');
    return pack;
  } catch (error) {
    if (!(error instanceof PackError)) throw error;
    checks.fail('manifest', error.part, error.message);
    return null;
  }
}

async function verifyRecords(
  { manifest, records }: ReadPack,
  trust: Trust,
  { receipts = [], hash = sha256, onProgress = () => undefined }: VerifyOptions,
  checks: Checklist,
  verdict: Verdict,
): Promise<void> {
  const { target } = manifest;
  verdict.target = target;
  verdict.madeAt = manifest.madeAt;
  onProgress(`${records.entries.length} entries of the log`);
  const log = verifyLog(records, trust, hash, checks);
  if (log === null) return;
  verdict.log = { origin: log.checkpoint.origin, size: log.checkpoint.size, witnesses: log.witnesses };
  const statements = verifyStatements(log, trust, checks);
  const speakers = await verifySpeakers(records.speakers, trust, checks);
  onProgress('signatures of consent events');
  const histories = await verifyConsents(log, speakers, trust, checks);
  compareRules(records.rules, trust, checks);

  const chain = 'model' in target ? verifyChain(target.model, statements, checks) : null;
  const subject = target.kind === 'subject' || target.kind === 'subject-model' ? target.subject : null;
  const parts = roundsOf(target, statements, records.contributions, chain, checks);
  const deps = { trust, histories, states: createStateCache(), hash, checks, subject };
  const replayed: ReplayedRound[] = [];
  for (const round of parts) {
    onProgress(`round ${round.config.statement.body.round}: ${round.set.statement.body.twins} twins`);
    replayed.push(await replayRound(round, deps));
  }
  verdict.rounds = replayed.map(({ replay }) => replay);
  compareReceipts(receipts, histories, coverageOf(subject, replayed, log), trust, checks);
  if (subject === null) return;
  for (const other of histories.keys())
    if (other !== subject) checks.fail('consents', 'entries', 'an event of another customer is in the pack');
  verdict.subject = replayed.map((round) =>
    findSubject(subject, round, histories, target.kind === 'subject-model', checks),
  );
}

/** A pack about a customer has all of their events; one about rounds those that the gate could have read. */
function coverageOf(subject: string | null, replayed: readonly ReplayedRound[], log: VerifiedLog): Coverage {
  if (subject !== null) return { subjects: new Set([subject]), size: log.checkpoint.size };
  return {
    subjects: new Set(
      replayed.flatMap(({ reports }) => reports.flatMap(({ members }) => [...members.values()])),
    ),
    size: Math.max(0, ...replayed.map(({ replay }) => replay.size)),
  };
}

function compareRules(rules: ReadPack['records']['rules'], trust: Trust, checks: Checklist): void {
  if (rules.log !== trust.log.vkey)
    checks.fail('rules', 'rules', 'the coordinator names another log than your trust file');
  if (rules.consent !== POLICY_HASH)
    checks.leaveOpen(
      'rules',
      'rules',
      'the coordinator now works with other rules of consent than this verifier',
    );
}

/** The rounds that the target is about, each with its statements; what does not belong to them has no business in the pack. */
function roundsOf(
  target: EvidenceTarget,
  { configs, sets, results }: Statements,
  contributions: ReadPack['records']['contributions'],
  chain: ReturnType<typeof verifyChain>,
  checks: Checklist,
): RoundParts[] {
  const parts: RoundParts[] = [];
  for (const set of sets.values()) {
    const { rcHash } = set.statement.body;
    const config = configs.get(rcHash);
    if (config === undefined || parts.some((other) => other.config.hash === rcHash)) {
      checks.fail('sets', `set ${set.hash.slice(0, 12)}…`, 'it has no configuration of its own in the pack');
      continue;
    }
    const result = [...results.values()].find(({ statement }) => statement.body.rcHash === rcHash) ?? null;
    const own = contributions.filter((contribution) => contribution.rcHash === rcHash);
    parts.push({ config, set, result, contributions: own });
  }
  parts.sort((a, b) => a.set.index - b.set.index);
  const wanted = new Set(parts.map(({ config }) => config.hash));
  if (target.kind === 'round' && (wanted.size !== 1 || !wanted.has(target.rcHash)))
    checks.fail('sets', 'entries', 'the set of the round asked for is not in the pack, or not alone');
  if ('model' in target) {
    const steps = new Set((chain ?? []).map(({ statement }) => statement.body.rcHash));
    if ([...steps].some((rcHash) => !wanted.has(rcHash)) || [...wanted].some((rcHash) => !steps.has(rcHash)))
      checks.fail('chain', 'entries', 'the sets in the pack are not those of the rounds that made the model');
  }
  if (target.kind === 'period') {
    for (const { set } of parts)
      if (Date.parse(set.at) + 60_000 <= target.from || Date.parse(set.at) >= target.to)
        checks.fail('sets', 'entries', 'a set was fixed outside of the period');
    checks.leaveOpen('sets', 'entries', 'that the period has no further round is for the public log to show');
  }
  for (const { rcHash } of contributions)
    if (!wanted.has(rcHash))
      checks.fail('sets', 'contributions', 'a report is of a round that is not in the pack');
  return parts;
}
