// Verifies an export (see export.ts) as a stream, in memory that does not grow with the log. The file comes from whoever
// wants it believed; the key, and an earlier checkpoint if there is one, come from the verifier.

import * as v from 'valibot';

import { base64ToBytes, base64UrlToBytes, bytesToUtf8, concatBytes, equalBytes } from './bytes.ts';
import { parseCanonicalJson } from './canon.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { createCompactRange, type CompactRange } from './compact-range.ts';
import { verifyEd25519, type Ed25519Verify } from './ed25519.ts';
import { AuditError, ExportError, type AuditErrorCode } from './errors.ts';
import { EXPORT_FORMAT } from './export.ts';
import { sha256, type Sha256 } from './hash.ts';
import { leafToEnvelope, verifyCommitment } from './leaf.ts';
import { hashLeaf } from './merkle.ts';
import type { OpenNoteOptions } from './note.ts';
import { vkeyToNoteKey, type NoteKey } from './vkey.ts';

export interface VerifyExportOptions {
  /** The log's verifier key. */
  vkey: string;
  /** A checkpoint that the verifier saw before, as a signed note: the export must begin with all that it covers. */
  earlier?: string;
  hash?: Sha256;
  verify?: Ed25519Verify;
}

/** What a verified export says. */
export interface ExportReport {
  origin: string;
  size: number;
  root: Uint8Array;
  /** How many leaves of each type, sorted by type. */
  types: Record<string, number>;
  /** How many leaves came with their body, each matching the leaf's commitment. */
  disclosed: number;
  /** Size of the earlier checkpoint that this log was found to continue. */
  earlierSize?: number;
}

const MAX_LINE_LENGTH = 16 * 1024 * 1024;
const MAX_TYPES = 1024;
const NEWLINE = 0x0a;

const Header = v.strictObject({
  format: v.literal(EXPORT_FORMAT),
  origin: v.string(),
  checkpoint: v.string(),
  disclosed: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

const Disclosure = v.strictObject({
  leaf: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  salt: v.string(),
  body: v.unknown(),
});

/**
 * Throws an `ExportError` that names the line: `export/malformed` if the file is not spelled as `exportLog` spells it,
 * `export/disagrees` if its parts contradict each other, the key or the earlier checkpoint. Throws `vkey/malformed` and
 * the codes of `openCheckpoint` if it is the verifier's own key or checkpoint that is wrong.
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array>,
  options: VerifyExportOptions,
): Promise<ExportReport> {
  const reader = createReader(options);
  let number = 0;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : concatBytes(rest, chunk);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const line = rest.subarray(0, end);
      atLine(++number, () => reader.line(bytesToUtf8(line)));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_LINE_LENGTH)
      throw new ExportError('export/malformed', number + 1, 'the line is too long');
    rest = rest.slice();
  }
  if (rest.length > 0)
    throw new ExportError('export/malformed', number + 1, 'the file does not end with a newline');
  return atLine(number, () => reader.end());
}

interface Reader {
  line(text: string): void;
  end(): ExportReport;
}

interface Progress {
  checkpoint: Checkpoint;
  announced: number;
  disclosed: number;
  edge: CompactRange;
  types: Map<string, number>;
  /** The leaf above, until it has been disclosed. */
  leaf: Uint8Array | null;
}

function createReader({ vkey, earlier, hash = sha256, verify = verifyEd25519 }: VerifyExportOptions): Reader {
  const key = vkeyToNoteKey(vkey);
  const options = { unknownSignatures: 'refuse', verify } as const;
  // The verifier's own file: witnesses may have cosigned what it kept, which changes nothing.
  const seen = earlier === undefined ? null : openCheckpoint(earlier, key, { verify });
  let progress: Progress | null = null;

  return {
    line: (text) => {
      if (progress === null) {
        progress = readHeader(text, key, options, hash);
        if (seen !== null && seen.size > progress.checkpoint.size) {
          throw disagrees(
            `the log has ${progress.checkpoint.size} leaves, fewer than ${seen.size} seen earlier`,
          );
        }
      } else if (text.startsWith('{')) {
        readDisclosure(text, progress, hash);
      } else {
        readLeaf(text, progress, hash);
        if (progress.edge.size() === seen?.size && !equalBytes(progress.edge.root(), seen.root)) {
          throw disagrees(`the first ${seen.size} leaves are not those of the earlier checkpoint`);
        }
      }
    },
    end: () => {
      if (progress === null) throw malformed('the file is empty');
      return { ...finish(progress), ...(seen === null ? {} : { earlierSize: seen.size }) };
    },
  };
}

function readHeader(text: string, key: NoteKey, options: OpenNoteOptions, hash: Sha256): Progress {
  const { origin, checkpoint: note, disclosed } = parse(Header, text, 'header');
  const checkpoint = openCheckpoint(note, key, options);
  if (origin !== checkpoint.origin)
    throw disagrees(`the header names ${origin}, its checkpoint ${checkpoint.origin}`);
  const edge = createCompactRange(0, [], hash);
  return { checkpoint, announced: disclosed, disclosed: 0, edge, types: new Map(), leaf: null };
}

function readLeaf(text: string, progress: Progress, hash: Sha256): void {
  const { checkpoint, edge, types } = progress;
  if (edge.size() === checkpoint.size) throw malformed(`a line after the last of ${checkpoint.size} leaves`);
  const leaf = base64ToBytes(text);
  const { type } = leafToEnvelope(leaf);
  types.set(type, (types.get(type) ?? 0) + 1);
  if (types.size > MAX_TYPES) throw malformed(`more than ${MAX_TYPES} types of leaf`);
  edge.append(hashLeaf(leaf, hash));
  progress.leaf = leaf;
}

function readDisclosure(text: string, progress: Progress, hash: Sha256): void {
  const { leaf: index, salt, body } = parse(Disclosure, text, 'disclosure');
  const { leaf } = progress;
  if (leaf === null || index !== progress.edge.size() - 1)
    throw malformed('a disclosure that is not below its leaf');
  if (!verifyCommitment(leaf, body, base64UrlToBytes(salt), hash)) {
    throw disagrees(`leaf ${index} does not commit to this body and salt`);
  }
  progress.leaf = null;
  progress.disclosed++;
}

function finish({ checkpoint, announced, disclosed, edge, types }: Progress): ExportReport {
  const { origin, size, root } = checkpoint;
  if (edge.size() !== size) throw disagrees(`the file ends after ${edge.size()} of ${size} leaves`);
  if (disclosed !== announced) throw disagrees(`${disclosed} bodies are disclosed, not ${announced}`);
  if (!equalBytes(edge.root(), root))
    throw disagrees('the leaves do not lead to the signed root: one was changed');
  const sorted = [...types].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { origin, size, root, types: Object.fromEntries(sorted), disclosed };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, text: string, what: string): T {
  const result = v.safeParse(schema, parseCanonicalJson(text));
  if (result.success) return result.output;
  throw malformed(`not a ${what}: ${result.issues[0].message}`);
}

/** Codes of the inner formats that mean "well spelled, and not true"; all others mean that the spelling is wrong. */
const DISAGREEMENTS: ReadonlySet<AuditErrorCode> = new Set<AuditErrorCode>([
  'export/disagrees',
  'note/unverified',
  'note/unknown-signature',
  'checkpoint/wrong-origin',
]);

function atLine<T>(line: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    const code = DISAGREEMENTS.has(cause.code) ? 'export/disagrees' : 'export/malformed';
    throw new ExportError(code, line, cause.message, { cause });
  }
}

function malformed(message: string): AuditError {
  return new AuditError('export/malformed', message);
}

function disagrees(message: string): AuditError {
  return new AuditError('export/disagrees', message);
}
