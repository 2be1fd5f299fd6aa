/**
 * Reading a pack's lines (see `evidence.ts` of the protocol). Whoever gave the file controls every byte of it; here it is only held against the
 * manifest, whose signature is checked with the reader's own key, so that a changed byte is found before anything is made of it, and
 * the section is named in which it stands. What a section then says is for the checks.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToUtf8,
  canonicalJson,
  sha256,
  type Sha256,
} from '@twinkeep/audit';
import {
  EVIDENCE_SECTIONS,
  evidenceCheckpointSchema,
  evidenceContributionSchema,
  evidenceEntrySchema,
  evidenceManifestSchema,
  evidenceRulesSchema,
  statedSpeakerSchema,
  MAX_EVIDENCE_BYTES,
  ProtocolError,
  verifyStatement,
  type EvidenceManifest,
  type EvidenceRecords,
  type EvidenceSection,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import { PackError } from './errors.ts';

export interface ReadPack {
  manifest: EvidenceManifest;
  records: EvidenceRecords;
}

const NEWLINE = 0x0a;

/**
 * @param coordinatorKey the key that the reader's trust file names
 * @throws PackError
 */
export function readPack(bytes: Uint8Array, coordinatorKey: string, hash: Sha256 = sha256): ReadPack {
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw new PackError('pack/too-large', 'file', `it has more than ${MAX_EVIDENCE_BYTES} bytes`);
  const end = bytes.indexOf(NEWLINE);
  if (end < 0 || bytes.at(-1) !== NEWLINE)
    throw new PackError('pack/malformed', 'file', 'it does not end where a pack ends');
  const manifest = readManifest(bytes.subarray(0, end), coordinatorKey);
  const sections = splitSections(bytes, end + 1, manifest, hash);
  const lines = <T>(name: EvidenceSection, schema: v.GenericSchema<T>): T[] =>
    readLines(name, sections.get(name) as Uint8Array[], schema);
  const one = <T>(name: EvidenceSection, schema: v.GenericSchema<T>): T => {
    const [record, ...rest] = lines(name, schema);
    if (record === undefined || rest.length > 0)
      throw new PackError('pack/malformed', name, 'it has another number of lines than one');
    return record;
  };
  return {
    manifest,
    records: {
      checkpoint: one('checkpoint', evidenceCheckpointSchema),
      entries: lines('entries', evidenceEntrySchema),
      contributions: lines('contributions', evidenceContributionSchema),
      speakers: lines('speakers', statedSpeakerSchema),
      rules: one('rules', evidenceRulesSchema),
    },
  };
}

function readManifest(line: Uint8Array, coordinatorKey: string): EvidenceManifest {
  const input = parseLine('manifest', line);
  const kid = signerOf(input);
  if (kid !== null && kid !== coordinatorKey)
    throw new PackError('pack/foreign', 'manifest', 'it is signed by another coordinator than yours');
  try {
    return verifyStatement(input, 'evidence', evidenceManifestSchema, coordinatorKey).body;
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new PackError('pack/changed', 'manifest', cause.message, { cause });
  }
}

/** The key that says it signed, if that is a whole key: a pack of another coordinator is not a changed one. */
function signerOf(input: unknown): string | null {
  const { signatures } = (input ?? {}) as { signatures?: { kid?: unknown }[] };
  const kid = Array.isArray(signatures) && signatures.length === 1 ? signatures[0]?.kid : null;
  try {
    return typeof kid === 'string' && base64UrlToBytes(kid).length === 32 ? kid : null;
  } catch {
    return null;
  }
}

function splitSections(
  bytes: Uint8Array,
  start: number,
  { sections }: EvidenceManifest,
  hash: Sha256,
): Map<EvidenceSection, Uint8Array[]> {
  const found = new Map<EvidenceSection, Uint8Array[]>();
  let at = start;
  for (const section of sections) {
    const from = at;
    const lines: Uint8Array[] = [];
    while (lines.length < section.lines) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0)
        throw new PackError(
          'pack/changed',
          section.name,
          `it has ${lines.length} lines, not ${section.lines}`,
        );
      lines.push(bytes.subarray(at, end));
      at = end + 1;
    }
    if (bytesToBase64Url(hash(bytes.subarray(from, at))) !== section.hash)
      throw new PackError('pack/changed', section.name, 'it is not the one that the coordinator signed for');
    found.set(section.name, lines);
  }
  if (at !== bytes.length)
    throw new PackError('pack/changed', EVIDENCE_SECTIONS.at(-1) as EvidenceSection, 'something follows it');
  return found;
}

function readLines<T>(name: EvidenceSection, lines: readonly Uint8Array[], schema: v.GenericSchema<T>): T[] {
  return lines.map((line, i) => {
    const parsed = v.safeParse(schema, parseLine(name, line));
    if (!parsed.success) {
      const where = v.getDotPath(parsed.issues[0]) ?? 'the record';
      throw new PackError('pack/malformed', name, `line ${i + 1}: ${where} is not as documented`);
    }
    return parsed.output;
  });
}

function parseLine(part: PackError['part'], line: Uint8Array): unknown {
  try {
    const text = bytesToUtf8(line);
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) === text) return value;
  } catch {
    // Falls through: what cannot be read is as little canonical as what is spelled otherwise.
  }
  throw new PackError(
    part === 'manifest' ? 'pack/changed' : 'pack/malformed',
    part,
    'a line is not canonical JSON',
  );
}
