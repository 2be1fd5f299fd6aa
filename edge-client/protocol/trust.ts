/**
 * The trust root: every long-lived key that a party relies on. A host app passes it to `createTwin()`, a node or helper reads it from
 * a file that its operator put there. It is never fetched from the coordinator, who could otherwise name itself every helper.
 */
import {
  AuditError,
  bytesToBase64Url,
  vkeyToNoteKey,
  type NoteKey,
  type WitnessPolicy,
} from '@twinkeep/audit';
import * as v from 'valibot';
import { ProtocolError } from './problem.ts';
import { firstIssue, keyIdSchema } from './schema.ts';

export interface Trust {
  v: 1;
  /** `id` is the audience of credentials; `operator` who runs it, as shown to the user; `key` signs tasks, configurations, sets and results. */
  coordinator: { id: string; operator: string; key: string };
  /** Verifier key of the log in signed-note form. */
  log: { vkey: string };
  /**
   * Who must have seen a head of the log before anybody here acts on what is under it; shown to the user. Null: nobody, so that a
   * coordinator can show two logs to two parties until they compare notes.
   */
  witnesses: WitnessPolicy | null;
  /** Long-lived helper keys with the names of those who run them; shown to the user. */
  helpers: { j: number; operator: string; key: string }[];
  /** Who says that a device belongs to a customer: the host app's back end. */
  issuer: { id: string; keys: string[] };
}

/** What a statement is checked against: its signer, its log, and the log's witnesses. */
export interface Pinned {
  kid: string;
  vkey: string;
  witnesses: WitnessPolicy | null;
}

const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const witnessSchema = v.pipe(
  v.strictObject({ name: nameSchema, operator: nameSchema, vkey: nameSchema }),
  v.check(({ name, vkey }) => {
    const key = witnessKey(vkey);
    return key !== null && key.name === name;
  }, 'a witness is named as its verifier key is, which is of type 4'),
);

const witnessesSchema = v.pipe(
  v.strictObject({
    threshold: v.pipe(v.number(), v.integer(), v.minValue(1)),
    witnesses: v.pipe(v.array(witnessSchema), v.minLength(1), v.maxLength(16)),
  }),
  v.check(({ threshold, witnesses }) => threshold <= witnesses.length, 'more witnesses demanded than named'),
  v.check(
    ({ witnesses }) => new Set(witnesses.map(({ name }) => name)).size === witnesses.length,
    'each witness has a name of its own',
  ),
);

const fieldsSchema: v.GenericSchema<Trust> = v.strictObject({
  v: v.literal(1),
  coordinator: v.strictObject({ id: nameSchema, operator: nameSchema, key: keyIdSchema }),
  log: v.strictObject({ vkey: nameSchema }),
  witnesses: v.nullable(witnessesSchema),
  helpers: v.pipe(
    v.array(
      v.strictObject({
        j: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8)),
        operator: nameSchema,
        key: keyIdSchema,
      }),
    ),
    v.minLength(1),
    v.maxLength(8),
    v.check((helpers) => helpers.every(({ j }, i) => j === i + 1), 'helpers are numbered from 1 in order'),
    v.check(
      (helpers) => new Set(helpers.map(({ key }) => key)).size === helpers.length,
      'each helper has a key of its own',
    ),
  ),
  issuer: v.strictObject({
    id: nameSchema,
    keys: v.pipe(v.array(keyIdSchema), v.minLength(1), v.maxLength(8)),
  }),
});

// A cosignature does not name its maker, so one key under two names would count twice; and a witness whose key somebody else here
// holds has seen nothing by itself.
const trustSchema = v.pipe(
  fieldsSchema,
  v.check((trust) => {
    const witnesses = trust.witnesses?.witnesses ?? [];
    const others = [noteKeyId(trust.log.vkey), trust.coordinator.key, ...trust.helpers.map(({ key }) => key)];
    const own = witnesses.map(({ vkey }) => noteKeyId(vkey));
    return new Set(own).size === own.length && own.every((key) => !others.includes(key));
  }, 'each witness has a key of its own'),
);

export function parseTrust(input: unknown): Trust {
  const parsed = v.safeParse(trustSchema, input);
  if (!parsed.success)
    throw new ProtocolError('protocol/trust', `the trust file is not valid: ${firstIssue(parsed.issues)}`);
  return parsed.output;
}

/** Everyone who runs the coordinator or a helper. One name: protected against a leaked database, not against that operator. Screens must say so. */
export function operatorsOf(trust: Trust): string[] {
  return [...new Set([trust.coordinator.operator, ...trust.helpers.map(({ operator }) => operator)])];
}

export function trustToPinned(trust: Trust): Pinned {
  return { kid: trust.coordinator.key, vkey: trust.log.vkey, witnesses: trust.witnesses };
}

function witnessKey(vkey: string): NoteKey | null {
  const key = readVkey(vkey);
  return key?.algorithm === 'cosignature' ? key : null;
}

/** A verifier key's public key in the form of key ids; null where it cannot be read, which its user will say. */
function noteKeyId(vkey: string): string | null {
  const key = readVkey(vkey);
  return key === null ? null : bytesToBase64Url(key.publicKey);
}

function readVkey(vkey: string): NoteKey | null {
  try {
    return vkeyToNoteKey(vkey);
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}
