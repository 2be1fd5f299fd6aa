/** What the demo says of itself to its own pages. Public keys and addresses only. */
import { parseTrust, taskIdSchema, type Trust } from '@twinkeep/protocol';
import * as v from 'valibot';

export const STAGES = ['preparing', 'training', 'live', 'ended'] as const;
export type Stage = (typeof STAGES)[number];

export interface DemoInfo {
  stage: Stage;
  /** Null while it is not running. */
  coordinatorUrl: string | null;
  /** Null until the keys are made. */
  trust: Trust | null;
  /** Region nodes of this demo. */
  nodes: number;
  /** The task that the final table is about, and the one that visitors may contribute to; null until they are published. */
  task: string | null;
  liveTask: string | null;
  /** IRI of the business whose customers these are. */
  controller: string;
}

/** Addresses of the pages' own server. */
export const PAGES = {
  account: '/account/',
  status: '/status/',
  info: '/api/demo',
  /** POST: a new pseudonym for this browser; GET: the one it has. */
  session: '/api/session',
  /** POST a `CredentialRequest`. */
  credential: '/api/credential',
  /** GET: what the business knows of the customer of this session, as events. */
  records: '/api/records',
  /** Public reads of the coordinator, for pages that show its state. */
  coordinator: '/coordinator',
} as const;

export interface Session {
  /** Pairwise pseudonym; null where this browser has none yet. */
  subject: string | null;
}

export interface CredentialRequest {
  /** Base64url of the device's raw public key. */
  deviceKey: string;
}

export interface CredentialAnswer {
  credential: string;
}

const taskId = v.nullable(taskIdSchema);

export const demoInfoSchema: v.GenericSchema<unknown, DemoInfo> = v.strictObject({
  stage: v.picklist(STAGES),
  coordinatorUrl: v.nullable(v.pipe(v.string(), v.url())),
  trust: v.nullable(v.pipe(v.unknown(), v.transform(parseTrust))),
  nodes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  task: taskId,
  liveTask: taskId,
  controller: v.string(),
});

export const sessionSchema: v.GenericSchema<Session> = v.strictObject({ subject: v.nullable(v.string()) });

export const credentialRequestSchema: v.GenericSchema<CredentialRequest> = v.strictObject({
  deviceKey: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
});

export const credentialAnswerSchema: v.GenericSchema<CredentialAnswer> = v.strictObject({
  credential: v.pipe(v.string(), v.maxLength(2_048)),
});
