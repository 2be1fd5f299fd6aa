/** `mirror` and `fsck`: a log in tiles (C2SP tlog-tiles), copied and checked, from a server or from a directory. */
import {
  AuditError,
  bytesToBase64,
  createFetchReader,
  fsckTiles,
  mirrorTiles,
  TileError,
  type MirrorReport,
  type TileReader,
  type TilesReport,
} from '@twinkeep/audit';

import type { FsckCommand, MirrorCommand } from './command.ts';
import { UsageError } from './given.ts';
import { createDirectoryReader, createDirectorySink } from './directory.ts';
import { quotable, table } from './print.ts';
import { nativeSha256 } from './sha256.ts';

export interface Outcome {
  output: string;
  status: number;
}

type Checked = Extract<TilesReport, { ok: true }>;

/** For one resource; the log as a whole may take as long as it takes. */
const TIMEOUT_MILLIS = 30_000;

export function fsck({ name: _, source, json, ...options }: FsckCommand): Promise<Outcome> {
  return told(json, 'the earlier checkpoint', source, async () => {
    const report = await fsckTiles({ ...options, reader: createReader(source), hash: nativeSha256 });
    if (!report.ok) return failed(report.path, report.problem, json);
    const { ok, root, ...rest } = report;
    const output = json
      ? toJson({ verified: ok, ...rest, root: bytesToBase64(root) })
      : checkedToText(report);
    return { output, status: 0 };
  });
}

export function mirror({ name: _, source, directory, json, ...options }: MirrorCommand): Promise<Outcome> {
  return told(json, `the copy in ${directory}`, source, async () => {
    const sink = createDirectorySink(directory);
    const report = await mirrorTiles({ ...options, reader: createReader(source), sink, hash: nativeSha256 });
    const output = json ? toJson({ verified: true, ...report }) : mirroredToText(report, directory);
    return { output, status: 0 };
  });
}

/** Runs, and says what was found wrong where; `own` is what the user brought along. */
async function told(
  json: boolean,
  own: string,
  source: string,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof TileError) return failed(error.path, error.message, json);
    if (error instanceof AuditError && error.code === 'policy/malformed')
      throw new UsageError(`--policy: ${error.message}`);
    if (error instanceof AuditError && error.code !== 'tile/unreadable')
      return failed(own, `${own}: ${error.message}`, json);
    if (isUnreadable(error)) throw new UsageError(`cannot read ${source}: ${reasonOf(error)}`);
    throw error;
  }
}

function createReader(source: string): TileReader {
  if (!/^https?:\/\//.test(source)) return createDirectoryReader(source);
  const get: typeof fetch = (input, init) =>
    fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
  return createFetchReader(source, { fetch: get });
}

/** Of the network or the file system: nothing is known about the log. */
function isUnreadable(error: unknown): error is Error {
  return (
    error instanceof Error && ('code' in error || error.cause !== undefined || error.name === 'TimeoutError')
  );
}

/** `fetch` says only that it failed, and why in its cause. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function failed(path: string, problem: string, json: boolean): Outcome {
  const words = `NOT verified.\n  ${quotable(problem)}\n`;
  return { output: json ? toJson({ verified: false, path, message: problem }) : words, status: 1 };
}

function checkedToText({ origin, size, root, minimumIndex, witnesses, earlierSize }: Checked): string {
  const facts: [string, string][] = [
    ['log', origin],
    ['entries', minimumIndex === 0 ? `${size}, all present and in order` : `${minimumIndex} to ${size - 1}`],
    ['root', bytesToBase64(root)],
  ];
  if (minimumIndex > 0) facts.push(['pruned', `below entry ${minimumIndex}, as a policy in the log says`]);
  if (witnesses.length > 0) facts.push(['cosigned by', witnesses.join(', ')]);
  if (earlierSize !== undefined)
    facts.push(['continues', `the earlier checkpoint of ${earlierSize} entries, unchanged`]);
  return `Verified: every entry and every tile.\n${table(facts)}`;
}

function mirroredToText({ origin, size, from, files, witnesses }: MirrorReport, directory: string): string {
  const facts: [string, string][] = [
    ['log', origin],
    ['entries', `${size}, of which ${size - from} are new`],
    ['files', `${files} written to ${directory}`],
  ];
  if (witnesses.length > 0) facts.push(['cosigned by', witnesses.join(', ')]);
  return `Mirrored; every file was verified before it was written.\n${table(facts)}`;
}

function toJson(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
