/**
 * A party's configuration: one JSON file that names the others. Relative paths are relative to that file. Files of keys
 * are the operator's to protect; everything here is read once, at start.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { base64UrlToBytes } from '@twinkeep/audit';
import { CATEGORIES, IriSchema, type Category } from '@twinkeep/consent';
import { importSigningKey, parseTrust, type SigningKey, type Trust } from '@twinkeep/protocol';
import * as v from 'valibot';
import { RegionError } from '../errors.ts';
import { describeIssue } from '../schema-issue.ts';
import { KEY_BYTES } from '../store/cipher.ts';

const path = v.pipe(v.string(), v.minLength(1));
const httpUrl = v.pipe(v.string(), v.url(), v.regex(/^https?:\/\/[^?#]+$/, 'an http or https address'));
const days = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3_650));
const taskId = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/));

const common = {
  coordinatorUrl: httpUrl,
  databaseUrl: v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\//, 'a postgres:// address')),
  trustFile: path,
  keyFile: path,
};

const atLeast = (min: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(1e6));

const positive = (max: number): v.GenericSchema<number> => v.pipe(v.number(), v.gtValue(0), v.maxValue(max));

const floors = { minReports: v.exactOptional(atLeast(2)), minTwins: v.exactOptional(atLeast(1)) };

const regionSchema = v.strictObject({
  ...common,
  credentialFile: path,
  wrappingKeyFile: path,
  party: IriSchema,
  controller: IriSchema,
  ...floors,
  tasks: v.exactOptional(v.pipe(v.array(taskId), v.maxLength(64))),
  retentionDays: v.exactOptional(v.union([days, v.record(v.picklist(CATEGORIES), days)])),
  seed: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
});

const helperSchema = v.strictObject({
  ...common,
  j: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8)),
  minReports: floors.minReports,
  privacy: v.exactOptional(
    v.nullable(
      v.strictObject({
        minNoiseMultiplier: positive(1e4),
        maxEpsilon: positive(100),
        maxDelta: positive(1e-2),
      }),
    ),
  ),
  threads: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64))),
});

export interface RegionConfig {
  coordinatorUrl: string;
  databaseUrl: string;
  trustFile: string;
  keyFile: string;
  credentialFile: string;
  wrappingKeyFile: string;
  party: string;
  controller: string;
  /** Tasks that this node takes part in; `run --task` adds one. */
  tasks: string[];
  /** This node's own floors, whatever a task says: fewest reports in a sum, fewest twins in its report. */
  minReports: number;
  minTwins: number;
  retentionDays: Record<Category, number>;
  /** Demos and tests only: roles and invented consents follow from it. */
  seed?: string;
}

export interface HelperConfig {
  coordinatorUrl: string;
  databaseUrl: string;
  trustFile: string;
  keyFile: string;
  j: number;
  /** Fewest reports in a sum that this helper lends a hand to, whatever a task says. */
  minReports: number;
  /** Least noise, and most that a whole task may cost one participant; null: sums without noise are lent a hand to. */
  privacy: { minNoiseMultiplier: number; maxEpsilon: number; maxDelta: number } | null;
  /** Threads that expand masks; default: as many as processors, at most 4. */
  threads?: number;
}

const RETENTION_DAYS = 730;
const MIN_REPORTS = 2;
const MIN_TWINS = 20;

/** @throws RegionError 'config/unreadable', 'config/invalid' with file and field */
export async function readRegionConfig(file: string): Promise<RegionConfig> {
  const parsed = await readConfig(file, regionSchema);
  const { retentionDays = {}, tasks = [], minReports = MIN_REPORTS, minTwins = MIN_TWINS, ...rest } = parsed;
  const daysOf = (category: Category): number =>
    typeof retentionDays === 'number' ? retentionDays : (retentionDays[category] ?? RETENTION_DAYS);
  const paths = { ...resolveFrom(file, rest), credentialFile: resolve(dirname(file), rest.credentialFile) };
  return {
    ...rest,
    ...paths,
    wrappingKeyFile: resolve(dirname(file), rest.wrappingKeyFile),
    tasks,
    minReports,
    minTwins,
    retentionDays: Object.fromEntries(CATEGORIES.map((category) => [category, daysOf(category)])) as Record<
      Category,
      number
    >,
  };
}

/** @throws RegionError 'config/unreadable', 'config/invalid' with file and field */
export async function readHelperConfig(file: string): Promise<HelperConfig> {
  const { minReports = MIN_REPORTS, privacy = null, ...rest } = await readConfig(file, helperSchema);
  return { ...rest, ...resolveFrom(file, rest), minReports, privacy };
}

/** @throws RegionError 'config/unreadable', 'config/invalid' */
export async function readTrust(file: string): Promise<Trust> {
  return refuseAs(file, async () => parseTrust(await readJson(file)));
}

/** A private JWK. @throws RegionError 'config/unreadable', 'config/invalid' */
export async function readKey(file: string): Promise<SigningKey> {
  return refuseAs(file, async () =>
    importSigningKey((await readJson(file)) as Parameters<typeof importSigningKey>[0]),
  );
}

/** 32 bytes in base64url. @throws RegionError 'config/unreadable', 'config/invalid' */
export async function readWrappingKey(file: string): Promise<Uint8Array> {
  return refuseAs(file, async () => {
    const key = base64UrlToBytes((await readConfigText(file)).trim());
    if (key.length !== KEY_BYTES)
      throw new RegionError('config/invalid', `a wrapping key has ${KEY_BYTES} bytes`);
    return key;
  });
}

export async function readCredential(file: string): Promise<string> {
  return (await readConfigText(file)).trim();
}

/** A file of settings as JSON. @throws RegionError 'config/unreadable', 'config/invalid' */
export async function readJson(file: string): Promise<unknown> {
  const text = await readConfigText(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RegionError('config/invalid', `${file}${lineOf(text, cause)}: this is not JSON`);
  }
}

/** The parser's own message quotes the text, which may be a key; its position does not. */
function lineOf(text: string, error: unknown): string {
  const position = /position (\d+)/.exec((error as Error).message)?.[1];
  return position === undefined ? '' : `, line ${text.slice(0, Number(position)).split('\n').length}`;
}

async function readConfig<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const parsed = v.safeParse(schema, await readJson(file));
  if (!parsed.success) throw new RegionError('config/invalid', `${file}: ${describeIssue(parsed.issues)}`);
  return parsed.output;
}

async function readConfigText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new RegionError('config/unreadable', `${file}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
}

function resolveFrom(
  file: string,
  { trustFile, keyFile }: { trustFile: string; keyFile: string },
): { trustFile: string; keyFile: string } {
  const folder = dirname(file);
  return { trustFile: resolve(folder, trustFile), keyFile: resolve(folder, keyFile) };
}

/** What another package finds wrong with a file gets the file's name. */
async function refuseAs<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof RegionError && cause.message.startsWith(file)) throw cause;
    throw new RegionError('config/invalid', `${file}: ${(cause as Error).message}`, { cause });
  }
}
