/**
 * A coordinator that does what a test tells it to, lies included: it signs and logs whatever it is given. Reports are real ones.
 */
import { base64UrlToBytes, bytesToBase64Url, createLeaf, createLog, type Log } from '@twinkeep/audit';
import { POLICY_HASH } from '@twinkeep/consent';
import {
  ascendingHashes,
  clipDelta,
  createSigningKey,
  decodeReport,
  maskReport,
  parseTask,
  quantize,
  randomBytes,
  roundTerms,
  rotationSigns,
  setRoot,
  signStatement,
  statementHash,
  taskLayout,
  type DecodedReport,
  type HelperEpoch,
  type HelperProposal,
  type HelperRound,
  type HelperWork,
  type LogEntry,
  type LoggedStatement,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
  type SigningKey,
  type Statement,
  type StatementType,
  type TaskSpec,
} from '@twinkeep/protocol';
import { nodePrg, type LogSource } from '@twinkeep/region';
import { makeTask } from '../../edge-client/fixtures.ts';
import { createMemoryLogState, createMemoryLogStore } from '../../support/memory-log-store.ts';
import { LOG_ORIGIN, type Parties } from './parties.ts';

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
  /** Serves this script's log and tasks to the helpers. */
  serve(): void;
  /** Another log under the same keys that has been the same up to now. */
  fork(): Promise<Script>;
  source: LogSource;
  /** What the log serves, which a test may falsify. */
  entries: LogEntry[];
  publish<T>(type: StatementType, body: T, key?: SigningKey): Promise<LoggedStatement<T>>;
  /** Puts a statement into the log as it is. */
  append<T>(statement: Statement<T>): Promise<LoggedStatement<T>>;
  /** A statement that is in the log, under the log's head of now. */
  underHead<T>(logged: LoggedStatement<T>): Promise<LoggedStatement<T>>;
  /** Publishes a task like that of the tests, with these fields changed; each has an id of its own. */
  task(changes?: Partial<TaskSpec>): Promise<LoggedStatement<TaskSpec>>;
  /** What an honest coordinator would propose next, with fields replaced; a round of the first task unless told otherwise. */
  proposal(
    epochs: readonly HelperEpoch[],
    overrides?: Partial<RoundConfig>,
    task?: LoggedStatement<TaskSpec>,
  ): Promise<HelperProposal>;
  /** The same, logged at once. */
  config(
    epochs: readonly HelperEpoch[],
    overrides?: Partial<RoundConfig>,
    task?: LoggedStatement<TaskSpec>,
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
  /** The result that calls a round abandoned. */
  abandon(
    config: LoggedStatement<RoundConfig>,
    overrides?: Partial<RoundResult>,
  ): Promise<LoggedStatement<RoundResult>>;
}

/** @param witness signs heads of the log, where proofs need that: returns the note with its cosignatures */
export async function createScript(
  parties: Parties,
  witness: (head: { size: number; note: string }, log: Log) => Promise<string> = async ({ note }) => note,
): Promise<Script> {
  const script = await scriptFrom(parties, witness, [], new Map());
  script.serve();
  await script.task();
  return script;
}

async function scriptFrom(
  parties: Parties,
  witness: (head: { size: number; note: string }, log: Log) => Promise<string>,
  past: readonly LogEntry[],
  tasks: Map<string, LoggedStatement<TaskSpec>>,
): Promise<Script> {
  const log = createLog({
    store: createMemoryLogStore(createMemoryLogState()),
    signer: parties.logSigner,
    origin: LOG_ORIGIN,
  });
  const entries = [...past];
  if (past.length > 0) await log.append(past.map(({ leaf }) => base64UrlToBytes(leaf)));
  const source: LogSource = {
    entries: async (from, to) => entries.slice(from, Math.min(to, from + 7)),
    consistency: (from, to) => log.consistencyProof(from, to),
  };
  let round = 0;

  const proofOf = async (index: number): Promise<string> => {
    const head = (await log.head())!;
    return log.receipt(index, { size: head.size, note: await witness(head, log) });
  };
  const append: Script['append'] = async (statement) => {
    const { type } = statement;
    const salt = randomBytes(32);
    const { leaf } = createLeaf({ type, at: new Date(), body: statement, salt });
    const { firstIndex } = await log.append([leaf]);
    const logged = { leaf: bytesToBase64Url(leaf), salt: bytesToBase64Url(salt) };
    const opened = { statement: statement as unknown as Statement<SetCommit>, salt: logged.salt };
    entries[firstIndex] = { leaf: logged.leaf, ...(type === 'set-commit' ? { opened } : {}) };
    return { statement, ...logged, proof: await proofOf(firstIndex) };
  };
  const publish: Script['publish'] = async (type, body, key = parties.coordinator) =>
    append(await signStatement(type, body, key));

  const script: Script = {
    log,
    source,
    serve: () => void Object.assign(parties.served, { source, tasks }),
    fork: () => scriptFrom(parties, witness, entries, new Map(tasks)),
    entries,
    publish,
    append,
    async underHead(logged) {
      const index = entries.findIndex(({ leaf }) => leaf === logged.leaf);
      return { ...logged, proof: await proofOf(index) };
    },
    async task(changes = {}) {
      const taskId = `task-${tasks.size + 1}`;
      const task = await publish('task', parseTask({ ...usualTask(taskId), ...changes }));
      tasks.set(task.statement.body.taskId, task);
      return task;
    },
    async proposal(epochs, overrides = {}, task = tasks.get('task-1')!) {
      const body = { ...nextConfig(parties, epochs, task, ++round), ...overrides };
      return { config: await signStatement('round-config', body, parties.coordinator), task };
    },
    async config(epochs, overrides, task) {
      return append((await script.proposal(epochs, overrides, task)).config);
    },
    async reporter(claims) {
      const key = await createSigningKey();
      return { key, credential: await parties.admit(key, claims) };
    },
    async report(logged, by, twins = 1_000, sealedTo = logged.statement.body.helpers) {
      const { body: config } = logged.statement;
      const rcHash = statementHash(logged.statement);
      const layout = taskLayout(tasks.get(config.taskId)!.statement.body);
      const signs = await rotationSigns(new Uint8Array(32), layout.dPadded, nodePrg);
      const grid = { ...config, layout, signs };
      const update = clipDelta(
        Float64Array.from({ length: config.d }, () => Math.random() - 0.5),
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
        consent: { size: 0, root: bytesToBase64Url(new Uint8Array(32)), policy: POLICY_HASH },
        dropped: [],
        ...overrides,
      };
      return { commit: await publish('set-commit', body), members };
    },
    abandon: (logged, overrides = {}) => publish('round-result', { ...abandoned(logged), ...overrides }),
  };
  return script;
}

/** What a helper is told in one answer: one round, at one stage. */
export function workOf(
  config: LoggedStatement<RoundConfig>,
  stage: Partial<Pick<HelperRound, 'phase' | 'reports' | 'set' | 'readies'>>,
): HelperWork {
  const phase = stage.set === undefined || stage.set === null ? 'collecting' : 'revealing';
  const round: HelperRound = { config, phase, reports: [], set: null, readies: [], ...stage };
  return { rev: 1, proposals: [], rounds: [round], closing: [] };
}

/** Nothing but what is named. */
export function otherWork(work: Partial<HelperWork>): HelperWork {
  return { rev: 1, proposals: [], rounds: [], closing: [], ...work };
}

function usualTask(taskId: string): TaskSpec {
  return makeTask({
    taskId,
    floors: { nMin: 2, nTarget: 3, minTwins: 20, maxTwins: 10_000 },
    windows: { collect: 60_000, ack: 30_000, reveal: 30_000 },
  });
}

function nextConfig(
  parties: Parties,
  epochs: readonly HelperEpoch[],
  { statement }: LoggedStatement<TaskSpec>,
  round: number,
): RoundConfig {
  const task = statement.body;
  const now = Date.now();
  const { collect, ack, reveal } = task.windows;
  return {
    ...roundTerms(task),
    taskHash: bytesToBase64Url(statementHash(statement)),
    round,
    kind: 'train',
    prevResultHash: null,
    modelHash: bytesToBase64Url(randomBytes(32)),
    clientBuildHash: null,
    rotation: { type: 'hd', seed: bytesToBase64Url(new Uint8Array(32)) },
    clipL2: task.clipL2,
    helpers: epochs.map(({ j, e, boxKey }) => ({ j, e, boxKey, key: parties.trust.helpers[j - 1]!.key })),
    issuerKeys: parties.trust.issuer.keys,
    openAt: now,
    closeAt: now + collect,
    ackDeadline: now + collect + ack,
    revealDeadline: now + collect + ack + reveal,
  };
}

function abandoned({ statement }: LoggedStatement<RoundConfig>): RoundResult {
  const { taskId, round, kind, modelHash, purpose, categories } = statement.body;
  return {
    v: 1,
    taskId,
    round,
    kind,
    rcHash: bytesToBase64Url(statementHash(statement)),
    scHash: null,
    status: 'abandoned',
    reason: 'helpers-silent',
    modelIn: modelHash,
    modelOut: modelHash,
    count: 0,
    twins: 0,
    sumHash: null,
    evaluation: null,
    clip: null,
    disputed: [],
    purpose,
    categories,
    consent: null,
    dropped: [],
  };
}
