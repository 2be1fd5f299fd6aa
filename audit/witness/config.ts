/** The configuration: one JSON file. The key file that it names is resolved against its own folder. */
import {
  base64UrlToBytes,
  createSigner,
  equalBytes,
  vkeyToNoteKey,
  type Ed25519Signer,
} from '@twinkeep/audit';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { WitnessError } from './errors.ts';

export interface WitnessConfig {
  listen: { host: string; port: number };
  /** Its own, and nobody else's: a schema-less URL, like witness.university.example. */
  name: string;
  databaseUrl: string;
  /** Private JWK (Ed25519, RFC 8037). */
  keyFile: string;
  /** Verifier keys of the logs that it cosigns; a log is known by the name of its key, which is its origin. */
  logs: string[];
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}

const path = v.pipe(v.string(), v.minLength(1));
const vkey = v.pipe(
  v.string(),
  v.check((text) => {
    try {
      return vkeyToNoteKey(text).algorithm === 'ed25519';
    } catch {
      return false;
    }
  }, 'the verifier key of a log, like bank.example/twinkeep+0a1b2c3d+AQ…'),
);

const configSchema: v.GenericSchema<unknown, WitnessConfig> = v.strictObject({
  listen: v.strictObject({
    host: v.pipe(v.string(), v.minLength(1)),
    port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  }),
  name: v.pipe(
    v.string(),
    v.maxLength(200),
    v.regex(/^[^\s+\p{Cc}]+$/u, 'a name without spaces and plus signs'),
  ),
  databaseUrl: v.pipe(
    v.string(),
    v.regex(/^postgres(ql)?:\/\//, 'an address like postgres://user@host/database'),
  ),
  keyFile: path,
  logs: v.pipe(
    v.array(vkey),
    v.minLength(1),
    v.maxLength(256),
    v.check((logs) => new Set(logs.map(originOf)).size === logs.length, 'each log has an origin of its own'),
  ),
  logLevel: v.optional(v.picklist(['debug', 'info', 'warn', 'error']), 'info'),
});

const coordinate = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, '32 bytes in base64url'));
/** Other members (kid, use) are left out. */
const jwkSchema = v.object({
  kty: v.literal('OKP'),
  crv: v.literal('Ed25519'),
  x: coordinate,
  d: coordinate,
});

export function originOf(vkey: string): string {
  return vkeyToNoteKey(vkey).name;
}

/** @throws WitnessError 'config/unreadable' or 'config/invalid', naming file and field and never a value */
export async function readConfig(file: string): Promise<WitnessConfig> {
  const config = await readValid(file, configSchema);
  return { ...config, keyFile: resolve(dirname(resolve(file)), config.keyFile) };
}

/** @throws WitnessError 'config/unreadable' or 'config/invalid' */
export async function readSigner(keyFile: string): Promise<Ed25519Signer> {
  const { x, d } = await readValid(keyFile, jwkSchema);
  const signer = createSigner(base64UrlToBytes(d));
  if (!equalBytes(signer.publicKey, base64UrlToBytes(x)))
    throw new WitnessError('config/invalid', `${keyFile}: x is not the public key of d`);
  return signer;
}

async function readValid<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const parsed = v.safeParse(schema, await readJson(file));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  // Every pattern above has words of its own: the default ones repeat the value, which may be a key.
  const expected =
    issue.type === 'regex' || issue.type === 'check'
      ? issue.message
      : `expected ${issue.expected ?? issue.type}`;
  throw new WitnessError('config/invalid', `${file}: ${v.getDotPath(issue) ?? 'the file'}: ${expected}`);
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new WitnessError('config/unreadable', `${file}: cannot be read`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WitnessError('config/invalid', `${file}: is not JSON`, { cause });
  }
}
