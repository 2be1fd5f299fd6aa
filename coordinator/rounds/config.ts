/** From a task to the configuration of its next round, and from a configuration to the rules of the round machine. Pure. */
import { bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';
import {
  gridUnit,
  helperFamily,
  parameterCount,
  reportLayout,
  type ReportLayout,
  type RoundConfig,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import type { ConsentQuestion } from '@twinkeep/consent';
import type { RoundRules } from './machine.ts';

export interface NextRound {
  taskHash: string;
  /** Its number: one more than the last, abandoned or not. */
  round: number;
  kind: RoundConfig['kind'];
  prevResultHash: string | null;
  modelHash: string;
  /** 32 random bytes, base64url: a rotation that nobody could prepare an update for. */
  rotationSeed: string;
  /** One for each helper of the task, in order. */
  epochs: { boxKey: string; e: number }[];
  now: number;
}

export function createRoundConfig(task: TaskSpec, trust: Trust, next: NextRound): RoundConfig {
  const d = parameterCount(task.model);
  const { dPadded, evaluationLength } = taskLayout(task);
  const unit = gridUnit(task.floors.maxTwins);
  const { m, c, mode, q } = task.helpers;
  const closeAt = next.now + task.windows.collect;
  const ackDeadline = closeAt + task.windows.ack;
  return {
    v: 1,
    taskId: task.taskId,
    taskHash: next.taskHash,
    round: next.round,
    kind: next.kind,
    prevResultHash: next.prevResultHash,
    modelHash: next.modelHash,
    modelBytesLen: 4 * d,
    archHash: bytesToBase64Url(sha256(canonicalBytes(task.model))),
    clientBuildHash: null,
    d,
    dPadded,
    evaluationLength,
    rotation: { type: 'hd', seed: next.rotationSeed },
    b: 32,
    clipL2: task.clipL2,
    unit,
    qTwin: unit + 1,
    rounding: { beta: 0 },
    dp: { mech: 'none' },
    groups: { G: 1 },
    nMin: task.floors.nMin,
    nTarget: task.floors.nTarget,
    minTwins: task.floors.minTwins,
    maxTwins: task.floors.maxTwins,
    helpers: trust.helpers
      .slice(0, m)
      .map(({ j, key }, i) => ({ j, key, ...(next.epochs[i] as { boxKey: string; e: number }) })),
    c,
    mode,
    q,
    issuerKeys: trust.issuer.keys,
    purpose: task.purpose,
    regime: task.regime,
    categories: task.categories,
    openAt: next.now,
    closeAt,
    ackDeadline,
    revealDeadline: ackDeadline + task.windows.reveal,
  };
}

export function taskLayout(task: TaskSpec): ReportLayout {
  return reportLayout(parameterCount(task.model), task.evaluation.bins);
}

export function configToRules(config: RoundConfig): RoundRules {
  const m = config.helpers.length;
  const numbers = config.helpers.map(({ j }) => j);
  return {
    nMin: config.nMin,
    nTarget: config.nTarget,
    m,
    q: config.q,
    closeAt: config.closeAt,
    revealDeadline: config.revealDeadline,
    ackWindow: config.ackDeadline - config.closeAt,
    revealWindow: config.revealDeadline - config.ackDeadline,
    sets: helperFamily(m, config.c).map((set) => {
      const holders = numbers.filter((j) => !set.includes(j));
      return { holders, votes: Math.min(holders.length, config.c + 1) };
    }),
  };
}

/**
 * What is asked of every twin's consent at intake (G2) and when the set is fixed (G3). The cohort is the floor that the round promises,
 * at least one twin in each of `nMin` reports: what a node can know before it reports, and what no drop-out can undercut.
 */
export function consentQuestion(config: RoundConfig): Omit<ConsentQuestion, 'subject'> {
  return {
    categories: config.categories,
    purpose: config.purpose,
    operation: 'contribute',
    cohort: config.nMin,
  };
}
