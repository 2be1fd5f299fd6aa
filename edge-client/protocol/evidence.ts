/**
 * An evidence pack: what an officer takes out of a coordinator so that somebody else can check it without one. Lines of UTF-8, each ended
 * by a newline, each canonical JSON (RFC 8785) in its one spelling:
 *
 *   line 1      the manifest, a statement signed by the coordinator: what was asked, and of each section its number of lines and its hash
 *   sections    in the order of `EVIDENCE_SECTIONS`, each line one record
 *
 *   checkpoint      one line: the log's signed head with its cosignatures; every entry is proved under it
 *   entries         leaves of the log, what opens them, and their inclusion proofs: statements and consent events, ascending by index
 *   contributions   the reports of rounds: headers as their devices signed them, and members as far as they are disclosed
 *   speakers        keys and the credentials that say for whom they may speak
 *   rules           which rules of consent and which witnesses the coordinator worked with: to compare, never to believe
 *
 * Whoever reads a pack trusts nothing in it. Keys come from the reader's own trust file; the manifest's signature shows who said
 * this, and every other line has to follow from the log, from signatures by devices and helpers, or be named as not shown.
 */
import { base64UrlToBytes, bytesToBase64Url, canonicalJson, sha256, utf8ToBytes } from '@twinkeep/audit';
import { MAX_CONSENT_JWS_CHARS } from '@twinkeep/consent';
import * as v from 'valibot';
import { DROP_REASONS, type DropReason } from './round.ts';
import { hashSchema, keyIdSchema, subjectSchema } from './schema.ts';
import type { StatedSpeaker } from './speakers.ts';

export const EVIDENCE_FORMAT = 'twinkeep-evidence/1';
export const EVIDENCE_PATH = '/v1/evidence';
export const EVIDENCE_MEDIA = 'application/x-ndjson';
/** Above that an officer asks for less at a time. */
export const MAX_EVIDENCE_BYTES: number = 128 * 1024 * 1024;

export const EVIDENCE_SECTIONS = ['checkpoint', 'entries', 'contributions', 'speakers', 'rules'] as const;
export type EvidenceSection = (typeof EVIDENCE_SECTIONS)[number];

/** What a pack is about. Models are named by the hash of their bytes, rounds by that of their configuration; times in milliseconds since 1970. */
export type EvidenceTarget =
  | { kind: 'subject'; subject: string }
  | { kind: 'round'; rcHash: string }
  | { kind: 'model'; model: string }
  | { kind: 'subject-model'; subject: string; model: string }
  /** Rounds whose set was fixed in `from` ..< `to`. */
  | { kind: 'period'; from: number; to: number };

const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = time;

export const evidenceTargetSchema: v.GenericSchema<EvidenceTarget> = v.variant('kind', [
  v.strictObject({ kind: v.literal('subject'), subject: subjectSchema }),
  v.strictObject({ kind: v.literal('round'), rcHash: hashSchema }),
  v.strictObject({ kind: v.literal('model'), model: hashSchema }),
  v.strictObject({ kind: v.literal('subject-model'), subject: subjectSchema, model: hashSchema }),
  v.strictObject({ kind: v.literal('period'), from: time, to: time }),
]);

/** Body of `POST EVIDENCE_PATH`. `reason` is kept with the name of the officer, for whoever reviews who looked at what. */
export interface EvidenceRequest {
  target: EvidenceTarget;
  reason: string;
}

export const evidenceRequestSchema: v.GenericSchema<EvidenceRequest> = v.strictObject({
  target: evidenceTargetSchema,
  reason: v.pipe(v.string(), v.minLength(3), v.maxLength(500), v.regex(/^[^\p{Cc}\p{Cs}]+$/u)),
});

export interface EvidenceManifest {
  v: 1;
  format: typeof EVIDENCE_FORMAT;
  target: EvidenceTarget;
  madeAt: number;
  /** `hash`: SHA-256 of the section's lines, newlines included. */
  sections: { name: EvidenceSection; lines: number; hash: string }[];
}

export const evidenceManifestSchema: v.GenericSchema<EvidenceManifest> = v.strictObject({
  v: v.literal(1),
  format: v.literal(EVIDENCE_FORMAT),
  target: evidenceTargetSchema,
  madeAt: time,
  sections: v.pipe(
    v.array(v.strictObject({ name: v.picklist(EVIDENCE_SECTIONS), lines: count, hash: hashSchema })),
    v.check((sections) => sections.map(({ name }) => name).join() === EVIDENCE_SECTIONS.join()),
  ),
});

/** In its one spelling, so that no check that decodes it can fail for the spelling alone. */
const base64Url = (max: number): v.GenericSchema<string> =>
  v.pipe(v.string(), v.maxLength(max), v.check(isBase64Url, 'base64url'));

function isBase64Url(text: string): boolean {
  try {
    base64UrlToBytes(text);
    return true;
  } catch {
    return false;
  }
}

export interface EvidenceEntry {
  index: number;
  /** Base64url. */
  leaf: string;
  salt: string;
  /** What the leaf commits to: a statement, or a consent event as compact JWS. */
  body: string | { type: string; body: unknown; signatures: { kid: string; sig: string }[] };
  /** Leaf's sibling first (RFC 6962 section 2.1.1). */
  proof: string[];
}

export const evidenceEntrySchema: v.GenericSchema<EvidenceEntry> = v.strictObject({
  index: count,
  leaf: base64Url(2_048),
  salt: hashSchema,
  body: v.union([
    v.pipe(v.string(), v.maxLength(MAX_CONSENT_JWS_CHARS)),
    v.strictObject({
      type: v.pipe(v.string(), v.maxLength(64)),
      body: v.unknown(),
      signatures: v.pipe(
        v.array(v.strictObject({ kid: keyIdSchema, sig: v.pipe(v.string(), v.maxLength(86)) })),
        v.maxLength(16),
      ),
    }),
  ]),
  proof: v.pipe(v.array(hashSchema), v.maxLength(63)),
});

/** A report that a round had when its set was fixed. */
export interface EvidenceContribution {
  rcHash: string;
  headerHash: string;
  disposition: 'in-set' | DropReason;
  /** As its device signed it; null where the reporter was erased, or the header is about nobody whom this pack is about. */
  signed: { header: string; signature: string } | null;
  /** All leaves of its members in their order, 32 bytes each, in one base64url; empty without a header. */
  leaves: string;
  /** Those that are disclosed, ascending by place; the others were erased, or are not what the pack is about. */
  members: { place: number; subject: string; salt: string }[];
}

export const evidenceContributionSchema: v.GenericSchema<EvidenceContribution> = v.strictObject({
  rcHash: hashSchema,
  headerHash: hashSchema,
  disposition: v.picklist(['in-set', ...DROP_REASONS]),
  signed: v.nullable(v.strictObject({ header: base64Url(16_384), signature: base64Url(86) })),
  leaves: base64Url(MAX_EVIDENCE_BYTES),
  members: v.array(v.strictObject({ place: count, subject: subjectSchema, salt: subjectSchema })),
});

export interface EvidenceRules {
  /** `POLICY_HASH` of the coordinator's rules of consent. */
  consent: string;
  log: string;
  witnesses: { name: string; vkey: string }[];
}

export const evidenceRulesSchema: v.GenericSchema<EvidenceRules> = v.strictObject({
  consent: v.pipe(v.string(), v.maxLength(64)),
  log: v.pipe(v.string(), v.maxLength(500)),
  witnesses: v.pipe(
    v.array(
      v.strictObject({
        name: v.pipe(v.string(), v.maxLength(200)),
        vkey: v.pipe(v.string(), v.maxLength(500)),
      }),
    ),
    v.maxLength(16),
  ),
});

export interface EvidenceRecords {
  checkpoint: { note: string };
  entries: EvidenceEntry[];
  contributions: EvidenceContribution[];
  speakers: StatedSpeaker[];
  rules: EvidenceRules;
}

export const evidenceCheckpointSchema: v.GenericSchema<EvidenceRecords['checkpoint']> = v.strictObject({
  note: v.pipe(v.string(), v.maxLength(131_072)),
});

/** The text of each section, in order. */
export function evidenceSections(records: EvidenceRecords): {
  text: string;
  section: EvidenceManifest['sections'][number];
}[] {
  return EVIDENCE_SECTIONS.map((name) => {
    const lines: readonly unknown[] =
      name === 'checkpoint' || name === 'rules' ? [records[name]] : records[name];
    const text = lines.map((line) => `${canonicalJson(line)}\n`).join('');
    const hash = bytesToBase64Url(sha256(utf8ToBytes(text)));
    return { text, section: { name, lines: lines.length, hash } };
  });
}
