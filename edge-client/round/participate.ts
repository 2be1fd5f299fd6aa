/**
 * One keeper's part in a round, for the twins it keeps: a region node has many, a browser one. Read `participate` from top to bottom.
 * A crash leaves at most a pending report behind, which the next call sends again with the same bytes.
 */
import { bytesToBase64Url, TwinkeepError } from '@twinkeep/audit';
import {
  bytesToWeights,
  ProblemError,
  restoreReport,
  thumbprint,
  verifyCredential,
  type Credential,
  type LoggedStatement,
  type MaskedReport,
  type MaskPrg,
  type Random,
  type RoundOffer,
  type SigningKey,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import type { TwinStore } from '../store/port.ts';
import type { TrainingEngine } from '../train/engine.ts';
import { fetchConsistency, fetchModel, fetchResults, submitReport } from '../transport/device.ts';
import type { Transport } from '../transport/transport.ts';
import { checkRound, type CheckedRound } from './check.ts';
import { gatherTwins, type GatherDeps, type GatheredTwins } from './gather.ts';
import { stayHome, type StayHome } from './reasons.ts';
import { createReport } from './report.ts';

export interface Participant extends GatherDeps {
  store: TwinStore;
  transport: Transport;
  trust: Trust;
  device: { key: SigningKey; credential: () => string };
  engine: TrainingEngine;
  /** This keeper's own floors: fewest reports in a sum, fewest twins in its report. */
  floors: { nMin: number; minTwins: number };
  random: Random;
  prg: MaskPrg;
}

/** `pending`: it is not known whether it arrived; the next call asks. `code` says what the coordinator or the network answered. */
export interface Reported {
  readonly reported: 'accepted' | 'refused' | 'pending';
  readonly round: number;
  readonly rcHash: string;
  readonly code?: string;
}

/** What was sent, and who is in it, for the keeper's own eyes. */
export interface Contributed extends Reported {
  readonly twins: GatheredTwins;
}

/**
 * @param task as the coordinator published it; @param offer the round as it stands
 * @throws TransportError where the network fails before anything was decided, TrainError, StoreError
 */
export async function participate(
  participant: Participant,
  task: LoggedStatement<TaskSpec>,
  offer: RoundOffer,
  signal?: AbortSignal,
): Promise<Contributed | StayHome> {
  await resendPending(participant, offer.taskId, signal);

  const round = await checkAndRemember(participant, task, offer, signal);
  if ('stayHome' in round) return round;
  const credential = await ownCredential(participant);
  if (credential === null) return stayHome('credential-refused');
  const weights = await fetchWeights(participant, round, signal);
  if (weights === null) return stayHome('model-refused');

  const twins = await gatherTwins(participant, round);
  const tooFewOrMany = checkNumber(participant, round, twins, credential);
  if (tooFewOrMany !== null) return tooFewOrMany;

  const device = { key: participant.device.key, credential: participant.device.credential() };
  const report = await createReport(round, twins, weights, { ...participant, device });
  if (!(await recordReport(participant, round, report))) return stayHome('already-reported');
  const sent = await sendReport(participant, round.config, bytesToBase64Url(round.rcHash), report, signal);
  return { ...sent, twins };
}

/** Sends again what a crash or a lost answer left open. Never throws for what one of them meets: it stays pending. */
export async function resendPending(
  participant: Participant,
  taskId: string,
  signal?: AbortSignal,
): Promise<Reported[]> {
  const outcomes: Reported[] = [];
  for (const { outcome, bytes, round, rcHash } of await participant.store.readReports(taskId)) {
    if (outcome !== 'pending' || bytes === null) continue;
    const report = reopenReport(bytes, rcHash, participant.device.key);
    if (report === null) await participant.store.settleReport(rcHash, 'refused');
    else outcomes.push(await sendReport(participant, { round }, rcHash, report, signal));
  }
  return outcomes;
}

/** Null where the bytes are no report of this key: it was changed since, so they could not be accepted any more. */
function reopenReport(bytes: Uint8Array, rcHash: string, key: SigningKey): MaskedReport | null {
  try {
    return restoreReport(bytes, { rcHash, key: key.id });
  } catch (error) {
    if (error instanceof ProblemError) return null;
    throw error;
  }
}

/** The checkpoint is kept before anything is sent; where another tab or process was faster, its checkpoint counts too. */
async function checkAndRemember(
  participant: Participant,
  task: LoggedStatement<TaskSpec>,
  offer: RoundOffer,
  signal: AbortSignal | undefined,
): Promise<CheckedRound | StayHome> {
  const { store, transport, trust, floors, clock } = participant;
  for (;;) {
    const seen = await store.readCheckpoint();
    const round = await checkRound(offer, {
      task,
      trust,
      seen,
      reports: await store.readReports(offer.taskId),
      nMin: floors.nMin,
      askConsistency: (from, to) => fetchConsistency(transport, from, to, signal),
      askResults: (after) => fetchResults(transport, offer.taskId, after, signal),
      now: clock(),
    });
    if ('stayHome' in round) return round;
    try {
      if (seen !== round.note) await store.saveCheckpoint(seen, round.note);
      for (const rcHash of round.released) await store.settleReport(rcHash, 'released');
      for (const rcHash of round.counted) await store.settleReport(rcHash, 'counted');
      return round;
    } catch (error) {
      if (!hasCode(error, 'store/conflict')) throw error;
    }
  }
}

/** Null where the credential is not this key's, or not valid now: the coordinator and every helper would refuse the report. */
async function ownCredential({ device, trust, clock }: Participant): Promise<Credential | null> {
  try {
    const credential = await verifyCredential(device.credential(), trust, new Date(clock()));
    return credential.jkt === thumbprint(device.key.publicKey) ? credential : null;
  } catch (error) {
    if (error instanceof ProblemError) return null;
    throw error;
  }
}

async function fetchWeights(
  { transport }: Participant,
  { task, config }: CheckedRound,
  signal: AbortSignal | undefined,
): Promise<Float32Array | null> {
  try {
    return bytesToWeights(
      await fetchModel(transport, config.modelHash, config.modelBytesLen, signal),
      task.model,
    );
  } catch (error) {
    if (MODEL_REFUSED.some((code) => hasCode(error, code))) return null;
    throw error;
  }
}

const MODEL_REFUSED = [
  'transport/malformed',
  'transport/too-large',
  'model/unknown',
  'protocol/weights',
] as const;

/** A person's own device reports one twin and is exempt from the floor: `maxTwins` of its credential is 1. */
function checkNumber(
  { floors }: Participant,
  { config }: CheckedRound,
  { trainers, heldOut }: GatheredTwins,
  { maxTwins }: Credential,
): StayHome | null {
  const twins = trainers.n + heldOut.n;
  const least = maxTwins === 1 ? 1 : Math.max(1, config.minTwins, floors.minTwins);
  if (twins < least) return stayHome('too-few-twins', `${twins} of ${least}`);
  return twins > Math.min(maxTwins, config.maxTwins) ? stayHome('too-many-twins') : null;
}

/** @returns false where another tab or process of this keeper has reported meanwhile */
async function recordReport(
  { store }: Participant,
  round: CheckedRound,
  report: MaskedReport,
): Promise<boolean> {
  const { taskId, round: number, kind, modelHash } = round.config;
  try {
    await store.addReport({
      taskId,
      round: number,
      kind,
      rcHash: bytesToBase64Url(round.rcHash),
      modelHash,
      headerHash: bytesToBase64Url(report.headerHash),
      bytes: report.bytes,
    });
    return true;
  } catch (error) {
    if (hasCode(error, 'store/reported')) return false;
    throw error;
  }
}

async function sendReport(
  { transport, store, device }: Participant,
  { round }: { round: number },
  rcHash: string,
  report: MaskedReport,
  signal: AbortSignal | undefined,
): Promise<Reported> {
  try {
    await submitReport(transport, report, { rcHash, kid: device.key.id }, signal);
  } catch (error) {
    if (!(error instanceof TwinkeepError)) throw error;
    const refused = error instanceof ProblemError && /^(report|round)\//.test(error.code);
    if (refused) await store.settleReport(rcHash, 'refused');
    return { reported: refused ? 'refused' : 'pending', round, rcHash, code: error.code };
  }
  await store.settleReport(rcHash, 'accepted');
  return { reported: 'accepted', round, rcHash };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof TwinkeepError && error.code === code;
}
