/**
 * A helper's part after a set is fixed. In quorum mode: ready, then, once q helpers are ready for the same set, its sums of masks. In log
 * mode: its sums, once it has read in the witnessed log that there is no other set of the round.
 *
 * Order is everything here. Each flag is durable before the statement that rests on it is made, and each flag is bound to one set
 * for ever, so that whatever crashes, and whatever the coordinator shows later, no second set gets a ready or a sum. Answering the
 * same set again is harmless: the sums, noise included, are the same bytes, and no budget is spent twice. Section 2.5, steps 6 and 7.
 */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  ascendingHashes,
  encodeSums,
  helperFamily,
  helperReadySchema,
  noiseKey,
  reportWords,
  setCommitSchema,
  setRoot,
  setsOfHelper,
  signStatement,
  statementHash,
  trustToPinned,
  verifyLogged,
  verifyStatement,
  type HelperReady,
  type HelperRound,
  type HelperSet,
  type RoundConfig,
  type SetCommit,
  type SigningKey,
  type Statement,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import type { HelperPolicy, HelperRoundTerms } from './check.ts';
import { followLog, type LogSource } from './follow-log.ts';
import type { SetRefusal } from './ledger.ts';
import type { LoggedSet } from './log-position.ts';
import type { HelperStore } from './store.ts';
import type { MaskThreads } from './threads.ts';

export interface AnswerDeps {
  policy: HelperPolicy;
  key: SigningKey;
  store: HelperStore;
  /** The audit log, as the coordinator serves it. */
  source: LogSource;
  masks: Pick<MaskThreads, 'sumMasks' | 'addNoise'>;
  /** Milliseconds since 1970. */
  clock: () => number;
}

/** A set that this helper may answer for. */
export interface CheckedSet {
  scHash: string;
  /** Header hashes. */
  members: readonly string[];
}

/**
 * Everything about a set that a helper can know. @throws ProtocolError, or RegionError 'helper/set', 'helper/closed', 'helper/log'
 */
export async function checkSet(
  set: NonNullable<HelperRound['set']>,
  { config, rcHash }: HelperRoundTerms,
  { policy, store, source, clock }: AnswerDeps,
): Promise<CheckedSet> {
  const shown = verifyLogged(set.commit, 'set-commit', setCommitSchema, trustToPinned(policy.trust));
  const { statement } = shown;
  const commit = statement.body;
  const scHash = bytesToBase64Url(statementHash(statement));
  if (commit.rcHash !== rcHash) throw refusal('it is of another round');
  await followLog(shown, { store, source });
  await requireOnlySet({ leaf: shown.index, rcHash, scHash }, shown.checkpoint.size, store);
  if (clock() > config.revealDeadline) throw new RegionError('helper/closed', 'the time to answer is over');
  requireMembers(set.members, commit, config, policy.minReports);
  const verdicts = await store.verdicts(rcHash, set.members);
  if (set.members.some((member) => verdicts.get(member)?.code !== null))
    throw refusal('it has a member that this helper did not accept');
  const twins = [...verdicts.values()].reduce((sum, verdict) => sum + verdict.twins, 0);
  if (twins !== commit.twins || twins > config.maxTwins) throw refusal('its twins do not add up');
  return { scHash, members: ascendingHashes(set.members) };
}

/** Binds the round to the set, durably; only then is there a statement. @throws RegionError 'helper/set' for a second set */
export async function makeReady(
  { scHash, members }: CheckedSet,
  { rcHash }: HelperRoundTerms,
  { policy, key, store }: AnswerDeps,
): Promise<Statement<HelperReady>> {
  requireNone(await store.bindSet(rcHash, scHash, members));
  const body: HelperReady = { v: 1, rcHash, scHash, j: policy.j };
  return signStatement('helper-ready', body, key);
}

/**
 * Who says, with a valid signature, that they are ready for this very set. @returns `said`: this helper is among them;
 * `agreed`: so are q helpers altogether
 */
export function countReadies(
  readies: readonly unknown[],
  { scHash }: CheckedSet,
  { config, rcHash }: HelperRoundTerms,
  { policy }: AnswerDeps,
): { said: boolean; agreed: boolean } {
  const ready = config.helpers.filter(({ j, key }) =>
    readies.some((candidate) => {
      const body = readyBody(candidate, key);
      return body?.j === j && body.rcHash === rcHash && body.scHash === scHash;
    }),
  );
  const said = ready.some(({ j }) => j === policy.j);
  return { said, agreed: said && ready.length >= config.q };
}

/** Marks the set as answered and spends its members' budget, durably; only then are sums computed. @returns bytes of `encodeSums` */
export async function revealSums(
  { scHash, members }: CheckedSet,
  { config, rcHash }: HelperRoundTerms,
  { policy, key, store, masks }: AnswerDeps,
): Promise<Uint8Array> {
  requireNone(await store.answerSet(rcHash, scHash, members));
  const kept = await store.seeds(rcHash, members);
  if (kept.size !== members.length)
    throw new RegionError('helper/closed', 'the seeds of the round are erased');
  const seeds = members.map((member) => kept.get(member)!);
  const family = helperFamily(config.helpers.length, config.c);
  const sets = setsOfHelper(family, policy.j).map((index) => [index, family[index] as HelperSet] as const);
  const sums = await masks.sumMasks(seeds, {
    rcHash: base64UrlToBytes(rcHash),
    words: reportWords(config),
    sets,
  });
  if (config.dp.mech !== 'none') {
    const keys = sets.map(([index, set]) => {
      const own = seeds.map((bySet) => bySet.get(index)!);
      return [index, noiseKey(own, base64UrlToBytes(scHash), set)] as const;
    });
    await masks.addNoise(sums, new Map(keys), config.dp.sigmaSquared);
  }
  return encodeSums(sums, { rcHash, scHash, j: policy.j }, config.b, key);
}

/** The log up to `size` leaves, all of which this helper has read, holds this set of the round and no other. */
async function requireOnlySet(
  { leaf, rcHash, scHash }: LoggedSet,
  size: number,
  store: HelperStore,
): Promise<void> {
  const [first, ...others] = (await store.setsOfRound(rcHash)).filter((set) => set.leaf < size);
  if (first?.scHash !== scHash || first.leaf !== leaf || others.length > 0)
    throw refusal('it is not the only one of its round in the audit log');
}

const REFUSALS: Readonly<Record<Exclude<SetRefusal, 'closed'>, string>> = {
  'other-set': 'this helper is bound to another one of this round',
  'model-answered':
    'a sum over the same model was answered before, and without noise their difference would tell',
  'budget-spent': 'the privacy budget of a member is spent',
};

function requireNone(why: SetRefusal | null): void {
  if (why === 'closed') throw new RegionError('helper/closed', 'the round is over');
  if (why !== null) throw refusal(REFUSALS[why]);
}

function requireMembers(
  members: readonly string[],
  commit: SetCommit,
  { nMin }: RoundConfig,
  minReports: number,
): void {
  if (new Set(members).size !== members.length) throw refusal('it names a report twice');
  if (members.length !== commit.count) throw refusal('its count is not that of its members');
  if (members.length < Math.max(nMin, minReports)) throw refusal('it is smaller than the smallest cohort');
  if (setRoot(members) !== commit.merkleRoot) throw refusal('its root is not that of its members');
}

function readyBody(candidate: unknown, kid: string): HelperReady | null {
  try {
    return verifyStatement(candidate, 'helper-ready', helperReadySchema, kid).body;
  } catch {
    return null;
  }
}

function refusal(why: string): RegionError {
  return new RegionError('helper/set', `a set is refused: ${why}`);
}
