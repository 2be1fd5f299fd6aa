/** One report of a round: signed by a device that the issuer knows, for this round, over these members. */
import { base64UrlToBytes, bytesToBase64Url, equalBytes, sha256, type Sha256 } from '@twinkeep/audit';
import {
  leavesRoot,
  memberLeaf,
  ProblemError,
  thumbprint,
  verifyCredentialAsIssued,
  verifyHeader,
  type Credential,
  type EvidenceContribution,
  type ReportHeader,
  type RoundConfig,
  type Trust,
} from '@twinkeep/protocol';
import type { Checklist } from './verdict.ts';

export interface VerifiedReport {
  contribution: EvidenceContribution;
  where: string;
  /** Null where the pack does not show it, or what it shows is not it. */
  signed: { header: ReportHeader; credential: Credential } | null;
  /** By place: those whose leaf the root has. */
  members: Map<number, string>;
}

const HASH_BYTES = 32;

export async function verifyReport(
  contribution: EvidenceContribution,
  { openAt }: RoundConfig,
  trust: Trust,
  hash: Sha256,
  checks: Checklist,
): Promise<VerifiedReport> {
  const where = `contributions (report ${contribution.headerHash.slice(0, 12)}…)`;
  const report: VerifiedReport = { contribution, where, signed: null, members: new Map() };
  if (contribution.signed === null) return report;
  const fail = (what: string): VerifiedReport => {
    checks.fail('reports', where, what);
    return report;
  };
  const bytes = base64UrlToBytes(contribution.signed.header);
  if (bytesToBase64Url(sha256(bytes)) !== contribution.headerHash) return fail('its header is another one');
  try {
    const header = verifyHeader(bytes, base64UrlToBytes(contribution.signed.signature));
    const credential = await verifyCredentialAsIssued(header.credential, trust);
    if (header.rcHash !== contribution.rcHash) return fail('it was made for another round');
    if (credential.jkt !== thumbprint(base64UrlToBytes(header.key)))
      return fail('its credential names another key than the one that signed it');
    if (credential.scope !== 'device' || header.twins > credential.maxTwins)
      return fail('its credential does not allow what it reports');
    if (credential.exp * 1_000 <= openAt) return fail('its credential had expired before the round began');
    report.signed = { header, credential };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return fail(error.message);
  }
  checks.pass('reports');
  verifyMembers(report, report.signed.header, hash, checks);
  return report;
}

/** The header's root binds every leaf, so that one that is shown was in the report, and at its place. */
function verifyMembers(
  { contribution, where, members }: VerifiedReport,
  header: ReportHeader,
  hash: Sha256,
  checks: Checklist,
): void {
  const bytes = base64UrlToBytes(contribution.leaves);
  const leaves = Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
  if (bytes.length !== header.twins * HASH_BYTES || leavesRoot(leaves, hash) !== header.membersRoot) {
    checks.fail('members', where, 'its members are not those that its device signed');
    return;
  }
  let last: string | null = null;
  let lastPlace = -1;
  for (const { place, subject, salt } of contribution.members) {
    const leaf = leaves[place];
    const shown = memberLeaf(subject, base64UrlToBytes(salt), hash);
    if (leaf === undefined || place <= lastPlace || !equalBytes(leaf, shown))
      checks.fail('members', where, `the member at place ${place} is not the one in the report`);
    else if (last !== null && compareSubjects(last, subject) >= 0)
      checks.fail('members', where, `the member at place ${place} is out of order`);
    else {
      members.set(place, subject);
      checks.pass('members');
    }
    last = subject;
    lastPlace = place;
  }
}

/**
 * Members ascend strictly, so two neighbours show that nobody stands between them, and an end that nobody stands beyond it. The order of all is
 * checked where all are disclosed; between two it rests on the device that made the report and the coordinator that took it.
 */
export function showsAbsence({ signed, members }: VerifiedReport, subject: string): boolean {
  if (signed === null) return false;
  const last = signed.header.twins - 1;
  const side = (place: number): number | null => {
    const member = members.get(place);
    return member === undefined ? null : compareSubjects(member, subject);
  };
  for (const place of members.keys()) {
    const here = side(place) as number;
    if (here === 0) return false;
    if (here > 0 && place === 0) return true;
    if (here < 0 && place === last) return true;
    const next = side(place + 1);
    if (here < 0 && next !== null && next > 0) return true;
  }
  return false;
}

/** As bytes, which is not their order as text. */
export function compareSubjects(a: string, b: string): number {
  const [left, right] = [base64UrlToBytes(a), base64UrlToBytes(b)];
  for (const [i, byte] of left.entries()) {
    const difference = byte - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
