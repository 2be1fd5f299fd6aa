/** From a task to the configuration of its next round, and from a configuration to the rules of the round machine. Pure. */
import { helperFamily, roundTerms, type RoundConfig, type TaskSpec, type Trust } from '@twinkeep/protocol';
import type { RoundRules } from './machine.ts';

export interface NextRound {
  taskHash: string;
  /** Its number: one more than the last, abandoned or not. */
  round: number;
  kind: RoundConfig['kind'];
  prevResultHash: string | null;
  modelHash: string;
  /** The task's, or where the bound adapts, what the last result says. */
  clipL2: number;
  /** 32 random bytes, base64url: a rotation that nobody could prepare an update for. */
  rotationSeed: string;
  /** One for each helper of the task, in order. */
  epochs: { boxKey: string; e: number }[];
  now: number;
}

export function createRoundConfig(task: TaskSpec, trust: Trust, next: NextRound): RoundConfig {
  const closeAt = next.now + task.windows.collect;
  const ackDeadline = closeAt + task.windows.ack;
  return {
    ...roundTerms(task),
    taskHash: next.taskHash,
    round: next.round,
    kind: next.kind,
    prevResultHash: next.prevResultHash,
    modelHash: next.modelHash,
    clientBuildHash: null,
    rotation: { type: 'hd', seed: next.rotationSeed },
    clipL2: next.clipL2,
    helpers: trust.helpers
      .slice(0, task.helpers.m)
      .map(({ j, key }, i) => ({ j, key, ...(next.epochs[i] as { boxKey: string; e: number }) })),
    issuerKeys: trust.issuer.keys,
    openAt: next.now,
    closeAt,
    ackDeadline,
    revealDeadline: ackDeadline + task.windows.reveal,
  };
}

export function configToRules(config: RoundConfig): RoundRules {
  const m = config.helpers.length;
  const ackWindow = config.ackDeadline - config.closeAt;
  const numbers = config.helpers.map(({ j }) => j);
  return {
    nMin: config.nMin,
    nTarget: config.nTarget,
    m,
    c: config.c,
    q: config.q,
    // Signatures take from the time for reports: half of it, or as long as helpers have to judge.
    cosignBy: Math.min(
      config.openAt + Math.max(ackWindow, (config.closeAt - config.openAt) / 2),
      config.closeAt,
    ),
    closeAt: config.closeAt,
    revealDeadline: config.revealDeadline,
    ackWindow,
    revealWindow: config.revealDeadline - config.ackDeadline,
    holders: helperFamily(m, config.c).map((set) => numbers.filter((j) => !set.includes(j))),
  };
}
