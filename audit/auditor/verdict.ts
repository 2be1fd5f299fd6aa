/** What a verification says, as data: for programs, for the page, and for `words.ts`, which tells it to people. */
import type { EvidenceTarget } from '@twinkeep/protocol';

/**
 * `passed`: shown. `failed`: shown to be otherwise. `open`: the pack neither shows nor refutes it, for a stated reason
 * (an erasure, a word of the coordinator that nothing else confirms).
 */
export type CheckStatus = 'passed' | 'failed' | 'open';

export interface Check {
  id: CheckId;
  status: CheckStatus;
  /** How many things were checked. */
  count: number;
  /** What failed or stays open, at most `MAX_FINDINGS` of each kind; how many there were in all. */
  findings: Finding[];
  failed: number;
  open: number;
}

export interface Finding {
  status: 'failed' | 'open';
  /** The part of the pack, and within it the entry, report or round: enough to find it. */
  where: string;
  what: string;
}

/** In the order in which each rests on those before it. */
export const CHECK_IDS = [
  'manifest',
  'checkpoint',
  'witnesses',
  'inclusion',
  'commitments',
  'statements',
  'configurations',
  'speakers',
  'consents',
  'histories',
  'receipts',
  'rules',
  'sets',
  'reports',
  'members',
  'gate',
  'dropped',
  'chain',
] as const;
export type CheckId = (typeof CHECK_IDS)[number];

/** What each check says, where it passes. */
export const CHECK_TITLES: Readonly<Record<CheckId, string>> = {
  manifest: 'The pack is whole, and the coordinator signed it',
  checkpoint: 'The log signed the checkpoint',
  witnesses: 'Witnesses saw the checkpoint',
  inclusion: 'Entries are in the log',
  commitments: 'Entries commit to what is shown',
  statements: 'The coordinator signed its statements',
  configurations: 'Helpers signed the rounds, which follow from their tasks',
  speakers: 'The issuer says for whom keys speak',
  consents: 'Consent events are signed by who may speak',
  histories: 'Histories have no gap',
  receipts: 'Receipts are borne out',
  rules: 'The rules of consent are those of this verifier',
  sets: 'Sets are the reports shown',
  reports: 'Devices signed their reports',
  members: 'Members are those that the devices signed',
  gate: 'Every twin used had consented then',
  dropped: 'What was left out was left out rightly',
  chain: 'The rounds lead from the model to its first weights',
};

export const MAX_FINDINGS = 50;

/** What became of one round's reports when the gate was run again. */
export interface RoundReplay {
  rcHash: string;
  taskId: string;
  round: number;
  kind: 'train' | 'evaluate';
  /** UTC minute of the set's entry, and the size of the log at which consent was read. */
  at: string;
  size: number;
  reports: { inSet: number; dropped: number };
  /** Twins in the set; replayed: decided again; erased: cannot be any more; undisclosed: not what this pack is about. */
  twins: { inSet: number; replayed: number; allowed: number; erased: number; undisclosed: number };
}

/** What one round says of the pack's subject. */
export interface SubjectInRound {
  rcHash: string;
  round: number;
  at: string;
  size: number;
  part: 'in-set' | 'dropped' | 'absent' | 'unknown';
  /** Null where the subject had no part. */
  allowed: boolean | null;
  reason: string | null;
  /** Events that the answer rests on, with the notice under which they were given. */
  events: { id: string; index: number; at: string; notice: string }[];
}

export interface Verdict {
  /**
   * `verified`: everything shown or named as open, and every use had consent. `violated`: authentic, and it shows that something was done
   * that must not be. `refused`: not authentic, so it says nothing.
   */
  outcome: 'verified' | 'violated' | 'refused';
  /** Null where not even the manifest could be read. */
  target: EvidenceTarget | null;
  /** What the pack is about, as a question: a reader may have been given one about somebody else. */
  question: string | null;
  madeAt: number | null;
  /** Of the log, as far as it was verified. */
  log: { origin: string; size: number; witnesses: string[] } | null;
  checks: Check[];
  rounds: RoundReplay[];
  subject: SubjectInRound[];
  /** The answer in sentences, most important first. */
  words: string[];
}

export interface Checklist {
  /** One thing was found to hold. */
  pass(id: CheckId, count?: number): void;
  fail(id: CheckId, where: string, what: string): void;
  leaveOpen(id: CheckId, where: string, what: string): void;
  hasFailed(...ids: CheckId[]): boolean;
  list(): Check[];
}

export function createChecklist(): Checklist {
  const checks = new Map<CheckId, Check>(
    CHECK_IDS.map((id) => [id, { id, status: 'passed', count: 0, findings: [], failed: 0, open: 0 }]),
  );
  const find = (id: CheckId): Check => checks.get(id) as Check;
  const note = (id: CheckId, status: 'failed' | 'open', where: string, what: string): void => {
    const check = find(id);
    check.count++;
    check[status]++;
    if (check[status] <= MAX_FINDINGS) check.findings.push({ status, where, what });
    if (check.status !== 'failed') check.status = status;
  };
  return {
    pass: (id, count = 1) => {
      find(id).count += count;
    },
    fail: (id, where, what) => note(id, 'failed', where, what),
    leaveOpen: (id, where, what) => note(id, 'open', where, what),
    hasFailed: (...ids) => ids.some((id) => find(id).status === 'failed'),
    list: () => [...checks.values()].filter(({ count }) => count > 0),
  };
}
