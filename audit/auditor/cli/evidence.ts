/** `verify-pack`, `replay` and `evidence`: fetch or read a pack, verify it, say what it says. */
import { AuditError } from '@twinkeep/audit';
import { verifyPack, type Verdict } from '@twinkeep/auditor';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './given.ts';
import { EVIDENCE_HELP, readEvidenceCommand, type EvidenceCommand } from './evidence-command.ts';
import { fetchPack } from './fetch-pack.ts';
import { packToPage, pageToPack } from './page.ts';
import { verdictToText } from './print-verdict.ts';
import { nativeSha256 } from './sha256.ts';
import type { Outcome } from './tiles.ts';

const PACK_FILE = 'evidence.ndjson';
const PAGE_FILE = 'evidence.html';

/** @throws UsageError */
export async function runEvidence(args: string[]): Promise<Outcome> {
  const command = await readEvidenceCommand(args);
  if (command === 'help') return { output: EVIDENCE_HELP, status: 0 };
  const progress = createProgress(command.json);
  const bytes = await obtainPack(command, progress);
  const verdict = await verifyPack(bytes, command.trust, {
    ...(command.name === 'verify-pack' ? {} : { expect: command.target }),
    receipts: command.receipts,
    hash: nativeSha256,
    onProgress: progress,
  });
  const files = await writeFiles(command, bytes);
  const text = verdictToText(verdict);
  const output = command.json
    ? `${JSON.stringify({ verified: verdict.outcome === 'verified', ...verdict, ...(files.length > 0 ? { files } : {}) })}\n`
    : `${text}${files.map((file) => `  ${file}\n`).join('')}`;
  return { output, status: statusOf(verdict) };
}

function statusOf({ outcome }: Verdict): number {
  return outcome === 'verified' ? 0 : 1;
}

async function obtainPack(command: EvidenceCommand, progress: (what: string) => void): Promise<Uint8Array> {
  if ('pack' in command) return readPackFile(command.pack);
  progress(`asking ${command.officer.url}`);
  return fetchPack(command.officer, { target: command.target, reason: command.reason });
}

/** A pack as it came, a page that holds one, or the directory that `evidence` wrote. */
async function readPackFile(path: string): Promise<Uint8Array> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, PACK_FILE) : path;
  const bytes = await readFile(file).catch(() => {
    throw new UsageError(`cannot read ${file}`);
  });
  if (!/\.html?$/i.test(file)) return new Uint8Array(bytes);
  try {
    const held = pageToPack(bytes.toString('utf8'));
    if (held !== null) return held;
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
  }
  throw new UsageError(`${file} is no page that holds a pack`);
}

/** Also a pack that does not verify is written: it is evidence of that. @returns what was written */
async function writeFiles(command: EvidenceCommand, bytes: Uint8Array): Promise<string[]> {
  const files: [string, string | Uint8Array][] = [];
  if (command.name === 'evidence') {
    await mkdir(command.out, { recursive: true, mode: 0o700 }).catch(cannotWrite(command.out));
    files.push([join(command.out, PACK_FILE), bytes]);
    files.push([join(command.out, PAGE_FILE), await packToPage(bytes, command.trust)]);
  } else if (command.name === 'verify-pack' && command.page !== null) {
    files.push([command.page, await packToPage(bytes, command.trust)]);
  }
  for (const [file, content] of files)
    await writeFile(file, content, { mode: 0o600 }).catch(cannotWrite(file));
  return files.map(([file]) => file);
}

function cannotWrite(path: string): (error: unknown) => never {
  return (error) => {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  };
}

/** On standard error, and only for somebody who watches. */
function createProgress(isQuiet: boolean): (what: string) => void {
  return (what) => {
    if (!isQuiet && process.stderr.isTTY) process.stderr.write(`  ${what} …\n`);
  };
}
