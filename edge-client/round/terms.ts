/** What a round's configuration must say, given its task and the keys that this device trusts. Every field is compared. */
import { canonicalJson } from '@twinkeep/audit';
import {
  helperEpochSchema,
  roundTerms,
  verifyStatement,
  type HelperEpoch,
  type RoundConfig,
  type Statement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { CLOCK_TOLERANCE } from './clock.ts';
import { StayHomeError } from './reasons.ts';

/** @throws StayHomeError 'config-mismatch' with the first field that differs */
export function requireTerms(config: RoundConfig, task: TaskSpec, taskHash: string, trust: Trust): void {
  const terms = { ...roundTerms(task), taskHash, issuerKeys: trust.issuer.keys };
  for (const [field, expected] of Object.entries(terms)) {
    if (canonicalJson(config[field as keyof typeof terms]) !== canonicalJson(expected))
      throw new StayHomeError('config-mismatch', field);
  }
  if (config.clientBuildHash !== null) throw new StayHomeError('config-mismatch', 'clientBuildHash');
  const { privacy } = task;
  // An adaptive bound says nothing about anybody: the noise is in units of it.
  if ((privacy.mech === 'none' || privacy.adaptiveClip === null) && config.clipL2 !== task.clipL2)
    throw new StayHomeError('config-mismatch', 'clipL2');
  if (privacy.mech === 'none' && config.kind === 'evaluate' && config.round <= task.rounds)
    throw new StayHomeError('config-mismatch', 'kind');
}

/** @throws StayHomeError 'config-mismatch' for windows that are not those of the task, 'clock-mismatch' outside of them */
export function requireOpen(config: RoundConfig, task: TaskSpec, now: number): void {
  const { openAt, closeAt, ackDeadline, revealDeadline } = config;
  const { collect, ack, reveal } = task.windows;
  const windows = [closeAt - openAt, ackDeadline - closeAt, revealDeadline - ackDeadline];
  if (windows.some((window, i) => window !== [collect, ack, reveal][i]))
    throw new StayHomeError('config-mismatch', 'windows');
  if (now < openAt - CLOCK_TOLERANCE || now >= closeAt + CLOCK_TOLERANCE)
    throw new StayHomeError('clock-mismatch');
}

/**
 * Helpers are those of the trust root, in its order, and each box key is signed by the helper's long-lived key: the coordinator,
 * who signs the configuration, could otherwise put in a key of its own.
 * @throws StayHomeError 'helpers-refused'
 */
export function requireHelpers(
  config: RoundConfig,
  epochs: readonly Statement<HelperEpoch>[],
  task: TaskSpec,
  trust: Trust,
): void {
  const trusted = trust.helpers.slice(0, task.helpers.m);
  if (trusted.length !== task.helpers.m || config.helpers.length !== trusted.length)
    throw new StayHomeError('helpers-refused', 'their number');
  trusted.forEach(({ j, key }, i) => {
    const named = config.helpers[i];
    const epoch = verifiedEpoch(epochs[i], key);
    if (named?.j !== j || named.key !== key)
      throw new StayHomeError('helpers-refused', `the key of helper ${j}`);
    if (epoch.j !== j || epoch.e !== named.e || epoch.boxKey !== named.boxKey)
      throw new StayHomeError('helpers-refused', `the box key of helper ${j} is not the one it signed`);
    if (epoch.notBefore > config.openAt + CLOCK_TOLERANCE || epoch.notAfter < config.closeAt)
      throw new StayHomeError('helpers-refused', `the epoch of helper ${j} is another time`);
  });
}

function verifiedEpoch(epoch: Statement<HelperEpoch> | undefined, key: string): HelperEpoch {
  try {
    return verifyStatement(epoch, 'helper-epoch', helperEpochSchema, key).body;
  } catch {
    throw new StayHomeError('helpers-refused', 'an epoch is not signed by its helper');
  }
}
