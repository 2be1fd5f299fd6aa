/**
 * One version of a data set, as a registry keeps it: what it is, where it comes from, what was measured, and the hashes of the files that
 * belong to it. Nothing in it names a person. Read from a file that others can write, so its shape is checked.
 */
import * as v from 'valibot';
import { SyntheticError } from '../error.ts';
import { parseSchema, type TableSchema } from '../synthesize/schema.ts';

export interface StoredFile {
  /** `sha-256:` and the base64url of the hash of the bytes. */
  hash: string;
  bytes: number;
  mediaType: string;
}

export const ROLES = ['data', 'schema', 'model', 'report', 'figures', 'simulation'] as const;
export type Role = (typeof ROLES)[number];

export type Provenance =
  /** The options of the simulator: the same options make the same bytes. */
  | { kind: 'simulated'; options: Record<string, unknown> }
  /** A model of this file's hash; its ledger, null = nothing was promised. */
  | {
      kind: 'sampled';
      method: string;
      target: string | null;
      privacy: { epsilon: number; delta: number; rho: number; unit: string } | null;
      source: string | null;
    }
  | { kind: 'stated'; source: string | null };

/** What an evaluation found, for comparing versions. */
export interface Figures {
  quality: number;
  /** The quality of shuffled columns, without which `quality` says little. */
  shuffledQuality: number;
  /** Areas under the curve, trained on synthetic and on real rows; null without a target. */
  tstr: number | null;
  trtr: number | null;
  /** Shares and their 95 % intervals; 0.5 = no leak was found. */
  closerToTrain: [number, number, number];
  membership: [number, number, number];
}

export interface DataSetVersion {
  format: 1;
  name: string;
  /** From 1. */
  version: number;
  /** When it was added, e.g. `2026-01-31T12:00:00.000Z`. */
  created: string;
  title: string | null;
  /** As SPDX names it, an address, or words. */
  licence: string | null;
  rows: number;
  schema: TableSchema;
  files: { data: StoredFile } & { [role in Role]?: StoredFile };
  provenance: Provenance;
  figures: Figures | null;
  /** The hash of the version before, as it lies there; null for the first. */
  previous: string | null;
}

export const NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const hash = v.pipe(v.string(), v.regex(/^sha-256:[A-Za-z0-9_-]{43}$/));
const stored = v.strictObject({ hash, bytes: v.number(), mediaType: v.pipe(v.string(), v.maxLength(100)) });
const interval = v.tuple([v.number(), v.number(), v.number()]);
const words = v.nullable(v.pipe(v.string(), v.maxLength(2_000)));

const versionSchema = v.strictObject({
  format: v.literal(1),
  name: v.pipe(v.string(), v.regex(NAME)),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  created: v.pipe(v.string(), v.isoTimestamp()),
  title: words,
  licence: words,
  rows: v.pipe(v.number(), v.integer(), v.minValue(0)),
  schema: v.unknown(),
  files: v.strictObject({
    data: stored,
    schema: v.optional(stored),
    model: v.optional(stored),
    report: v.optional(stored),
    figures: v.optional(stored),
    simulation: v.optional(stored),
  }),
  provenance: v.variant('kind', [
    v.strictObject({ kind: v.literal('simulated'), options: v.record(v.string(), v.unknown()) }),
    v.strictObject({
      kind: v.literal('sampled'),
      method: v.string(),
      target: v.nullable(v.string()),
      privacy: v.nullable(
        v.strictObject({ epsilon: v.number(), delta: v.number(), rho: v.number(), unit: v.string() }),
      ),
      source: words,
    }),
    v.strictObject({ kind: v.literal('stated'), source: words }),
  ]),
  figures: v.nullable(
    v.strictObject({
      quality: v.number(),
      shuffledQuality: v.number(),
      tstr: v.nullable(v.number()),
      trtr: v.nullable(v.number()),
      closerToTrain: interval,
      membership: interval,
    }),
  ),
  previous: v.nullable(hash),
});

/** @throws SyntheticError 'synthetic/registry' that names the file */
export function parseVersion(given: unknown, file: string): DataSetVersion {
  const parsed = v.safeParse(versionSchema, given);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new SyntheticError('synthetic/registry', `${v.getDotPath(issue) ?? 'file'}: ${issue.message}`, {
      file,
    });
  }
  return { ...parsed.output, schema: parseSchema(parsed.output.schema) } as DataSetVersion;
}

const figuresSchema = v.looseObject({
  score: v.looseObject({ synthetic: v.number(), shuffled: v.number() }),
  efficacy: v.nullable(
    v.looseObject({
      synthetic: v.looseObject({ auc: v.looseObject({ value: v.number() }) }),
      real: v.looseObject({ auc: v.looseObject({ value: v.number() }) }),
    }),
  ),
  privacy: v.looseObject({
    closerToTrain: v.looseObject({ value: v.number(), low: v.number(), high: v.number() }),
    membership: v.looseObject({ value: v.number(), low: v.number(), high: v.number() }),
  }),
});

/** Out of what `evaluate --json` wrote. @throws SyntheticError 'synthetic/registry' that names the file */
export function parseFigures(given: unknown, file: string): Figures {
  const parsed = v.safeParse(figuresSchema, given);
  if (!parsed.success)
    throw new SyntheticError('synthetic/registry', 'holds no figures of an evaluation', { file });
  const { score, efficacy, privacy } = parsed.output;
  const three = ({
    value,
    low,
    high,
  }: {
    value: number;
    low: number;
    high: number;
  }): [number, number, number] => [value, low, high];
  return {
    quality: score.synthetic,
    shuffledQuality: score.shuffled,
    tstr: efficacy?.synthetic.auc.value ?? null,
    trtr: efficacy?.real.auc.value ?? null,
    closerToTrain: three(privacy.closerToTrain),
    membership: three(privacy.membership),
  };
}
