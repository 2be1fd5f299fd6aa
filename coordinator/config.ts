/** The configuration: one JSON file. Files that it names are resolved against its own folder. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { parseTrust, ProtocolError, type Trust } from '@twinkeep/protocol';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { CoordinatorError } from './errors.ts';
import type { WitnessAddress } from './log/ask-witness.ts';
import { receiversSchema, resolveReceiver, type Receiver, type ReceiverSettings } from './siem/receiver.ts';

export interface CoordinatorConfig {
  listen: { host: string; port: number };
  /** How devices and helpers address this server: proofs of possession name it. A proxy in front must not change paths. */
  publicUrl: string;
  databaseUrl: string;
  /** Web origins whose pages may call; none unless listed. */
  allowedOrigins: string[];
  /** A browser's opt-out signal (GPC) is taken for an objection to profiling too, which stops training; without it only for what it says. */
  gpcStopsTraining?: boolean;
  /** Long polls parked at most. */
  maxParked: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  trust: Trust;
  /** Where the witnesses of the trust file are asked: their keys are everyone's to know, their addresses only ours. */
  witnesses?: WitnessAddress[];
  /** Private JWK (Ed25519) that signs tasks, configurations, sets and results. */
  key: PrivateJwk;
  /** Private JWK (Ed25519) of the log: whoever has it can write another history. */
  logKey: PrivateJwk;
  /** 32 bytes, under which the keys of all data subjects are sealed. Lost with it: every consent. */
  vaultKey: Uint8Array;
  /** Who is told of every log entry, for security monitoring. */
  siem?: Receiver[];
}

/** RFC 8037. */
export interface PrivateJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  d: string;
}

const path = v.pipe(v.string(), v.minLength(1));
const httpUrl = v.pipe(
  v.string(),
  v.url(),
  v.regex(
    /^https?:\/\/[^?#]*[^/?#]$/,
    'an http or https address without a slash, query or fragment at its end',
  ),
);
const origin = v.pipe(
  v.string(),
  v.check(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    'an origin, like https://shop.example',
  ),
);

type Settings = Omit<CoordinatorConfig, 'trust' | 'key' | 'logKey' | 'vaultKey' | 'siem'> & {
  trustFile: string;
  keyFile: string;
  logKeyFile: string;
  vaultKeyFile: string;
  siem?: ReceiverSettings[];
};

const fileSchema: v.GenericSchema<unknown, Settings> = v.strictObject({
  listen: v.strictObject({
    host: v.pipe(v.string(), v.minLength(1)),
    port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  }),
  publicUrl: httpUrl,
  databaseUrl: v.pipe(
    v.string(),
    v.regex(/^postgres(ql)?:\/\//, 'an address like postgres://user@host/database'),
  ),
  trustFile: path,
  keyFile: path,
  logKeyFile: path,
  vaultKeyFile: path,
  allowedOrigins: v.optional(v.pipe(v.array(origin), v.maxLength(64)), []),
  witnesses: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)), url: httpUrl })),
      v.maxLength(16),
    ),
  ),
  siem: v.exactOptional(receiversSchema),
  gpcStopsTraining: v.exactOptional(v.boolean()),
  maxParked: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)), 2_000),
  logLevel: v.optional(v.picklist(['debug', 'info', 'warn', 'error']), 'info'),
});

const coordinate = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, '32 bytes in base64url'),
);
/** Other members (kid, use) are left out: keys are named by themselves here. */
const jwkSchema: v.GenericSchema<unknown, PrivateJwk> = v.object({
  kty: v.literal('OKP'),
  crv: v.literal('Ed25519'),
  x: coordinate,
  d: coordinate,
});

/** @throws CoordinatorError 'config/unreadable' or 'config/invalid', naming file and field and never a value */
export async function readConfig(file: string): Promise<CoordinatorConfig> {
  const { trustFile, keyFile, logKeyFile, vaultKeyFile, siem, ...settings } = await readSettings(file);
  return {
    ...settings,
    trust: await readTrust(trustFile),
    key: await readKeyFile(keyFile),
    logKey: await readKeyFile(logKeyFile),
    vaultKey: await readSecret(vaultKeyFile),
    ...(siem === undefined ? {} : { siem: await Promise.all(siem.map(readReceiver)) }),
  };
}

/** The file itself, with the names of the others made whole. */
export async function readSettings(file: string): Promise<Settings> {
  const settings = await readValid(file, fileSchema);
  const near = (name: string): string => resolve(dirname(resolve(file)), name);
  return {
    ...settings,
    trustFile: near(settings.trustFile),
    keyFile: near(settings.keyFile),
    logKeyFile: near(settings.logKeyFile),
    vaultKeyFile: near(settings.vaultKeyFile),
    ...(settings.siem === undefined
      ? {}
      : { siem: settings.siem.map((receiver) => resolveReceiver(receiver, near)) }),
  };
}

export function readKeyFile(file: string): Promise<PrivateJwk> {
  return readValid(file, jwkSchema);
}

/** One line of text, like a region node's wrapping key. */
export async function readSecret(file: string): Promise<Uint8Array> {
  const text = (await readText(file)).trim();
  if (!v.is(coordinate, text))
    throw new CoordinatorError('config/invalid', `${file}: expected 32 bytes in base64url`);
  return base64UrlToBytes(text);
}

async function readReceiver(settings: ReceiverSettings): Promise<Receiver> {
  if (settings.kind === 'webhook') {
    const { secretFile, ...rest } = settings;
    return { ...rest, secret: await readSecret(secretFile) };
  }
  const { caFile, certFile, keyFile, ...rest } = settings;
  return {
    ...rest,
    ...(caFile === undefined ? {} : { ca: await readText(caFile) }),
    ...(certFile === undefined ? {} : { cert: await readText(certFile) }),
    ...(keyFile === undefined ? {} : { key: await readText(keyFile) }),
  };
}

async function readTrust(file: string): Promise<Trust> {
  const json = await readJsonFile(file);
  try {
    return parseTrust(json);
  } catch (error) {
    if (error instanceof ProtocolError)
      throw new CoordinatorError('config/invalid', `${file}: ${error.message}`);
    throw error;
  }
}

async function readValid<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const parsed = v.safeParse(schema, await readJsonFile(file));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  // Every pattern above has words of its own: the default ones repeat the value, which may be a key.
  const expected =
    issue.type === 'regex' || issue.type === 'check'
      ? issue.message
      : `expected ${issue.expected ?? issue.type}`;
  throw new CoordinatorError('config/invalid', `${file}: ${v.getDotPath(issue) ?? 'the file'}: ${expected}`);
}

async function readJsonFile(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CoordinatorError('config/invalid', `${file}: is not JSON`, { cause });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CoordinatorError('config/unreadable', `${file}: cannot be read`, { cause });
  }
}
