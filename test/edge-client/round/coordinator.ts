/**
 * The other parties of a round, played by a test with protocol functions only: coordinator, log, issuer and helpers. Nothing of the
 * coordinator's own code runs here, so an error that both made would show against it elsewhere.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  createLeaf,
  createLog,
  createNoteKey,
  createSigner,
  noteKeyToVkey,
  sha256,
  type Log,
} from '@twinkeep/audit';
import {
  addMask,
  addPacked,
  createBoxKeyPair,
  createSigningKey,
  decodeReport,
  helperFamily,
  initialWeights,
  issueCredential,
  openSeeds,
  randomBytes,
  setsOfHelper,
  signStatement,
  statementHash,
  subtractWords,
  webCryptoPrg,
  weightsToBytes,
  type BoxKeyPair,
  type DecodedReport,
  type HelperEpoch,
  type LoggedStatement,
  type RoundConfig,
  type RoundEnd,
  type RoundOffer,
  type RoundResult,
  type SigningKey,
  type Statement,
  type StatementType,
  type TaskSpec,
  type Trust,
  roundTerms,
} from '@twinkeep/protocol';
import { createMemoryLogState, createMemoryLogStore } from '../../support/memory-log-store.ts';

const ORIGIN = 'log.example/twinkeep';

export interface TestCoordinator {
  trust: Trust;
  key: SigningKey;
  issuer: SigningKey;
  helpers: { key: SigningKey; box: BoxKeyPair; epoch: Statement<HelperEpoch> }[];
  log: Log;
  /** Another log under the same key: what a coordinator that rewrites history would serve. */
  emptyLog(): Log;
  models: Map<string, Uint8Array>;
  results: RoundEnd[];
  /** Signs, commits and logs a statement. */
  publish<T>(type: StatementType, body: T): Promise<LoggedStatement<T>>;
  publishTask(task: TaskSpec): Promise<LoggedStatement<TaskSpec>>;
  /** The next round of a task, with any field of the configuration or offer replaced. */
  openRound(task: LoggedStatement<TaskSpec>, change?: RoundChange): Promise<RoundOffer>;
  /** Ends the round of an offer and makes its result the last one; these helpers close it. */
  endRound(
    offer: RoundOffer,
    change?: Partial<RoundResult>,
    closes?: readonly Close[],
  ): Promise<LoggedStatement<RoundResult>>;
  credentialFor(
    device: SigningKey,
    claims?: { maxTwins?: number; sub?: string; now?: number },
  ): Promise<string>;
}

/** What helper j says of an abandoned round. */
export interface Close {
  j: number;
  ready?: boolean;
}

export interface RoundChange {
  /** Helpers that signed the configuration; all, unless told otherwise. */
  cosigners?: readonly number[];
  config?: Partial<RoundConfig>;
  offer?: Partial<RoundOffer>;
  now?: number;
}

export const ROUND_OPEN: number = Date.parse('2026-03-01T12:00:00Z');

export async function createTestCoordinator(helperCount = 4): Promise<TestCoordinator> {
  const [key, issuer] = await Promise.all([createSigningKey(true), createSigningKey(true)]);
  const helpers = await Promise.all(Array.from({ length: helperCount }, (_, i) => createHelper(i + 1)));
  const signer = createSigner(randomBytes(32));
  const emptyLog = (): Log =>
    createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin: ORIGIN });
  const log = emptyLog();
  const trust: Trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.example', operator: 'Example Bank', key: key.id },
    log: { vkey: noteKeyToVkey(createNoteKey(ORIGIN, signer.publicKey)) },
    witnesses: null,
    helpers: helpers.map((helper, i) => ({ j: i + 1, operator: `Operator ${i + 1}`, key: helper.key.id })),
    issuer: { id: 'https://bank.example', keys: [issuer.id] },
  };
  const coordinator: TestCoordinator = {
    trust,
    key,
    issuer,
    helpers,
    log,
    emptyLog,
    models: new Map(),
    results: [],
    publish: async (type, body) => logStatement(log, await signStatement(type, body, key)),
    publishTask: (task) => coordinator.publish('task', task),
    openRound: (task, change) => openRound(coordinator, task, change ?? {}),
    endRound: async (offer, change, closes = helpers.map((_, i) => ({ j: i + 1 }))) => {
      const result = await coordinator.publish('round-result', resultOf(offer, change ?? {}));
      const { rcHash } = result.statement.body;
      const signed = closes.map(({ j, ready = false }) =>
        signStatement('helper-close', { v: 1 as const, rcHash, j, ready }, helpers[j - 1]!.key),
      );
      coordinator.results.push({ result, closes: await Promise.all(signed) });
      return result;
    },
    credentialFor: (
      device,
      { maxTwins = 1_000, sub = bytesToBase64Url(randomBytes(16)), now = ROUND_OPEN } = {},
    ) =>
      issueCredential(
        { sub, devicePublicKey: device.publicKey, maxTwins, scope: 'device' },
        { id: trust.issuer.id, key: issuer },
        trust.coordinator.id,
        new Date(now - 1000),
        86_400,
      ),
  };
  return coordinator;
}

/** Puts a statement into the log as its own leaf type, with the proof under the newest checkpoint. */
export async function logStatement<T>(log: Log, statement: Statement<T>): Promise<LoggedStatement<T>> {
  const salt = randomBytes(32);
  const { leaf } = createLeaf({ type: statement.type, at: new Date(ROUND_OPEN), body: statement, salt });
  const { firstIndex } = await log.append([leaf]);
  const proof = await log.receipt(firstIndex);
  return { statement, leaf: bytesToBase64Url(leaf), salt: bytesToBase64Url(salt), proof };
}

async function createHelper(j: number): Promise<TestCoordinator['helpers'][number]> {
  const key = await createSigningKey(true);
  const box = createBoxKeyPair();
  const body: HelperEpoch = {
    v: 1,
    j,
    e: 1,
    boxKey: bytesToBase64Url(box.publicKey),
    notBefore: ROUND_OPEN - 3_600_000,
    notAfter: ROUND_OPEN + 82_800_000,
  };
  return { key, box, epoch: await signStatement('helper-epoch', body, key) };
}

async function openRound(
  coordinator: TestCoordinator,
  task: LoggedStatement<TaskSpec>,
  { config: changed, offer: changedOffer, cosigners = [1, 2, 3, 4], now = ROUND_OPEN }: RoundChange,
): Promise<RoundOffer> {
  const spec = task.statement.body;
  const last = coordinator.results.at(-1)?.result ?? null;
  const first = weightsToBytes(initialWeights(spec.model));
  coordinator.models.set(bytesToBase64Url(sha256(first)), first);
  const { trust, helpers } = coordinator;
  const closeAt = now + spec.windows.collect;
  const config: RoundConfig = {
    ...roundTerms(spec),
    taskHash: bytesToBase64Url(statementHash(task.statement)),
    round: (last?.statement.body.round ?? 0) + 1,
    kind: 'train',
    prevResultHash: last === null ? null : bytesToBase64Url(statementHash(last.statement)),
    modelHash: last === null ? bytesToBase64Url(sha256(first)) : last.statement.body.modelOut,
    clientBuildHash: null,
    rotation: { type: 'hd', seed: bytesToBase64Url(randomBytes(32)) },
    clipL2: spec.clipL2,
    helpers: helpers
      .slice(0, spec.helpers.m)
      .map(({ key, epoch }, i) => ({ j: i + 1, key: key.id, boxKey: epoch.body.boxKey, e: epoch.body.e })),
    issuerKeys: trust.issuer.keys,
    openAt: now,
    closeAt,
    ackDeadline: closeAt + spec.windows.ack,
    revealDeadline: closeAt + spec.windows.ack + spec.windows.reveal,
    ...changed,
  };
  return {
    rev: config.round,
    taskId: spec.taskId,
    state: 'running',
    ended: null,
    phase: 'collecting',
    config: await logStatement(coordinator.log, await cosign(coordinator, config, cosigners)),
    epochs: helpers.slice(0, spec.helpers.m).map(({ epoch }) => epoch),
    lastResult: last,
    ...changedOffer,
  };
}

/** The coordinator's signature, then those of helpers. */
async function cosign(
  { key, helpers }: TestCoordinator,
  config: RoundConfig,
  cosigners: readonly number[],
): Promise<Statement<RoundConfig>> {
  const keys = [key, ...cosigners.flatMap((j) => helpers[j - 1]?.key ?? [])];
  const signed = await Promise.all(keys.map((each) => signStatement('round-config', config, each)));
  return { ...signed[0]!, signatures: signed.flatMap(({ signatures }) => signatures) };
}

function resultOf(offer: RoundOffer, change: Partial<RoundResult>): RoundResult {
  const config = offer.config!.statement.body;
  return {
    v: 1,
    taskId: config.taskId,
    round: config.round,
    kind: config.kind,
    rcHash: bytesToBase64Url(statementHash(offer.config!.statement)),
    scHash: null,
    status: 'abandoned',
    reason: 'too-few-reports',
    modelIn: config.modelHash,
    modelOut: config.modelHash,
    count: 0,
    twins: 0,
    sumHash: null,
    evaluation: null,
    clip: null,
    disputed: [],
    purpose: config.purpose,
    categories: config.categories,
    consent: null,
    dropped: [],
    ...change,
  };
}

/** Helpers open their boxes, sum the masks of every set, and the coordinator subtracts: the sum of the reports and no more. */
export async function openSum(
  coordinator: TestCoordinator,
  offer: RoundOffer,
  reports: readonly Uint8Array[],
): Promise<{ sum: Int32Array; decoded: DecodedReport[] }> {
  const config = offer.config!.statement.body;
  const rcHash = statementHash(offer.config!.statement);
  const family = helperFamily(config.helpers.length, config.c);
  const decoded = reports.map((bytes) => decodeReport(bytes, config, rcHash));
  const sum = new Uint32Array(config.dPadded + config.evaluationLength);
  for (const { vectorBytes } of decoded) addPacked(sum, vectorBytes, 32);
  for (const [index, set] of family.entries()) {
    const j = config.helpers.map((helper) => helper.j).find((number) => !set.includes(number))!;
    const masks = new Uint32Array(sum.length);
    for (const report of decoded) {
      const seeds = openBox(coordinator, report, rcHash, family, j);
      await addMask(masks, seeds.get(index)!, rcHash, set, webCryptoPrg);
    }
    subtractWords(sum, masks);
  }
  return { sum: new Int32Array(sum.buffer), decoded };
}

function openBox(
  { helpers }: TestCoordinator,
  { header, boxes, vectorBytes }: DecodedReport,
  rcHash: Uint8Array,
  family: ReturnType<typeof helperFamily>,
  j: number,
): Map<number, Uint8Array> {
  const context = { rcHash, reporterKey: base64UrlToBytes(header.key), vectorHash: sha256(vectorBytes) };
  const seeds = openSeeds(
    boxes[j - 1]!,
    context,
    family,
    header.commitments.map(base64UrlToBytes),
    j,
    helpers[j - 1]!.box,
  );
  if (seeds.size !== setsOfHelper(family, j).length) throw new Error('a helper misses seeds');
  return seeds;
}
