import { parseArgs } from 'node:util';

import {
  AuditError,
  noteKeyToVkey,
  textToPolicy,
  vkeyToNoteKey,
  witnessPolicyToTlogPolicy,
  type TlogPolicy,
} from '@twinkeep/audit';

import { readText, readTrust, UsageError } from './given.ts';

export const HELP: string = `Usage: twinkeep-audit verify FILE KEYS [--checkpoint FILE] [--json]
       twinkeep-audit fsck SOURCE KEYS [--checkpoint FILE] [--json]
       twinkeep-audit mirror SOURCE DIRECTORY KEYS [--json]

verify  an exported log, offline, with the log's public key alone
fsck    a whole log from its tiles: every entry, every tile, up to the signed root
mirror  copies a log's tiles, each verified before it is written, and continues a
        copy that is there; any web server can serve the directory

  FILE               the export, as downloaded from the coordinator
  SOURCE             a URL below which the log serves checkpoint and tiles, or a directory
  KEYS               --key VKEY [--policy FILE], or --trust FILE
  --key VKEY         the log's verifier key (name+id+key), or a file that holds it;
                     get it from somebody other than whoever gave you the log
  --policy FILE      whose cosignatures the log's checkpoint must bear (C2SP tlog-policy);
                     not for verify: an export bears the log's signature alone
  --trust FILE       the trust file, which names key and witnesses
  --checkpoint FILE  a checkpoint of this log that you kept from earlier: the log
                     must begin with exactly what it covers
  --json             print one JSON object instead of words
  --help             print this

twinkeep-audit verify-pack|replay|evidence --help   about evidence of consents and rounds

Exit status: 0 if all of it verified, 1 if anything did not, 2 if it could not be tried.
`;

export interface VerifyCommand {
  name: 'verify';
  file: string;
  vkey: string;
  /** The earlier checkpoint itself. */
  earlier?: string;
  json: boolean;
}

export interface FsckCommand {
  name: 'fsck';
  /** URL or directory. */
  source: string;
  vkey: string;
  earlier?: string;
  policy?: TlogPolicy;
  json: boolean;
}

export interface MirrorCommand {
  name: 'mirror';
  source: string;
  directory: string;
  vkey: string;
  policy?: TlogPolicy;
  json: boolean;
}

export async function readCommand(
  args: string[],
): Promise<VerifyCommand | FsckCommand | MirrorCommand | 'help'> {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [name, first, second, ...rest] = positionals;
  if (name !== 'verify' && name !== 'fsck' && name !== 'mirror')
    throw new UsageError(name === undefined ? 'no command' : `no command ${name}`);
  const takesTwo = name === 'mirror';
  if (first === undefined || takesTwo !== (second !== undefined) || rest.length > 0)
    throw new UsageError(
      `${name} takes ${{ verify: 'one FILE', fsck: 'one SOURCE', mirror: 'a SOURCE and a DIRECTORY' }[name]}`,
    );
  if (values.checkpoint !== undefined && name === 'mirror')
    throw new UsageError('mirror continues its own copy, and takes no --checkpoint');
  if (values.policy !== undefined && name === 'verify') throw new UsageError('verify takes no --policy');
  const { json } = values;
  const { vkey, policy } = await readKeys(name, values);
  const earlier = values.checkpoint === undefined ? {} : { earlier: await readText(values.checkpoint) };
  if (name === 'verify') return { name, file: first, vkey, json, ...earlier };
  const demanded = policy === undefined ? {} : { policy };
  if (name === 'fsck') return { name, source: first, vkey, json, ...earlier, ...demanded };
  return { name, source: first, directory: second!, vkey, json, ...demanded };
}

function parse(args: string[]): ReturnType<typeof parseArgs<typeof CONFIG>> {
  try {
    return parseArgs({ ...CONFIG, args });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const CONFIG = {
  allowPositionals: true,
  options: {
    key: { type: 'string' },
    checkpoint: { type: 'string' },
    policy: { type: 'string' },
    trust: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
} as const;

async function readKeys(
  name: string,
  { key, policy, trust }: { key?: string; policy?: string; trust?: string },
): Promise<{ vkey: string; policy?: TlogPolicy }> {
  if ((key === undefined) === (trust === undefined)) throw new UsageError(`${name} needs --key or --trust`);
  if (trust !== undefined && policy !== undefined)
    throw new UsageError('the trust file names the witnesses: it and --policy do not go together');
  if (key !== undefined) {
    const vkey = await readKey(key);
    return policy === undefined ? { vkey } : { vkey, policy: await readPolicy(policy) };
  }
  const { log, witnesses } = await readTrust(trust!);
  return witnesses === null
    ? { vkey: log.vkey }
    : { vkey: log.vkey, policy: witnessPolicyToTlogPolicy(witnesses, log.vkey) };
}

async function readKey(given: string): Promise<string> {
  const asKey = parseKey(given);
  if (asKey !== null) return asKey;
  const held = parseKey((await readText(given)).trimEnd());
  if (held === null) throw new UsageError(`--key: ${given} holds no verifier key`);
  return held;
}

function parseKey(text: string): string | null {
  try {
    return noteKeyToVkey(vkeyToNoteKey(text));
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

async function readPolicy(file: string): Promise<TlogPolicy> {
  const text = await readText(file);
  try {
    return textToPolicy(text);
  } catch (error) {
    if (error instanceof AuditError) throw new UsageError(`--policy: ${error.message}`);
    throw error;
  }
}
