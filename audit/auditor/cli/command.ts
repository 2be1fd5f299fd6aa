import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { AuditError, noteKeyToVkey, vkeyToNoteKey } from '@twinkeep/audit';

export const HELP: string = `Usage: twinkeep-audit verify FILE --key VKEY [--checkpoint FILE] [--json]

Verifies an exported log, offline, with the log's public key alone.

  FILE               the export, as downloaded from the coordinator
  --key VKEY         the log's verifier key (name+id+key), or a file that holds it;
                     get it from somebody other than whoever gave you the export
  --checkpoint FILE  a checkpoint of this log that you kept from earlier: the export
                     must begin with exactly what it covers
  --json             print one JSON object instead of words
  --help             print this

Exit status: 0 if all of it verified, 1 if anything did not, 2 if it could not be tried.
`;

/** What was asked for cannot be tried, so that nothing is known about the file. */
export class UsageError extends Error {}

export interface VerifyCommand {
  file: string;
  vkey: string;
  /** The earlier checkpoint itself. */
  earlier?: string;
  json: boolean;
}

export async function readCommand(args: string[]): Promise<VerifyCommand | 'help'> {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [name, file, ...rest] = positionals;
  if (name !== 'verify') throw new UsageError(name === undefined ? 'no command' : `no command ${name}`);
  if (file === undefined || rest.length > 0) throw new UsageError('verify takes one FILE');
  if (values.key === undefined) throw new UsageError('verify needs --key');
  const vkey = await readKey(values.key);
  const earlier = values.checkpoint === undefined ? {} : { earlier: await readText(values.checkpoint) };
  return { file, vkey, json: values.json, ...earlier };
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

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}
