/** The host app's options, checked once: later code relies on them. */
import { bytesToBase64Url, bytesToHex, canonicalBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import { CATEGORIES, HashSchema, IriSchema, type Category } from '@twinkeep/consent';
import { firstIssue, parseTrust, ProtocolError, subjectSchema, taskIdSchema } from '@twinkeep/protocol';
import * as v from 'valibot';
import type { TwinSettings } from '../twin/calls.ts';

export interface CheckedSettings extends Required<Omit<TwinSettings, 'retentionDays'>> {
  retentionDays: Readonly<Record<Category, number>>;
  /** Stands for trust root and address together: what was checked under one is not taken under another. */
  trustId: string;
}

const DEFAULT_RETENTION_DAYS = 730;
const MAX_TASKS = 16;

const days = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_650));
const share = v.pipe(v.number(), v.gtValue(0), v.ltValue(1));

const settingsSchema = v.strictObject({
  coordinatorUrl: v.pipe(
    v.string(),
    v.regex(
      /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$|\/))[^?#]*[^/?#]$/,
      'an https address without a slash, query or fragment at its end; http only on this machine',
    ),
  ),
  trust: v.unknown(),
  controller: IriSchema,
  subject: subjectSchema,
  tasks: v.pipe(v.array(taskIdSchema), v.minLength(1), v.maxLength(MAX_TASKS)),
  notice: v.object({
    id: v.string(),
    version: v.string(),
    lang: v.string(),
    hash: HashSchema,
    renderedHash: v.exactOptional(HashSchema),
    uri: v.exactOptional(IriSchema),
  }),
  name: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  jurisdiction: v.exactOptional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(8))),
  retentionDays: v.exactOptional(v.strictObject(v.entriesFromList(CATEGORIES, v.exactOptional(days)))),
  minReports: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1e6))),
  activations: v.exactOptional(
    v.pipe(v.array(v.strictObject({ task: taskIdSchema, atLeast: share })), v.maxLength(64)),
  ),
});

/** @returns what is wrong with the options, naming the field and never a value */
export function checkSettings(given: TwinSettings): CheckedSettings | { wrong: string } {
  // What is left open may also be said to be undefined.
  const settings = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as TwinSettings;
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success) return { wrong: firstIssue(parsed.issues) };
  try {
    const trust = parseTrust(settings.trust);
    const { subject, coordinatorUrl } = settings;
    return {
      ...settings,
      trust,
      trustId: shortHash(canonicalBytes({ trust, coordinatorUrl })),
      tasks: [...new Set(settings.tasks)],
      // Neither the pseudonym nor what the app calls it is for whoever lists the databases of this browser.
      name: `twin-${bytesToHex(sha256(utf8ToBytes(`database\n${settings.name ?? subject}`))).slice(0, 32)}`,
      jurisdiction: settings.jurisdiction ?? ['EU'],
      retentionDays: {
        ...(Object.fromEntries(CATEGORIES.map((category) => [category, DEFAULT_RETENTION_DAYS])) as Record<
          Category,
          number
        >),
        ...settings.retentionDays,
      },
      minReports: settings.minReports ?? 2,
      activations: settings.activations ?? [],
    };
  } catch (error) {
    if (error instanceof ProtocolError) return { wrong: error.message };
    throw error;
  }
}

function shortHash(bytes: Uint8Array): string {
  return bytesToBase64Url(sha256(bytes)).slice(0, 22);
}
