/**
 * A coordinator that does what a test tells it to, lies included: it signs and logs whatever it is given. Reports are real ones.
 */
import { bytesToBase64Url, createLeaf, createLog, type Log } from '@twinkeep/audit';
import {
  ascendingHashes,
  clipDelta,
  createSigningKey,
  decodeReport,
  planGrid,
  maskReport,
  quantize,
  randomBytes,
  reportLayout,
  rotationSigns,
  setRoot,
  signStatement,
  statementHash,
  type DecodedReport,
  type HelperEpoch,
  type HelperRound,
  type HelperWork,
  type LoggedStatement,
  type RoundConfig,
  type SetCommit,
  type SigningKey,
  type StatementType,
} from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { createMemoryLogState, createMemoryLogStore } from '../../support/memory-log-store.ts';
import { LOG_ORIGIN, type Parties } from './parties.ts';

export const D = 20;
export const BINS = 200;
const MAX_TWINS = 10_000;

export interface Reporter {
  key: SigningKey;
  credential: string;
}

export interface MadeReport {
  decoded: DecodedReport;
  headerHash: string;
  /** The quantised sum before masking. */
  clear: Int32Array;
  /** As helper j gets it. */
  offered(j: number): HelperRound['reports'][number];
}

export interface Script {
  log: Log;
  publish<T>(type: StatementType, body: T, key?: SigningKey): Promise<LoggedStatement<T>>;
  config(
    epochs: readonly HelperEpoch[],
    overrides?: Partial<RoundConfig>,
  ): Promise<LoggedStatement<RoundConfig>>;
  reporter(claims?: Parameters<Parties['admit']>[1]): Promise<Reporter>;
  report(
    config: LoggedStatement<RoundConfig>,
    by: Reporter,
    twins?: number,
    /** Box keys that the seeds are sealed to, where they are not the round's. */
    sealedTo?: RoundConfig['helpers'],
  ): Promise<MadeReport>;
  commit(
    config: LoggedStatement<RoundConfig>,
    reports: readonly MadeReport[],
    overrides?: Partial<SetCommit>,
  ): Promise<NonNullable<HelperRound['set']>>;
}

export function createScript(parties: Parties): Script {
  const log = createLog({
    store: createMemoryLogStore(createMemoryLogState()),
    signer: parties.logSigner,
    origin: LOG_ORIGIN,
  });
  let round = 0;

  const publish: Script['publish'] = async (type, body, key = parties.coordinator) => {
    const statement = await signStatement(type, body, key);
    const salt = randomBytes(32);
    const { leaf } = createLeaf({ type, at: new Date(), body: statement, salt });
    const { firstIndex } = await log.append([leaf]);
    const proof = await log.receipt(firstIndex);
    return { statement, leaf: bytesToBase64Url(leaf), salt: bytesToBase64Url(salt), proof };
  };

  return {
    log,
    publish,
    config: (epochs, overrides = {}) =>
      publish('round-config', { ...baseConfig(parties, epochs, ++round), ...overrides }),
    async reporter(claims) {
      const key = await createSigningKey();
      return { key, credential: await parties.admit(key, claims) };
    },
    async report(logged, by, twins = 1_000, sealedTo = logged.statement.body.helpers) {
      const { body: config } = logged.statement;
      const rcHash = statementHash(logged.statement);
      const layout = reportLayout(config.d, BINS);
      const signs = await rotationSigns(new Uint8Array(32), layout.dPadded, nodePrg);
      const grid = { ...config, layout, signs };
      const update = clipDelta(
        Float64Array.from({ length: D }, () => Math.random() - 0.5),
        config.clipL2,
      );
      const evaluation = { values: new Float64Array(layout.evaluationLength), twins: twins - 1 };
      const quantized = quantize(update, evaluation, grid, randomBytes);
      const members = Array.from({ length: twins }, () => bytesToBase64Url(randomBytes(16)));
      const round = { config: { ...config, helpers: sealedTo }, rcHash };
      const masked = await maskReport(quantized, members, round, by, { prg: nodePrg, random: randomBytes });
      const decoded = decodeReport(masked.bytes, config, rcHash);
      return {
        decoded,
        headerHash: bytesToBase64Url(masked.headerHash),
        clear: quantized.values,
        offered: (j) => ({
          header: bytesToBase64Url(decoded.headerBytes),
          signature: bytesToBase64Url(decoded.signature),
          box: bytesToBase64Url(decoded.boxes[j - 1]!),
        }),
      };
    },
    async commit(logged, reports, overrides = {}) {
      const members = ascendingHashes(reports.map(({ headerHash }) => headerHash));
      const body: SetCommit = {
        v: 1,
        rcHash: bytesToBase64Url(statementHash(logged.statement)),
        g: 0,
        count: members.length,
        twins: reports.reduce((sum, { decoded }) => sum + decoded.header.twins, 0),
        merkleRoot: setRoot(members),
        responding: [1, 2, 3, 4],
        consent: { size: 0, root: bytesToBase64Url(new Uint8Array(32)) },
        dropped: [],
        ...overrides,
      };
      return { commit: await publish('set-commit', body), members };
    },
  };
}

/** What a helper is told in one answer: one round, at one stage. */
export function workOf(
  config: LoggedStatement<RoundConfig>,
  stage: Partial<Pick<HelperRound, 'phase' | 'reports' | 'set' | 'readies'>>,
): HelperWork {
  const phase = stage.set === undefined || stage.set === null ? 'collecting' : 'revealing';
  return { rev: 1, rounds: [{ config, phase, reports: [], set: null, readies: [], ...stage }] };
}

function baseConfig(parties: Parties, epochs: readonly HelperEpoch[], round: number): RoundConfig {
  const now = Date.now();
  const { dPadded, evaluationLength } = reportLayout(D, BINS);
  const { unit, qTwin } = planGrid({ bits: 32, maxTwins: MAX_TWINS, dPadded: 1, noise: null });
  const hash = bytesToBase64Url(new Uint8Array(32));
  return {
    v: 1,
    taskId: 'task',
    taskHash: hash,
    round,
    kind: 'train',
    prevResultHash: null,
    modelHash: bytesToBase64Url(randomBytes(32)),
    modelBytesLen: 4 * D,
    archHash: hash,
    clientBuildHash: null,
    d: D,
    dPadded,
    evaluationLength,
    clipLength: 0,
    rotation: { type: 'hd', seed: hash },
    b: 32,
    clipL2: 1,
    unit,
    evaluationUnit: unit,
    clipStep: 0,
    qTwin,
    rounding: { beta: 0 },
    dp: { mech: 'none' },
    groups: { G: 1 },
    nMin: 2,
    nTarget: 3,
    minTwins: 20,
    maxTwins: MAX_TWINS,
    helpers: epochs.map(({ j, e, boxKey }) => ({ j, e, boxKey, key: parties.trust.helpers[j - 1]!.key })),
    c: 1,
    mode: 'quorum',
    q: 3,
    issuerKeys: parties.trust.issuer.keys,
    purpose: 'https://w3id.org/dpv#ServiceOptimisation',
    regime: 'gdpr-optin@1',
    categories: { required: ['transactional'], optional: [] },
    openAt: now,
    closeAt: now + 60_000,
    ackDeadline: now + 90_000,
    revealDeadline: now + 120_000,
  };
}
