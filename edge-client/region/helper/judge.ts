/**
 * A helper's verdict on one report: header, credential and box, each against what this helper pinned or made itself. What is accepted
 * leaves its seeds behind; what is refused leaves a code.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  concatBytes,
  sha256,
  TwinkeepError,
  utf8ToBytes,
} from '@twinkeep/audit';
import {
  helperFamily,
  openSeeds,
  ProblemError,
  thumbprint,
  verifyCredential,
  verifyHeader,
  type Credential,
  type ReportHeader,
  type RoundConfig,
  type Trust,
} from '@twinkeep/protocol';
import type { HelperRoundTerms } from './check.ts';
import type { NewVerdict } from './store.ts';

/** As it came from the coordinator, decoded. */
export interface OfferedReport {
  headerBytes: Uint8Array;
  signature: Uint8Array;
  box: Uint8Array;
}

export async function judgeReport(
  report: OfferedReport,
  round: HelperRoundTerms,
  { j, trust, now }: { j: number; trust: Trust; now: Date },
): Promise<NewVerdict> {
  const headerHash = bytesToBase64Url(sha256(report.headerBytes));
  try {
    const header = verifyHeader(report.headerBytes, report.signature);
    requireRound(header, round, report.box, j);
    const credential = await verifyCredential(header.credential, trust, now);
    await requireReporter(header, credential, round.config);
    const seeds = openBox(header, round, report.box, j);
    return {
      headerHash,
      code: null,
      twins: header.twins,
      subTag: subTag(round.rcHash, credential.sub),
      participant: round.config.dp.mech === 'none' ? null : participant(round.config.taskId, credential.sub),
      seeds,
    };
  } catch (error) {
    if (!(error instanceof TwinkeepError)) throw error;
    return { headerHash, code: error.code, twins: 0, subTag: null, participant: null, seeds: null };
  }
}

function requireRound(
  header: ReportHeader,
  { config, rcHash }: HelperRoundTerms,
  box: Uint8Array,
  j: number,
): void {
  if (header.rcHash !== rcHash) throw new ProblemError('round/config-mismatch');
  const family = helperFamily(config.helpers.length, config.c);
  if (header.boxHashes.length !== config.helpers.length || header.commitments.length !== family.length)
    throw new ProblemError('report/malformed', 'boxes or commitments are not those of the helper family');
  if (header.boxHashes[j - 1] !== bytesToBase64Url(sha256(box))) throw new ProblemError('report/box-hash');
}

/** The credential speaks for the key that signed, and for as many twins. One person's device is exempt from the cohort. */
async function requireReporter(
  header: ReportHeader,
  { jkt, maxTwins, scope }: Credential,
  config: RoundConfig,
): Promise<void> {
  if (scope !== 'device') throw new ProblemError('auth/forbidden');
  if (jkt !== thumbprint(base64UrlToBytes(header.key))) throw new ProblemError('report/key');
  if (header.twins > maxTwins || header.twins > config.maxTwins)
    throw new ProblemError('report/too-many-twins');
  if (maxTwins > 1 && header.twins < config.minTwins) throw new ProblemError('report/too-few-twins');
}

function openBox(
  header: ReportHeader,
  { config, rcHash, boxKeys }: HelperRoundTerms,
  box: Uint8Array,
  j: number,
): Map<number, Uint8Array> {
  const context = {
    rcHash: base64UrlToBytes(rcHash),
    reporterKey: base64UrlToBytes(header.key),
    vectorHash: base64UrlToBytes(header.vectorHash),
  };
  const family = helperFamily(config.helpers.length, config.c);
  return openSeeds(box, context, family, header.commitments.map(base64UrlToBytes), j, boxKeys);
}

/** The owner of a budget: the same in all rounds of a task, another in every other task. */
function participant(taskId: string, sub: string): Uint8Array {
  return sha256(
    concatBytes(utf8ToBytes(`twinkeep/1/helper/participant\n${taskId}\n`), base64UrlToBytes(sub)),
  );
}

/** Two reports of one participant in one round collide; participants of two rounds cannot be matched by it. */
function subTag(rcHash: string, sub: string): Uint8Array {
  return sha256(
    concatBytes(utf8ToBytes('twinkeep/1/helper/sub\n'), base64UrlToBytes(rcHash), base64UrlToBytes(sub)),
  );
}
