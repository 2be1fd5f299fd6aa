/**
 * The coordinator's HTTP surface as data: addresses, media types, limits, and the shape of every answer. Clients and
 * coordinator import the same lines.
 *
 * Reads are public and carry no identity. A device's writes carry `Authorization: DPoP <credential>` and a DPoP proof with the
 * server's nonce; a helper's requests carry a DPoP proof by its pinned key. Every answer that refuses is a problem document.
 *
 * Reads are GET. A long poll that has nothing newer answers 204. Consents are POSTed (200, ConsentReceipts; an event that is in the
 * log already gets its receipt again); everything else is PUT at an address that the sender can compute, and the same bytes may
 * be PUT again: a report (202, ReportReceipt), a helper's epoch, cosignature, acks, ready, sums and close (204). No answer redirects.
 */
import { MAX_CONSENT_JWS_CHARS } from '@twinkeep/consent';
import * as v from 'valibot';
import { loggedSchema, type LoggedStatement } from './logged.ts';
import {
  helperCloseSchema,
  helperEpochSchema,
  helperReadySchema,
  MAX_VERDICTS,
  roundConfigSchema,
  roundResultSchema,
  setCommitSchema,
  type HelperClose,
  type HelperEpoch,
  type HelperReady,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
} from './round.ts';
import { hashSchema } from './schema.ts';
import { statementSchema, type Statement } from './statement.ts';
import { taskSpecSchema, type TaskSpec } from './task.ts';

export const PATHS = {
  health: '/healthz',
  nonce: '/v1/nonce',
  tasks: '/v1/tasks',
  task: (taskId: string): string => `/v1/tasks/${taskId}`,
  /** Long poll: `?after=<rev>&wait=<seconds>`. */
  round: (taskId: string): string => `/v1/tasks/${taskId}/round`,
  /** `?after=<round>`: results of later rounds, oldest first, at most `MAX_RESULTS`. */
  results: (taskId: string): string => `/v1/tasks/${taskId}/results`,
  model: (hash: string): string => `/v1/models/${hash}`,
  report: (rcHash: string, kid: string): string => `/v1/rounds/${rcHash}/reports/${kid}`,
  /** POST: events; GET: those of whom the asker speaks for (`ConsentHistory`). */
  consents: '/v1/consents',
  /** POST by an officer: `OfficerRequest`. */
  subjectConsents: (subject: string): string => `/v1/subjects/${subject}/consents`,
  /** GET: what waits for a second officer. */
  proposals: '/v1/consent-proposals',
  /** DELETE: it is not to be. */
  proposal: (id: string): string => `/v1/consent-proposals/${id}`,
  /** PUT by another officer than the first. */
  proposalApproval: (id: string): string => `/v1/consent-proposals/${id}/approval`,
  /** PUT by an officer, GET by anyone: a notice by the hash of its text, `sha-256:` and base64url. */
  notice: (hash: string): string => `/v1/notices/${hash}`,
  noticeApproval: (hash: string): string => `/v1/notices/${hash}/approval`,
  /** A log as C2SP tlog-tiles has it: `checkpoint` below it, and tiles at `tileToPath`. */
  log: '/v1/log',
  checkpoint: '/v1/log/checkpoint',
  /** `?from=<size>&to=<size>`. */
  consistency: '/v1/log/consistency',
  /** `?from=<size>&to=<size>`: leaves `from ..< to`, at most `MAX_LOG_ENTRIES` of them. */
  logEntries: '/v1/log/entries',
  logExport: '/v1/log/export',
  /** For officers: `?from=<index>&limit=<n>&format=ndjson|cef|ocsf`, a line for each entry, without personal data. */
  logEvents: '/v1/log/events',
  helperEpoch: (j: number): string => `/v1/helpers/${j}/epoch`,
  /** Long poll: `?after=<rev>&wait=<seconds>`. */
  helperWork: (j: number): string => `/v1/helpers/${j}/work`,
  helperCosignature: (j: number, rcHash: string): string => `/v1/helpers/${j}/rounds/${rcHash}/cosignature`,
  helperAck: (j: number, rcHash: string): string => `/v1/helpers/${j}/rounds/${rcHash}/acks`,
  helperReady: (j: number, rcHash: string): string => `/v1/helpers/${j}/rounds/${rcHash}/ready`,
  helperSums: (j: number, rcHash: string): string => `/v1/helpers/${j}/rounds/${rcHash}/sums`,
  helperClose: (j: number, rcHash: string): string => `/v1/helpers/${j}/rounds/${rcHash}/close`,
} as const;

export const MEDIA = {
  json: 'application/json',
  problem: 'application/problem+json',
  report: 'application/vnd.twinkeep.report',
  sums: 'application/vnd.twinkeep.sums',
  model: 'application/octet-stream',
  tile: 'application/octet-stream',
} as const;

/** Longest park of a long poll in seconds: under the idle limits of common proxies. */
export const MAX_WAIT_SECONDS = 25;
export const MAX_CONSENT_EVENTS = 256;
export const MAX_JSON_BYTES = 1_048_576;
export const MAX_RESULTS = 64;
export const MAX_LOG_ENTRIES = 1_000;
/** Most rounds of each kind in one answer to a helper; the rest comes with the next. */
export const MAX_WORK = 64;

/** `proposed`: the configuration is at the helpers for their signatures, and in no log yet. */
export type RoundPhase = 'proposed' | 'collecting' | 'acking' | 'revealing' | 'sealed' | 'abandoned';
const phaseSchema: v.GenericSchema<RoundPhase> = v.picklist([
  'proposed',
  'collecting',
  'acking',
  'revealing',
  'sealed',
  'abandoned',
]);

const revisionSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Why a task is finished: all its rounds are sealed, or too few of its participants may take part once more. */
export type TaskEnd = 'rounds-done' | 'budget-spent';

/** The one resource a device polls: it says where the round stands, whatever the device slept through. */
export interface RoundOffer {
  rev: number;
  taskId: string;
  state: 'waiting' | 'running' | 'finished';
  /** Null until the task is finished. */
  ended: TaskEnd | null;
  phase: RoundPhase | null;
  /** Null while no round is open, and while it is only proposed. */
  config: LoggedStatement<RoundConfig> | null;
  /** One for each helper of `config`, in its order: a box key counts only as the helper's long-lived key signed it. */
  epochs: Statement<HelperEpoch>[];
  lastResult: LoggedStatement<RoundResult> | null;
}

export const roundOfferSchema: v.GenericSchema<RoundOffer> = v.strictObject({
  rev: revisionSchema,
  taskId: v.string(),
  state: v.picklist(['waiting', 'running', 'finished']),
  ended: v.nullable(v.picklist(['rounds-done', 'budget-spent'])),
  phase: v.nullable(phaseSchema),
  config: v.nullable(loggedSchema('round-config', roundConfigSchema)),
  epochs: v.pipe(v.array(statementSchema('helper-epoch', helperEpochSchema)), v.maxLength(8)),
  lastResult: v.nullable(loggedSchema('round-result', roundResultSchema)),
});

export const taskAnswerSchema: v.GenericSchema<LoggedStatement<TaskSpec>> = loggedSchema(
  'task',
  taskSpecSchema,
);

/** Answer of `PATHS.results`. */
export interface RoundResults {
  results: RoundEnd[];
}

export interface RoundEnd {
  result: LoggedStatement<RoundResult>;
  /** Of an abandoned round, from the helpers that closed it so far; of a sealed one, none. */
  closes: Statement<HelperClose>[];
}

export const roundResultsSchema: v.GenericSchema<RoundResults> = v.strictObject({
  results: v.pipe(
    v.array(
      v.strictObject({
        result: loggedSchema('round-result', roundResultSchema),
        closes: v.pipe(v.array(statementSchema('helper-close', helperCloseSchema)), v.maxLength(8)),
      }),
    ),
    v.maxLength(MAX_RESULTS),
  ),
});

export interface ReportReceipt {
  status: 'accepted';
  rcHash: string;
  headerHash: string;
}

export const reportReceiptSchema: v.GenericSchema<ReportReceipt> = v.strictObject({
  status: v.literal('accepted'),
  rcHash: hashSchema,
  headerHash: hashSchema,
});

/** Body of a consent upload: compact JWS, oldest first per subject. */
export const consentUploadSchema: v.GenericSchema<{ events: string[] }> = v.strictObject({
  events: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(MAX_CONSENT_JWS_CHARS))),
    v.minLength(1),
    v.maxLength(MAX_CONSENT_EVENTS),
  ),
});

/** One for each event, in the order sent. */
export interface ConsentReceipts {
  receipts: ConsentReceipt[];
}

/** Where an event stands in the log, for its sender to verify (`verifyConsentReceipt`) and to keep: it proves later what was said, and when. */
export interface ConsentReceipt {
  /** `sha-256:` and base64url, of the JWS. */
  event: string;
  index: number;
  /** Base64url. */
  leaf: string;
  /** Opens the commitment in the leaf to the JWS. */
  salt: string;
  /** C2SP tlog-proof of the leaf, under a checkpoint of the log itself: the witnesses cosign a later one. */
  proof: string;
}

export const consentReceiptSchema: v.GenericSchema<ConsentReceipt> = v.strictObject({
  event: v.pipe(v.string(), v.maxLength(64)),
  index: revisionSchema,
  leaf: v.pipe(v.string(), v.maxLength(2_048), v.regex(/^[A-Za-z0-9_-]+$/)),
  salt: hashSchema,
  proof: v.pipe(v.string(), v.maxLength(16_384)),
});

export const consentReceiptsSchema: v.GenericSchema<ConsentReceipts> = v.strictObject({
  receipts: v.pipe(v.array(consentReceiptSchema), v.maxLength(MAX_CONSENT_EVENTS)),
});

/** What helper j has to do now. Level-triggered: a helper that slept reads its whole duty. */
export interface HelperWork {
  rev: number;
  /** Configurations that wait for this helper's signature. */
  proposals: HelperProposal[];
  rounds: HelperRound[];
  /** Abandoned rounds that this helper has not closed. */
  closing: HelperClosing[];
}

export interface HelperProposal {
  /** Signed by the coordinator, and in no log yet. */
  config: Statement<RoundConfig>;
  task: LoggedStatement<TaskSpec>;
}

export interface HelperClosing {
  config: LoggedStatement<RoundConfig>;
  result: LoggedStatement<RoundResult>;
}

export interface HelperRound {
  config: LoggedStatement<RoundConfig>;
  phase: RoundPhase;
  /** Reports that this helper has given no verdict on. */
  reports: { header: string; signature: string; box: string }[];
  /** Present once the set is fixed, until this helper's sums are in: the commit and its members' header hashes, ascending. */
  set: { commit: LoggedStatement<SetCommit>; members: string[] } | null;
  /** Empty in log mode, which asks for none. */
  readies: Statement<HelperReady>[];
}

const base64Url = (max: number): v.GenericSchema<string> =>
  v.pipe(v.string(), v.maxLength(max), v.regex(/^[A-Za-z0-9_-]*$/));

export const helperWorkSchema: v.GenericSchema<HelperWork> = v.strictObject({
  rev: revisionSchema,
  proposals: v.pipe(
    v.array(
      v.strictObject({
        config: statementSchema('round-config', roundConfigSchema),
        task: loggedSchema('task', taskSpecSchema),
      }),
    ),
    v.maxLength(MAX_WORK),
  ),
  rounds: v.pipe(
    v.array(
      v.strictObject({
        config: loggedSchema('round-config', roundConfigSchema),
        phase: phaseSchema,
        reports: v.pipe(
          v.array(
            v.strictObject({ header: base64Url(16_384), signature: base64Url(86), box: base64Url(8_192) }),
          ),
          v.maxLength(MAX_VERDICTS),
        ),
        set: v.nullable(
          v.strictObject({
            commit: loggedSchema('set-commit', setCommitSchema),
            members: v.array(hashSchema),
          }),
        ),
        readies: v.pipe(v.array(statementSchema('helper-ready', helperReadySchema)), v.maxLength(8)),
      }),
    ),
    v.maxLength(MAX_WORK),
  ),
  closing: v.pipe(
    v.array(
      v.strictObject({
        config: loggedSchema('round-config', roundConfigSchema),
        result: loggedSchema('round-result', roundResultSchema),
      }),
    ),
    v.maxLength(MAX_WORK),
  ),
});

export interface Health {
  /** 'unwitnessed': too few witnesses of the log answer, so nothing new is published. */
  status: 'ok' | 'unwitnessed';
  logSize: number;
  /** Leaves under the head that is shown. */
  published: number;
  /** Null where the log has none. `since` in milliseconds since 1970. */
  witnesses: {
    threshold: number;
    of: number;
    silent: { name: string; problem: string; since: number }[];
  } | null;
}

export const healthSchema: v.GenericSchema<Health> = v.strictObject({
  status: v.picklist(['ok', 'unwitnessed']),
  logSize: revisionSchema,
  published: revisionSchema,
  witnesses: v.nullable(
    v.strictObject({
      threshold: revisionSchema,
      of: revisionSchema,
      silent: v.array(v.strictObject({ name: v.string(), problem: v.string(), since: revisionSchema })),
    }),
  ),
});

/** Answer of `PATHS.consistency`: the tree of `to` leaves begins with that of `from` (RFC 6962 section 2.1.2). */
export interface ConsistencyAnswer {
  from: number;
  to: number;
  proof: string[];
}

export const consistencySchema: v.GenericSchema<ConsistencyAnswer> = v.strictObject({
  from: revisionSchema,
  to: revisionSchema,
  proof: v.pipe(v.array(hashSchema), v.maxLength(128)),
});

/** Answer of `PATHS.logEntries`: consecutive leaves, for whoever recomputes the root or looks for what a round has in the log. */
export interface LogEntries {
  from: number;
  entries: LogEntry[];
}

export interface LogEntry {
  /** Base64url. */
  leaf: string;
  /** With every set commit: what opens the commitment in the leaf. */
  opened?: { statement: Statement<SetCommit>; salt: string };
}

export const logEntriesSchema: v.GenericSchema<LogEntries> = v.strictObject({
  from: revisionSchema,
  entries: v.pipe(
    v.array(
      v.strictObject({
        leaf: base64Url(2_048),
        opened: v.exactOptional(
          v.strictObject({ statement: statementSchema('set-commit', setCommitSchema), salt: hashSchema }),
        ),
      }),
    ),
    v.maxLength(MAX_LOG_ENTRIES),
  ),
});
