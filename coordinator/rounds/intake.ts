/**
 * Taking a report. What needs no table was checked by `decodeReport`; here it meets the credential, the round and the other reports.
 * The answer goes out after the commit, so a device that has it may forget its seeds: its report is in the round, whatever crashes.
 */
import { base64UrlToBytes, bytesToBase64Url, concatBytes } from '@twinkeep/audit';
import {
  consentQuestion,
  decodeReport,
  ProblemError,
  type Credential,
  type DecodedReport,
  type ReportReceipt,
  type RoundConfig,
} from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { countParticipations } from '../store/participations.ts';
import { findReport, insertReport } from '../store/reports.ts';
import { lockRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import { configToRules } from './config.ts';
import type { RoundDeps } from './deps.ts';
import { drive } from './drive.ts';
import { step } from './machine.ts';
import { loadRunning } from './running.ts';

export interface ReportUpload {
  rcHash: string;
  config: RoundConfig;
  /** Key id of the address, and of the proof that came with the request: the key that the credential names. */
  kid: string;
  bytes: Uint8Array;
  credential: Credential;
  credentialJwt: string;
}

/** @throws ProblemError 'report/...' or 'round/...', having changed nothing */
export async function takeReport(deps: RoundDeps, upload: ReportUpload): Promise<ReportReceipt> {
  const { rcHash, config, credential } = upload;
  const decoded = decodeReport(upload.bytes, config, base64UrlToBytes(rcHash), nativeSha256);
  checkReporter(decoded, upload);
  const headerHash = bytesToBase64Url(decoded.headerHash);
  // The header binds the rest by hash, and that was checked: these two are the message, at a thousandth of its length.
  const messageHash = bytesToBase64Url(nativeSha256(concatBytes(decoded.headerBytes, decoded.signature)));
  await deps.runTx('report', async (tx) => {
    const round = await lockRound(tx, rcHash);
    if (round === null) throw new ProblemError('round/unknown');
    const before = await findReport(tx, rcHash, credential.sub);
    if (before?.message_hash === messageHash) return;
    if (before !== undefined) throw new ProblemError('report/duplicate');
    if (await isSpent(tx, config, credential.sub)) throw new ProblemError('report/budget-spent');

    const running = await loadRunning(tx, deps, round);
    const place = round.state.reports + 1;
    const { now } = running;
    const input = { kind: 'report', twins: decoded.header.twins } as const;
    // The machine is pure: asked beforehand, it says whether the round still takes reports.
    step(configToRules(config), round.state, input, now);
    // Gate G2. It spares everyone a report that gate G3 would drop; only G3 decides.
    const members = [{ members: decoded.members, sub: credential.sub, jkt: credential.jkt }];
    const [denial] = await deps.ledger.judge(tx, consentQuestion(config), members, now);
    if (denial !== null) throw new ProblemError('report/consent', denial);
    const report = {
      rcHash,
      headerHash,
      place,
      sub: credential.sub,
      jkt: credential.jkt,
      messageHash,
      receivedAt: now,
    };
    if (!(await insertReport(tx, { ...report, decoded }))) throw new ProblemError('report/twin-elsewhere');
    await drive(tx, deps, running, input);
  });
  return { status: 'accepted', rcHash, headerHash };
}

/** The keys of address, header, credential and proof are one, and so are the credentials of header and request. */
function checkReporter(
  { header }: DecodedReport,
  { credential, config, kid, credentialJwt }: ReportUpload,
): void {
  if (header.key !== kid) throw new ProblemError('report/key');
  if (header.credential !== credentialJwt)
    throw new ProblemError('report/key', 'the header carries another credential than the request');
  if (header.twins > credential.maxTwins) throw new ProblemError('report/too-many-twins');
  // A person's own device reports one twin and is exempt.
  if (header.twins < config.minTwins && credential.maxTwins !== 1)
    throw new ProblemError('report/too-few-twins');
}

/** Rounds of a task follow each other, so what was charged cannot change while one collects. */
async function isSpent(tx: Tx, { taskId, kind, dp }: RoundConfig, sub: string): Promise<boolean> {
  if (dp.mech === 'none') return false;
  const cap = kind === 'train' ? dp.trainings : dp.evaluations;
  return (await countParticipations(tx, taskId, kind, sub)) >= cap;
}
