/** What a round's configuration must say, given its task and the keys that this device trusts. Every field is compared. */
import {
  cosigners,
  foreignField,
  helperEpochSchema,
  LOG_MODE_NEEDS_WITNESSES,
  verifyStatement,
  type HelperEpoch,
  type RoundConfig,
  type Statement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { CLOCK_TOLERANCE } from './clock.ts';
import { StayHomeError } from './reasons.ts';

/** @throws StayHomeError 'config-mismatch' with the first field that differs, 'no-witnesses' */
export function requireTerms(config: RoundConfig, task: Statement<TaskSpec>, trust: Trust): void {
  const field = foreignField(config, task, trust);
  if (field !== null) throw new StayHomeError('config-mismatch', field);
  if (config.mode === 'log' && trust.witnesses === null)
    throw new StayHomeError('no-witnesses', LOG_MODE_NEEDS_WITNESSES);
}

/** @throws StayHomeError 'clock-mismatch' */
export function requireOpen({ openAt, closeAt }: RoundConfig, now: number): void {
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

/**
 * So many helpers have checked the very same configuration, each against its own floors: a coordinator that shows one party another
 * configuration of a round finds no helper for it. They are those of the trust root: `requireHelpers` comes first.
 * @throws StayHomeError 'not-cosigned'
 */
export function requireCosigned(statement: Statement<RoundConfig>): void {
  const signed = cosigners(statement).length;
  const { q } = statement.body;
  if (signed < q) throw new StayHomeError('not-cosigned', `${signed} of ${q}`);
}

function verifiedEpoch(epoch: Statement<HelperEpoch> | undefined, key: string): HelperEpoch {
  try {
    return verifyStatement(epoch, 'helper-epoch', helperEpochSchema, key).body;
  } catch {
    throw new StayHomeError('helpers-refused', 'an epoch is not signed by its helper');
  }
}
