/**
 * What a coordinator and its helpers say in a round, in order: HelperEpoch, RoundConfig (signed by the coordinator and by at least `q` of
 * its helpers), HelperAck, SetCommit, HelperReady, HelperSums, RoundResult, and HelperClose where a round was abandoned.
 * All are signed statements; epoch, task, config, set and result are log entries too.
 * Formats: secagg-dp research, section 2.5. Times are milliseconds since 1970.
 */
import { CATEGORIES, HashSchema, SECTORS, type Category, type Sector } from '@twinkeep/consent';
import * as v from 'valibot';
import type { ModulusBits } from './grid.ts';
import { hashSchema, keyIdSchema, taskIdSchema } from './schema.ts';

const int = (min: number, max: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const helperNumber = int(1, 8);
const time = int(0);
const nullable = <T>(schema: v.GenericSchema<T>): v.GenericSchema<T | null> => v.nullable(schema);

/** Helper j's X25519 key of an epoch, signed by its long-lived key: the only way that a box key becomes acceptable. */
export interface HelperEpoch {
  v: 1;
  j: number;
  e: number;
  boxKey: string;
  notBefore: number;
  notAfter: number;
}

export const helperEpochSchema: v.GenericSchema<HelperEpoch> = v.strictObject({
  v: v.literal(1),
  j: helperNumber,
  e: int(1),
  boxKey: hashSchema,
  notBefore: time,
  notAfter: time,
});

export type RoundPrivacy =
  | { mech: 'none' }
  | {
      mech: 'discrete-gaussian';
      where: 'helpers';
      noiseMultiplier: number;
      /** Of each helper set, in grid steps squared. */
      sigmaSquared: number;
      /** Most reports of one participant in this task that train, and that evaluate. */
      trainings: number;
      evaluations: number;
      epsilon: number;
      delta: number;
    };

const real = (min: number, max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));

const roundPrivacySchema: v.GenericSchema<RoundPrivacy> = v.variant('mech', [
  v.strictObject({ mech: v.literal('none') }),
  v.strictObject({
    mech: v.literal('discrete-gaussian'),
    where: v.literal('helpers'),
    noiseMultiplier: real(0.05, 1e4),
    sigmaSquared: int(1, 2 ** 52),
    trainings: int(1, 100_000),
    evaluations: int(1, 100_000),
    epsilon: real(1e-3, 100),
    delta: real(1e-15, 1e-2),
  }),
]);

/** A training round asks every twin for leave to contribute, a counting one for leave to synthesise. */
export const ROUND_OPERATIONS = ['contribute', 'synthesise'] as const;
export type RoundOperation = (typeof ROUND_OPERATIONS)[number];

export interface RoundConfig {
  v: 1;
  taskId: string;
  taskHash: string;
  /** From 1. Round `task.rounds + 1` only evaluates. */
  round: number;
  kind: 'train' | 'evaluate';
  /** Chains the rounds of a task; null before the first. */
  prevResultHash: string | null;
  modelHash: string;
  modelBytesLen: number;
  archHash: string;
  /** Hash of the client build that may take part; null: any. */
  clientBuildHash: string | null;
  d: number;
  dPadded: number;
  evaluationLength: number;
  clipLength: 0 | 1;
  rotation: { type: 'hd'; seed: string };
  /** Bits of a word: the modulus is 2^b. */
  b: ModulusBits;
  clipL2: number;
  /** Grid steps per clipping bound, per bound of a held-out twin's block, and of one twin in the clip coordinate: see `planGrid`. */
  unit: number;
  evaluationUnit: number;
  clipStep: number;
  /** Most grid steps of one twin in one coordinate. */
  qTwin: number;
  /** 0: rounding is unconditional. */
  rounding: { beta: 0 };
  dp: RoundPrivacy;
  groups: { G: 1 };
  nMin: number;
  nTarget: number;
  minTwins: number;
  maxTwins: number;
  helpers: { j: number; key: string; boxKey: string; e: number }[];
  c: number;
  mode: 'quorum' | 'log';
  q: number;
  /** Keys of the issuer whose credentials count. */
  issuerKeys: string[];
  purpose: string;
  /** What consent is asked for. */
  operation: RoundOperation;
  sector: Sector;
  categories: { required: Category[]; optional: Category[] };
  openAt: number;
  closeAt: number;
  ackDeadline: number;
  revealDeadline: number;
}

const categorySchema = v.picklist(CATEGORIES);

export const roundConfigSchema: v.GenericSchema<RoundConfig> = v.strictObject({
  v: v.literal(1),
  taskId: taskIdSchema,
  taskHash: hashSchema,
  round: int(1, 1_000_000),
  kind: v.picklist(['train', 'evaluate']),
  prevResultHash: nullable(hashSchema),
  modelHash: hashSchema,
  modelBytesLen: int(4, 64_000_000),
  archHash: hashSchema,
  clientBuildHash: nullable(hashSchema),
  d: int(1, 16_000_000),
  dPadded: int(1, 2 ** 24),
  evaluationLength: int(1, 10_000),
  clipLength: v.picklist([0, 1]),
  rotation: v.strictObject({ type: v.literal('hd'), seed: hashSchema }),
  b: v.picklist([20, 24, 32]),
  clipL2: real(1e-6, 1e6),
  unit: int(16, 2 ** 20),
  evaluationUnit: int(1, 2 ** 31),
  clipStep: int(0, 2 ** 31),
  qTwin: int(2, 2 ** 31),
  rounding: v.strictObject({ beta: v.literal(0) }),
  dp: roundPrivacySchema,
  groups: v.strictObject({ G: v.literal(1) }),
  nMin: int(2, 1e6),
  nTarget: int(2, 1e6),
  minTwins: int(1, 1e6),
  maxTwins: int(2, 1e7),
  helpers: v.pipe(
    v.array(v.strictObject({ j: helperNumber, key: keyIdSchema, boxKey: hashSchema, e: int(1) })),
    v.minLength(1),
    v.maxLength(8),
  ),
  c: int(0, 7),
  mode: v.picklist(['quorum', 'log']),
  q: int(1, 8),
  issuerKeys: v.pipe(v.array(keyIdSchema), v.minLength(1), v.maxLength(8)),
  purpose: v.pipe(v.string(), v.maxLength(200)),
  operation: v.picklist(ROUND_OPERATIONS),
  sector: v.picklist(SECTORS),
  categories: v.strictObject({ required: v.array(categorySchema), optional: v.array(categorySchema) }),
  openAt: time,
  closeAt: time,
  ackDeadline: time,
  revealDeadline: time,
});

/** Helper j's verdict on reports, by header hash. A report that any responding helper refuses is left out of the set. */
export interface HelperAck {
  v: 1;
  rcHash: string;
  j: number;
  accepted: string[];
  refused: { header: string; code: string }[];
}

export const MAX_VERDICTS = 1_024;

export const helperAckSchema: v.GenericSchema<HelperAck> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  j: helperNumber,
  accepted: v.pipe(v.array(hashSchema), v.maxLength(MAX_VERDICTS)),
  refused: v.pipe(
    v.array(
      v.strictObject({
        header: hashSchema,
        code: v.pipe(v.string(), v.regex(/^[a-z-]+\/[a-z-]+$/), v.maxLength(64)),
      }),
    ),
    v.maxLength(MAX_VERDICTS),
  ),
});

/** What consent was read from, and by which rules: a size of the log, its root, and the `POLICY_HASH` of the gate. */
export interface ConsentPoint {
  size: number;
  root: string;
  policy: string;
}

/** The point of no return: these reports and no others are opened together, with consent read at this size of the log. */
export interface SetCommit {
  v: 1;
  rcHash: string;
  g: 0;
  /** Reports in the set, all with distinct `sub`. */
  count: number;
  /** Twins summed in them. */
  twins: number;
  /** RFC 6962 root over the ascending header hashes (32 raw bytes each). */
  merkleRoot: string;
  /** Helpers whose verdicts on every report were in; all of them accepted every member. */
  responding: number[];
  consent: ConsentPoint;
  /** Reports received and left out, by reason. */
  dropped: { reason: DropReason; count: number }[];
}

export const DROP_REASONS = [
  'consent-withdrawn',
  'consent-lapsed',
  'consent-missing',
  'consent-floor',
  'helper-refused',
  'head-room',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

const droppedSchema = v.pipe(
  v.array(v.strictObject({ reason: v.picklist(DROP_REASONS), count: int(1, 1e6) })),
  v.maxLength(DROP_REASONS.length),
);
const consentPointSchema = v.strictObject({ size: int(0), root: hashSchema, policy: HashSchema });

export const setCommitSchema: v.GenericSchema<SetCommit> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  g: v.literal(0),
  count: int(1, 1e6),
  twins: int(1, 1e7),
  merkleRoot: hashSchema,
  responding: v.pipe(v.array(helperNumber), v.maxLength(8)),
  consent: consentPointSchema,
  dropped: droppedSchema,
});

/** Helper j has seen this one set of the round. It answers after q identical readies, and never for another set. */
export interface HelperReady {
  v: 1;
  rcHash: string;
  scHash: string;
  j: number;
}

export const helperReadySchema: v.GenericSchema<HelperReady> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  scHash: hashSchema,
  j: helperNumber,
});

/** Header of helper j's upload: the SHA-256 of each sum of masks, by set index; the words follow in the same order. */
export interface HelperSums {
  v: 1;
  rcHash: string;
  scHash: string;
  j: number;
  sums: { set: number; hash: string }[];
}

export const helperSumsSchema: v.GenericSchema<HelperSums> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  scHash: hashSchema,
  j: helperNumber,
  sums: v.pipe(
    v.array(v.strictObject({ set: int(0, 100), hash: hashSchema })),
    v.minLength(1),
    v.maxLength(70),
  ),
});

/**
 * Helper j has answered no set of this abandoned round and never will: the flag is durable before the statement is made. `showUnopened`
 * says how many of them free its reporters to report on the same model again.
 */
export interface HelperClose {
  v: 1;
  rcHash: string;
  j: number;
  /** It had said ready for a set of the round, so others may have answered. */
  ready: boolean;
}

export const helperCloseSchema: v.GenericSchema<HelperClose> = v.strictObject({
  v: v.literal(1),
  rcHash: hashSchema,
  j: helperNumber,
  ready: v.boolean(),
});

export const ABANDON_REASONS = [
  'too-few-reports',
  'too-few-helpers',
  'helpers-silent',
  'sums-disagree',
  'sum-out-of-range',
] as const;
export type AbandonReason = (typeof ABANDON_REASONS)[number];

/** The signed manifest that ends a round: enough for an auditor to replay the gate and name every input of the new model. */
export interface RoundResult {
  v: 1;
  taskId: string;
  round: number;
  kind: 'train' | 'evaluate';
  rcHash: string;
  scHash: string | null;
  status: 'sealed' | 'abandoned';
  reason: AbandonReason | null;
  modelIn: string;
  modelOut: string;
  count: number;
  twins: number;
  /** SHA-256 of the opened sum, little-endian words. */
  sumHash: string | null;
  /**
   * Figures of `modelIn` on the held-out twins of this round. `noise`: standard deviation, in twins, of each bin's count; with
   * it the other figures are noisy too.
   */
  evaluation: {
    twins: number;
    positives: number;
    auc: number | null;
    /** One standard deviation of `auc` that the noise makes; 0 without noise. */
    aucError: number;
    logLoss: number | null;
    noise: number;
  } | null;
  /** Where the clipping bound adapts: the noisy share of updates within this round's bound, and the bound of the next. */
  clip: { within: number; next: number } | null;
  /** Helpers whose sums of masks were not the accepted ones. */
  disputed: number[];
  purpose: string;
  categories: { required: Category[]; optional: Category[] };
  consent: ConsentPoint | null;
  dropped: { reason: DropReason; count: number }[];
}

export const roundResultSchema: v.GenericSchema<RoundResult> = v.strictObject({
  v: v.literal(1),
  taskId: taskIdSchema,
  round: int(1, 1_000_000),
  kind: v.picklist(['train', 'evaluate']),
  rcHash: hashSchema,
  scHash: nullable(hashSchema),
  status: v.picklist(['sealed', 'abandoned']),
  reason: nullable(v.picklist(ABANDON_REASONS)),
  modelIn: hashSchema,
  modelOut: hashSchema,
  count: int(0, 1e6),
  twins: int(0, 1e7),
  sumHash: nullable(hashSchema),
  evaluation: v.nullable(
    v.strictObject({
      twins: v.number(),
      positives: v.number(),
      auc: v.nullable(v.number()),
      aucError: real(0, 1e9),
      logLoss: v.nullable(v.number()),
      noise: real(0, 1e9),
    }),
  ),
  clip: v.nullable(v.strictObject({ within: v.number(), next: real(1e-6, 1e6) })),
  disputed: v.pipe(v.array(helperNumber), v.maxLength(8)),
  purpose: v.pipe(v.string(), v.maxLength(200)),
  categories: v.strictObject({ required: v.array(categorySchema), optional: v.array(categorySchema) }),
  consent: v.nullable(consentPointSchema),
  dropped: droppedSchema,
});
