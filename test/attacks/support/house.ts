/**
 * The parties of an attack: real mask helpers on databases of their own, real reports, a real twin's checks; and a coordinator that says
 * whatever the test wants, signed and logged, because it holds the coordinator's keys.
 */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { checkRound, type CheckedRound, type RoundContext, type StayHome } from '@twinkeep/edge-client/fleet';
import {
  addPacked,
  decodeSums,
  helperFamily,
  initialWeights,
  noiseMultiplierFor,
  reportWords,
  setsOfHelper,
  signStatement,
  statementHash,
  subtractWords,
  unpackWords,
  weightsToBytes,
  type HelperReady,
  type HelperRound,
  type LoggedStatement,
  type PrivacySpec,
  type RoundConfig,
  type RoundOffer,
  type Statement,
  type TaskSpec,
} from '@twinkeep/protocol';
import { createHelper, nothingSent, type TestHelper } from '../../region/support/helpers.ts';
import { createParties, type Parties } from '../../region/support/parties.ts';
import {
  createScript,
  otherWork,
  workOf,
  type MadeReport,
  type Reporter,
  type Script,
} from '../../region/support/script.ts';

export type Config = LoggedStatement<RoundConfig>;
export type SetShown = NonNullable<HelperRound['set']>;
export type Four = readonly [TestHelper, TestHelper, TestHelper, TestHelper];

export interface House {
  parties: Parties;
  script: Script;
  helpers: Four;
  /** Three reporters, honest each. */
  reporters: readonly [Reporter, Reporter, Reporter];
  /** A logged configuration as the coordinator likes it. */
  config(overrides?: Partial<RoundConfig>, task?: LoggedStatement<TaskSpec>): Promise<Config>;
  /** A round of which all helpers accepted the reports of all reporters. */
  accepted(
    overrides?: Partial<RoundConfig>,
    task?: LoggedStatement<TaskSpec>,
  ): Promise<{ config: Config; reports: MadeReport[] }>;
  offer(config: Config, reports: readonly MadeReport[], to?: readonly TestHelper[]): Promise<void>;
  /** Shows a set to helpers twice: first they say ready, then they see each other's readies. */
  answer(config: Config, set: SetShown, by?: readonly TestHelper[]): Promise<void>;
  /** The next duty of a helper with an empty desk. */
  reset(): void;
  close(): Promise<void>;
}

export async function createHouse(parties?: Parties, script?: Script): Promise<House> {
  const all = parties ?? (await createParties());
  const says = script ?? (await createScript(all));
  const helpers = (await Promise.all([1, 2, 3, 4].map((j) => createHelper(all, j)))) as unknown as Four;
  const reporters = (await Promise.all(
    [1, 2, 3].map(() => says.reporter()),
  )) as unknown as House['reporters'];
  const house: House = {
    parties: all,
    script: says,
    helpers,
    reporters,
    config: (overrides, task) =>
      says.config(
        helpers.map(({ epoch }) => epoch),
        overrides,
        task,
      ),
    async accepted(overrides, task) {
      const config = await house.config(overrides, task);
      const reports = await Promise.all(reporters.map((by) => says.report(config, by)));
      await house.offer(config, reports);
      return { config, reports };
    },
    async offer(config, reports, to = helpers) {
      for (const helper of to)
        await helper.work(workOf(config, { reports: reports.map((report) => report.offered(helper.j)) }));
    },
    async answer(config, set, by = helpers) {
      for (const helper of by) await helper.work(workOf(config, { set }));
      const readies = by
        .flatMap(({ sent }) => sent.readies)
        .filter(({ body }) => body.rcHash === rcHashOf(config));
      for (const helper of by) await helper.work(workOf(config, { set, readies }));
    },
    reset() {
      for (const helper of helpers)
        Object.assign(helper, { sent: nothingSent(), refusals: [], crash: null, clock: Date.now });
    },
    close: async () => void (await Promise.all(helpers.map((helper) => helper.close()))),
  };
  return house;
}

export function rcHashOf({ statement }: { statement: Statement<RoundConfig> }): string {
  return bytesToBase64Url(statementHash(statement));
}

/** What helper j would sign for a set if the attacker ran it. */
export async function readyOf({ parties }: House, set: SetShown, j: number): Promise<Statement<HelperReady>> {
  const { statement } = set.commit;
  const scHash = bytesToBase64Url(statementHash(statement));
  return signStatement(
    'helper-ready',
    { v: 1, rcHash: statement.body.rcHash, scHash, j },
    parties.helpers[j - 1]!,
  );
}

/** Everything that helpers sent for this round, taken off the reports; null where no helper gave the sum of some set. */
export function openWith(
  { parties }: House,
  config: Config,
  reports: readonly MadeReport[],
  sent: readonly { j: number; bytes: Uint8Array }[],
): Int32Array | null {
  const { helpers, c, b } = config.statement.body;
  const words = reportWords(config.statement.body);
  const family = helperFamily(helpers.length, c);
  const sums = new Map<number, Uint8Array>();
  for (const { j, bytes } of sent) {
    const expected = { kid: parties.helpers[j - 1]!.id, sets: setsOfHelper(family, j), words, bits: b };
    for (const [set, sum] of decodeSums(bytes, expected).sums) sums.set(set, sum);
  }
  if (sums.size < family.length) return null;
  const opened = new Uint32Array(words);
  for (const { decoded } of reports) addPacked(opened, decoded.vectorBytes, b);
  for (const sum of sums.values()) subtractWords(opened, unpackWords(sum, words, b));
  // What is above the modulus is no part of a word.
  return new Int32Array(opened.buffer).map((word) => (word << (32 - b)) >> (32 - b));
}

export function clearSum(reports: readonly MadeReport[]): Int32Array {
  const sum = new Int32Array(reports[0]!.clear.length);
  for (const { clear } of reports) clear.forEach((value, i) => (sum[i] = sum[i]! + value));
  return sum;
}

export function noisy(trainings: number, evaluations: number = 1): PrivacySpec {
  return {
    mech: 'discrete-gaussian',
    noiseMultiplier: noiseMultiplierFor({ epsilon: 8, delta: 1e-5, participations: trainings }),
    epsilon: 8,
    delta: 1e-5,
    trainings,
    evaluations,
    adaptiveClip: null,
  };
}

/** Fields of a task's first round, which a twin can follow from the task alone. */
export function firstRound({ statement }: LoggedStatement<TaskSpec>): Partial<RoundConfig> {
  const weights = weightsToBytes(initialWeights(statement.body.model));
  return { round: 1, prevResultHash: null, modelHash: bytesToBase64Url(sha256(weights)) };
}

/** Proposes to helpers, and logs what they signed. */
export async function cosignWith(
  house: House,
  proposal: Awaited<ReturnType<Script['proposal']>>,
  by: readonly TestHelper[] = house.helpers,
): Promise<Config> {
  const { config } = proposal;
  const before = by.map(({ sent }) => sent.cosignatures.length);
  for (const helper of by) await helper.work(otherWork({ proposals: [proposal] }));
  const signatures = by.flatMap(({ sent }, i) =>
    sent.cosignatures.slice(before[i]).flatMap((statement) => statement.signatures),
  );
  return house.script.append({ ...config, signatures: [...config.signatures, ...signatures] });
}

/** What a twin that knows the trust root decides on a first round. */
export async function twinDecides(
  { parties, script }: House,
  task: LoggedStatement<TaskSpec>,
  config: Config,
  offered: Partial<RoundOffer> = {},
  context: Partial<RoundContext> = {},
): Promise<CheckedRound | StayHome> {
  const { taskId } = task.statement.body;
  const offer: RoundOffer = {
    rev: 1,
    taskId,
    state: 'running',
    ended: null,
    phase: 'collecting',
    config,
    epochs: [],
    lastResult: null,
    ...offered,
  };
  return checkRound(offer, {
    task,
    trust: parties.trust,
    seen: null,
    reports: [],
    nMin: 2,
    askConsistency: (from, to) => script.log.consistencyProof(from, to),
    askResults: async () => [],
    now: Date.now(),
    ...context,
  });
}

/** The epochs of all helpers, signed by each. */
export async function epochsOf({ parties, helpers }: House): Promise<RoundOffer['epochs']> {
  return Promise.all(
    helpers.map(({ epoch }) => signStatement('helper-epoch', epoch, parties.helpers[epoch.j - 1]!)),
  );
}
