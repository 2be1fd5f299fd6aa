/** A mask helper's half of a round, played by the protocol's own functions, without its own storage. */
import { base64UrlToBytes } from '@twinkeep/audit';
import {
  addMask,
  addNoise,
  ascendingHashes,
  createBoxKeyPair,
  encodeSums,
  helperFamily,
  helperWorkSchema,
  noiseKey,
  MEDIA,
  openSeeds,
  reportWords,
  PATHS,
  setRoot,
  setsOfHelper,
  signStatement,
  statementHash,
  verifyHeader,
  webCryptoPrg,
  type BoxKeyPair,
  type HelperAck,
  type HelperClosing,
  type HelperEpoch,
  type HelperProposal,
  type HelperRound,
  type HelperWork,
  type SigningKey,
  type Statement,
} from '@twinkeep/protocol';
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import * as v from 'valibot';
import type { Answer, Client } from './client.ts';

export interface TestHelper {
  j: number;
  publishEpoch(e?: number): Promise<Answer>;
  work(after?: number, wait?: number): Promise<HelperWork>;
  /** Signs whatever is proposed; a helper of the house checks it first. */
  cosign(proposal: HelperProposal): Promise<Answer>;
  close(closing: HelperClosing, ready?: boolean): Promise<Answer>;
  /** Verdicts on all reports in the work; `refuse` names header hashes to refuse. */
  judge(round: HelperRound, refuse?: readonly string[]): Promise<Answer>;
  ready(round: HelperRound): Promise<Answer>;
  /** @param spoil changes the sums before they are signed: what a lying helper would send */
  sums(round: HelperRound, spoil?: (words: Uint32Array, set: number) => void): Promise<Answer>;
}

export function createTestHelper(j: number, key: SigningKey, client: () => Client): TestHelper {
  const boxKeys = new Map<number, BoxKeyPair>();
  const epochs = new Map<number, Statement<HelperEpoch>>();
  /** By rcHash, then header hash. */
  const seeds = new Map<string, Map<string, Map<number, Uint8Array>>>();

  const rcHashOf = (round: HelperRound): string => bytesToBase64Url(statementHash(round.config.statement));
  const put = (path: string, body: object): Promise<Answer> =>
    client().sendAsHelper(key, { method: 'PUT', path, body });

  const makeEpoch = (e: number): Promise<Statement<HelperEpoch>> => {
    const pair = createBoxKeyPair();
    boxKeys.set(e, pair);
    const boxKey = bytesToBase64Url(pair.publicKey);
    const now = Date.now();
    return signStatement(
      'helper-epoch',
      { v: 1, j, e, boxKey, notBefore: now - 1_000, notAfter: now + 864e5 },
      key,
    );
  };

  return {
    j,
    publishEpoch: async (e = 1) => {
      const statement = epochs.get(e) ?? (await makeEpoch(e));
      epochs.set(e, statement);
      return put(PATHS.helperEpoch(j), statement);
    },
    work: async (after, wait = 0) => {
      const query = after === undefined ? '' : `?after=${after}&wait=${wait}`;
      const answer = await client().sendAsHelper(key, { method: 'GET', path: PATHS.helperWork(j) + query });
      return v.parse(helperWorkSchema, answer.body);
    },
    cosign: async ({ config }) => {
      const rcHash = bytesToBase64Url(statementHash(config));
      return put(PATHS.helperCosignature(j, rcHash), await signStatement('round-config', config.body, key));
    },
    close: async ({ config }, ready = false) => {
      const rcHash = bytesToBase64Url(statementHash(config.statement));
      const close = { v: 1, rcHash, j, ready };
      return put(PATHS.helperClose(j, rcHash), await signStatement('helper-close', close, key));
    },
    judge: async (round, refuse = []) => {
      const config = round.config.statement.body;
      const rcHash = rcHashOf(round);
      const family = helperFamily(config.helpers.length, config.c);
      const opened = seeds.get(rcHash) ?? new Map<string, Map<number, Uint8Array>>();
      seeds.set(rcHash, opened);
      const ack: HelperAck = { v: 1, rcHash, j, accepted: [], refused: [] };
      for (const report of round.reports) {
        const headerBytes = base64UrlToBytes(report.header);
        const header = verifyHeader(headerBytes, base64UrlToBytes(report.signature));
        const name = bytesToBase64Url(sha256(headerBytes));
        if (refuse.includes(name)) {
          ack.refused.push({ header: name, code: 'report/box-hash' });
          continue;
        }
        const context = {
          rcHash: base64UrlToBytes(rcHash),
          reporterKey: base64UrlToBytes(header.key),
          vectorHash: base64UrlToBytes(header.vectorHash),
        };
        const own = config.helpers.find((helper) => helper.j === j);
        opened.set(
          name,
          openSeeds(
            base64UrlToBytes(report.box),
            context,
            family,
            header.commitments.map((commitment) => base64UrlToBytes(commitment)),
            j,
            boxKeys.get(own?.e ?? 0) as BoxKeyPair,
          ),
        );
        ack.accepted.push(name);
      }
      return put(PATHS.helperAck(j, rcHash), await signStatement('helper-ack', ack, key));
    },
    ready: async (round) => {
      const { commit, members } = round.set as NonNullable<HelperRound['set']>;
      if (setRoot(members) !== commit.statement.body.merkleRoot)
        throw new Error('the members are not those of the set commit');
      const rcHash = rcHashOf(round);
      const ready = { v: 1, rcHash, scHash: bytesToBase64Url(statementHash(commit.statement)), j };
      return put(PATHS.helperReady(j, rcHash), await signStatement('helper-ready', ready, key));
    },
    sums: async (round, spoil = () => undefined) => {
      const config = round.config.statement.body;
      const { commit, members } = round.set as NonNullable<HelperRound['set']>;
      const rcHash = rcHashOf(round);
      const family = helperFamily(config.helpers.length, config.c);
      const sums = new Map<number, Uint32Array>();
      for (const index of setsOfHelper(family, j)) {
        const sum = new Uint32Array(reportWords(config));
        for (const member of members) {
          const seed = seeds.get(rcHash)?.get(member)?.get(index) as Uint8Array;
          await addMask(
            sum,
            seed,
            base64UrlToBytes(rcHash),
            family[index] as readonly number[],
            webCryptoPrg,
          );
        }
        await addNoiseOf(
          round,
          sum,
          family[index] as readonly number[],
          (member) => seeds.get(rcHash)?.get(member)?.get(index) as Uint8Array,
        );
        spoil(sum, index);
        sums.set(index, sum);
      }
      const scHash = bytesToBase64Url(statementHash(commit.statement));
      const body = await encodeSums(sums, { rcHash, scHash, j }, config.b, key);
      return client().sendAsHelper(key, {
        method: 'PUT',
        path: PATHS.helperSums(j, rcHash),
        body,
        type: MEDIA.sums,
      });
    },
  };
}

/** The noise that all holders of a set agree on. */
async function addNoiseOf(
  { config, set }: HelperRound,
  sum: Uint32Array,
  family: readonly number[],
  seedOf: (member: string) => Uint8Array,
): Promise<void> {
  const { dp } = config.statement.body;
  if (dp.mech === 'none' || set === null) return;
  const key = noiseKey(ascendingHashes(set.members).map(seedOf), statementHash(set.commit.statement), family);
  await addNoise(sum, key, dp.sigmaSquared, webCryptoPrg);
}
