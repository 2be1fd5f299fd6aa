/**
 * What a helper checks of a round before it opens a single box. The coordinator controls every byte of the configuration; a helper
 * that finds anything amiss does nothing for that round, and the round goes on without it or not at all.
 */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  roundConfigSchema,
  smallestQuorum,
  statementHash,
  trustToPinned,
  verifyLogged,
  type BoxKeyPair,
  type LoggedStatement,
  type RoundConfig,
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
 * @throws ProtocolError where signature or log proof are wrong; RegionError 'helper/config' where the configuration is not one
 *   that this helper lends a hand to
 */
export async function checkRoundConfig(
  logged: LoggedStatement<RoundConfig>,
  policy: HelperPolicy,
  store: HelperStore,
): Promise<HelperRoundTerms> {
  const { trust } = policy;
  const { statement } = verifyLogged(logged, 'round-config', roundConfigSchema, trustToPinned(trust));
  const config = statement.body;
  requireHelpers(config, policy);
  requirePrivacy(config, policy);
  requireTimes(config);
  const own = config.helpers.find(({ j }) => j === policy.j)!;
  const epoch = (await store.epochs()).find(({ e }) => e === own.e);
  const key = await store.epochKey(own.e);
  if (epoch === undefined || key === null || key.boxKey !== own.boxKey)
    throw refusal('its box key for this helper is not one that this helper made, or is erased');
  requireEpoch(config, epoch);
  return {
    config,
    rcHash: bytesToBase64Url(statementHash(statement)),
    boxKeys: { publicKey: base64UrlToBytes(key.boxKey), privateKey: key.privateKey },
    e: own.e,
  };
}

/** Each helper is the pinned one of its number, so that no set of keys of the coordinator's own can pass for helpers. */
function requireHelpers({ helpers, c, q }: RoundConfig, { j, keyId, trust }: HelperPolicy): void {
  const pinned = helpers.every((helper, i) => helper.j === i + 1 && helper.key === trust.helpers[i]?.key);
  if (!pinned) throw refusal('it names helpers that are not pinned');
  if (helpers[j - 1]?.key !== keyId) throw refusal('this helper is not among its helpers');
  if (c >= helpers.length || q < smallestQuorum(helpers.length, c) || q > helpers.length)
    throw refusal('its quorum lets a coordinator show two sets');
}

function requirePrivacy(config: RoundConfig, { minReports, trust }: HelperPolicy): void {
  if (config.nMin < minReports)
    throw refusal(`it opens sums of ${config.nMin} reports, and this helper asks for ${minReports}`);
  if (config.issuerKeys.some((key) => !trust.issuer.keys.includes(key)))
    throw refusal('it takes credentials of an issuer that is not pinned');
  if (config.qTwin <= config.unit || config.maxTwins * config.qTwin >= 2 ** 31)
    throw refusal('its fixed point has no head-room for its twins');
}

function requireTimes({ openAt, closeAt, ackDeadline, revealDeadline }: RoundConfig): void {
  if (!(openAt < closeAt && closeAt <= ackDeadline && ackDeadline <= revealDeadline))
    throw refusal('its times are not in order');
}

function requireEpoch({ openAt, closeAt }: RoundConfig, { notBefore, notAfter }: StoredEpoch): void {
  if (openAt < notBefore || closeAt > notAfter)
    throw refusal('reports are taken outside of the epoch of the box key');
}

function refusal(why: string): RegionError {
  return new RegionError('helper/config', `a round is refused: ${why}`);
}
