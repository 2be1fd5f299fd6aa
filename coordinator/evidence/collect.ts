/**
 * Collecting evidence: everything that a reader without this database needs to check what was done, and no more. Read in one snapshot, so
 * that an erasure meanwhile takes a customer out of all of it or of nothing. The format and what a reader may believe: `evidence.ts` of the protocol.
 */
import {
  EVIDENCE_FORMAT,
  evidenceSections,
  MAX_EVIDENCE_BYTES,
  ProblemError,
  signStatement,
  type EvidenceContribution,
  type EvidenceManifest,
  type EvidenceRecords,
  type EvidenceTarget,
  type RoundConfig,
  type SetCommit,
  type SigningKey,
  type Statement,
  type Trust,
} from '@twinkeep/protocol';
import { canonicalJson } from '@twinkeep/audit';
import { POLICY_HASH } from '@twinkeep/consent';
import type { Journal } from '../log/journal.ts';
import { readEventsOf } from '../store/consents.ts';
import { readContributions, roundsOfSubject } from '../store/contributions.ts';
import {
  committedRounds,
  countMembers,
  roundsOfModel,
  roundsOfPeriod,
  type CommittedRound,
} from '../store/lineage.ts';
import type { Db } from '../store/schema.ts';
import { readSpeakers } from '../store/speakers.ts';
import { readStatement } from '../store/statements.ts';
import type { Vault } from '../store/vault.ts';
import { proveEntries, type OpenedLeaf } from './entries.ts';
import { discloseRound } from './members.ts';

export interface EvidenceDeps {
  db: Db;
  journal: Journal;
  vault: Vault;
  trust: Trust;
  key: SigningKey;
  clock: () => number;
}

export interface CollectedEvidence {
  /** Parts of the file, in order. */
  text: string[];
  /** Records in it: what the access entry says was taken. */
  rows: number;
}

/** Even without anything else these would be more than a pack may have. */
const MAX_MEMBERS = 400_000;

/** @throws ProblemError 'evidence/unknown', 'evidence/too-large', 'request/busy' where the log's witnesses have not seen all of it yet */
export async function collectEvidence(
  deps: EvidenceDeps,
  target: EvidenceTarget,
): Promise<CollectedEvidence> {
  const records = await deps.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((tx) => readRecords(tx, deps, target));
  const sections = evidenceSections(records);
  const manifest: EvidenceManifest = {
    v: 1,
    format: EVIDENCE_FORMAT,
    target,
    madeAt: deps.clock(),
    sections: sections.map(({ section }) => section),
  };
  const signed = await signStatement('evidence', manifest, deps.key);
  const text = [`${canonicalJson(signed)}\n`, ...sections.map((each) => each.text)];
  if (text.reduce((sum, part) => sum + Buffer.byteLength(part), 0) > MAX_EVIDENCE_BYTES) throw tooLarge();
  return { text, rows: manifest.sections.reduce((sum, { lines }) => sum + lines, 0) };
}

async function readRecords(
  tx: Db,
  { journal, vault, trust }: EvidenceDeps,
  target: EvidenceTarget,
): Promise<EvidenceRecords> {
  const head = await journal.published(tx);
  const rounds = await roundsOf(tx, target);
  if (head === null || rounds === null) throw new ProblemError('evidence/unknown');
  const rcHashes = rounds.map(({ rcHash }) => rcHash);
  const isAboutOne = target.kind === 'subject' || target.kind === 'subject-model';
  if (!isAboutOne && (await countMembers(tx, rcHashes)) > MAX_MEMBERS) throw tooLarge();

  const statements = await readStatements(tx, rounds);
  const contributions: EvidenceContribution[] = [];
  let length = 0;
  for (const rcHash of rcHashes) {
    const own = await discloseRound(tx, vault, await readContributions(tx, vault, rcHash), target);
    contributions.push(...own);
    length += own.reduce((sum, each) => sum + lengthOf(each), 0);
    if (length > MAX_EVIDENCE_BYTES) throw tooLarge();
  }
  const subjects = isAboutOne
    ? [target.subject]
    : [...new Set(contributions.flatMap(({ members }) => members.map(({ subject }) => subject)))];
  // Of one customer the whole history; of a round only what the gate could have read.
  const until = isAboutOne
    ? head.size
    : Math.max(0, ...statements.map(({ consentSize }) => consentSize ?? 0));
  const events = (await readEventsOf(tx, vault, subjects)).filter(({ index }) => index < until);
  if (target.kind === 'subject' && events.length === 0 && rounds.length === 0)
    throw new ProblemError('evidence/unknown');

  const opened: OpenedLeaf[] = [...statements, ...events];
  if (opened.some(({ index }) => index >= head.size))
    throw new ProblemError('request/busy', 'the witnesses of the log have not cosigned all of this yet');
  return {
    checkpoint: { note: head.note },
    entries: await proveEntries(tx, opened, head.size),
    contributions,
    speakers: await readSpeakers(tx, subjects),
    rules: {
      consent: POLICY_HASH,
      log: trust.log.vkey,
      witnesses: (trust.witnesses?.witnesses ?? []).map(({ name, vkey }) => ({ name, vkey })),
    },
  };
}

/** Null where what was asked for is not here. */
async function roundsOf(tx: Db, target: EvidenceTarget): Promise<CommittedRound[] | null> {
  switch (target.kind) {
    case 'subject':
      return committedRounds(tx, await roundsOfSubject(tx, target.subject));
    case 'round': {
      const found = await committedRounds(tx, [target.rcHash]);
      return found.length === 0 ? null : found;
    }
    case 'model':
    case 'subject-model':
      return roundsOfModel(tx, target.model);
    case 'period':
      return roundsOfPeriod(tx, target.from, target.to);
  }
}

interface OpenedStatement extends OpenedLeaf {
  /** Of a set commit. */
  consentSize: number | null;
}

/** Task, configuration, set and result of each round, once each. */
async function readStatements(tx: Db, rounds: readonly CommittedRound[]): Promise<OpenedStatement[]> {
  const found = new Map<string, OpenedStatement>();
  const add = async (hash: string): Promise<Statement<unknown>> => {
    const known = found.get(hash);
    if (known !== undefined) return known.body as Statement<unknown>;
    const row = await readStatement(tx, hash);
    if (row === undefined) throw new RangeError('a statement that a round names is not stored');
    const body = JSON.parse(row.statement) as Statement<unknown>;
    const consentSize = body.type === 'set-commit' ? (body.body as SetCommit).consent.size : null;
    found.set(hash, { index: row.index, salt: row.salt, body, consentSize });
    return body;
  };
  for (const { rcHash, scHash, resultHash } of rounds) {
    const config = (await add(rcHash)) as Statement<RoundConfig>;
    await add(config.body.taskHash);
    await add(scHash);
    if (resultHash !== null) await add(resultHash);
  }
  return [...found.values()];
}

/** About as many bytes as it will take: known before all of it is in memory. */
function lengthOf({ signed, leaves, members }: EvidenceContribution): number {
  return 200 + (signed?.header.length ?? 0) + leaves.length + 80 * members.length;
}

function tooLarge(): ProblemError {
  return new ProblemError('evidence/too-large', `at most ${MAX_EVIDENCE_BYTES} bytes`);
}
