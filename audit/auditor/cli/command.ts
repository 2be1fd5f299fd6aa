import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { AuditError, noteKeyToVkey, textToPolicy, vkeyToNoteKey, type TlogPolicy } from '@twinkeep/audit';

export const HELP: string = `Usage: twinkeep-audit verify FILE --key VKEY [--checkpoint FILE] [--json]
       twinkeep-audit fsck SOURCE --key VKEY [--checkpoint FILE] [--policy FILE] [--json]
       twinkeep-audit mirror SOURCE DIRECTORY --key VKEY [--policy FILE] [--json]

verify  an exported log, offline, with the log's public key alone
fsck    a whole log from its tiles: every entry, every tile, up to the signed root
mirror  copies a log's tiles, each verified before it is written, and continues a
        copy that is there; any web server can serve the directory

  FILE               the export, as downloaded from the coordinator
  SOURCE             a URL below which the log serves checkpoint and tiles, or a directory
  --key VKEY         the log's verifier key (name+id+key), or a file that holds it;
                     get it from somebody other than whoever gave you the log
  --checkpoint FILE  a checkpoint of this log that you kept from earlier: the log
                     must begin with exactly what it covers
  --policy FILE      whose cosignatures the log's checkpoint must bear (C2SP tlog-policy)
  --json             print one JSON object instead of words
  --help             print this

twinkeep-audit verify-pack|replay|evidence --help   about evidence of consents and rounds

Exit status: 0 if all of it verified, 1 if anything did not, 2 if it could not be tried.
`;

/** What was asked for cannot be tried, so that nothing is known about the file. */
export class UsageError extends Error {}

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
  if (values.key === undefined) throw new UsageError(`${name} needs --key`);
  if (values.checkpoint !== undefined && name === 'mirror')
    throw new UsageError('mirror continues its own copy, and takes no --checkpoint');
  if (values.policy !== undefined && name === 'verify') throw new UsageError('verify takes no --policy');
  const { json } = values;
  const vkey = await readKey(values.key);
  const earlier = values.checkpoint === undefined ? {} : { earlier: await readText(values.checkpoint) };
  const policy = values.policy === undefined ? {} : { policy: await readPolicy(values.policy) };
  if (name === 'verify') return { name, file: first, vkey, json, ...earlier };
  if (name === 'fsck') return { name, source: first, vkey, json, ...earlier, ...policy };
  return { name, source: first, directory: second!, vkey, json, ...policy };
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
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
} as const;

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

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}
