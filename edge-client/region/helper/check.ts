/**
 * What a helper checks of a round before it signs its configuration, and before it opens a single box. The coordinator controls every byte
 * of it; a helper that finds anything amiss does nothing for that round, and the round goes on without it or not at all.
 */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  foreignField,
  LOG_MODE_NEEDS_WITNESSES,
  parseTask,
  roundConfigSchema,
  statementHash,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  verifyStatement,
  type BoxKeyPair,
  type HelperProposal,
  type LoggedStatement,
  type RoundConfig,
  type Statement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import type { HelperStore, StoredEpoch } from './store.ts';

export interface HelperPolicy {
  j: number;
  keyId: string;
  trust: Trust;
  /** Fewest reports in a sum. */
  minReports: number;
  /** Least noise, and most that the whole of a task may cost one participant; null: sums without noise are lent a hand to. */
  privacy: { minNoiseMultiplier: number; maxEpsilon: number; maxDelta: number } | null;
}

/** A round that this helper may work for. */
export interface HelperRoundTerms {
  config: RoundConfig;
  /** base64url. */
  rcHash: string;
  boxKeys: BoxKeyPair;
  e: number;
}

/**
 * Whether to lend a hand to a configuration, given its task.
 * @throws ProtocolError where a signature or log proof is wrong; RegionError 'helper/config' where it is not one that this helper
 *   lends a hand to
 */
export async function checkProposal(
  proposal: HelperProposal,
  policy: HelperPolicy,
  store: HelperStore,
): Promise<HelperRoundTerms> {
  const { trust } = policy;
  const config = verifyStatement(proposal.config, 'round-config', roundConfigSchema, trust.coordinator.key);
  const task = verifyLogged(proposal.task, 'task', taskSpecSchema, trustToPinned(trust)).statement;
  parseTask(task.body);
  requireTask(config.body, task, policy);
  requirePolicy(config.body, policy);
  requireHelpers(config.body, task.body, policy);
  return roundTerms(config, policy, store);
}

/** Terms of a configuration that was taken on. @throws RegionError 'helper/config' where its box key is erased meanwhile */
export async function roundTerms(
  statement: Statement<RoundConfig>,
  { j }: HelperPolicy,
  store: HelperStore,
): Promise<HelperRoundTerms> {
  const config = statement.body;
  const own = config.helpers.find((helper) => helper.j === j);
  const epoch = (await store.epochs()).find(({ e }) => e === own?.e);
  const key = epoch === undefined ? null : await store.epochKey(epoch.e);
  if (epoch === undefined || key === null || key.boxKey !== own?.boxKey)
    throw refusal('its box key for this helper is not one that this helper made, or is erased');
  requireEpoch(config, epoch);
  return {
    config,
    rcHash: bytesToBase64Url(statementHash(statement)),
    boxKeys: { publicKey: base64UrlToBytes(key.boxKey), privateKey: key.privateKey },
    e: epoch.e,
  };
}

/** Grid, modulus, floors, noise and times are those of the task, which itself is sound: `parseTask` saw to head-room and quorum. */
function requireTask(config: RoundConfig, task: Statement<TaskSpec>, { trust }: HelperPolicy): void {
  const field = foreignField(config, task, trust);
  if (field !== null) throw refusal(`its ${field} is not what the task makes of it`);
  if (config.mode === 'log' && trust.witnesses === null) throw refusal(LOG_MODE_NEEDS_WITNESSES);
}

function requirePolicy({ nMin, dp }: RoundConfig, { minReports, privacy }: HelperPolicy): void {
  if (nMin < minReports)
    throw refusal(`it opens sums of ${nMin} reports, and this helper asks for ${minReports}`);
  if (privacy === null) return;
  if (dp.mech === 'none') throw refusal('its sums carry no noise, and this helper asks for noise');
  if (dp.noiseMultiplier < privacy.minNoiseMultiplier)
    throw refusal(
      `its noise multiplier is ${dp.noiseMultiplier}, and this helper asks for ${privacy.minNoiseMultiplier}`,
    );
  if (dp.epsilon > privacy.maxEpsilon || dp.delta > privacy.maxDelta)
    throw refusal(
      `it costs a participant epsilon ${dp.epsilon} at delta ${dp.delta}, and this helper asks for at most ${privacy.maxEpsilon} at ${privacy.maxDelta}`,
    );
}

/** Each helper is the pinned one of its number, so that no set of keys of the coordinator's own can pass for helpers. */
function requireHelpers({ helpers }: RoundConfig, task: TaskSpec, { j, keyId, trust }: HelperPolicy): void {
  const pinned = helpers.every((helper, i) => helper.j === i + 1 && helper.key === trust.helpers[i]?.key);
  if (!pinned || helpers.length !== task.helpers.m) throw refusal('it names helpers that are not pinned');
  if (helpers[j - 1]?.key !== keyId) throw refusal('this helper is not among its helpers');
}

function requireEpoch({ openAt, closeAt }: RoundConfig, { notBefore, notAfter }: StoredEpoch): void {
  if (openAt < notBefore || closeAt > notAfter)
    throw refusal('reports are taken outside of the epoch of the box key');
}

/** @throws ProtocolError where the coordinator did not sign it or the log does not hold it */
export function requireLoggedConfig(
  config: LoggedStatement<RoundConfig>,
  { trust }: HelperPolicy,
): ReturnType<typeof verifyLogged<RoundConfig>> {
  return verifyLogged(config, 'round-config', roundConfigSchema, trustToPinned(trust));
}

function refusal(why: string): RegionError {
  return new RegionError('helper/config', `a round is refused: ${why}`);
}
