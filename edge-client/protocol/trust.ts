/**
 * The trust root: every long-lived key that a party relies on. A host app passes it to `createTwin()`, a node or helper reads it from
 * a file that its operator put there. It is never fetched from the coordinator, who could otherwise name itself every helper.
 */
import * as v from 'valibot';
import { ProtocolError } from './problem.ts';
import { firstIssue, keyIdSchema } from './schema.ts';

export interface Trust {
  v: 1;
  /** `id` is the audience of credentials; `key` signs tasks, round configurations, set commits and results. */
  coordinator: { id: string; key: string };
  /** Verifier key of the log in signed-note form. */
  log: { vkey: string };
  /** Long-lived helper keys with the names of those who run them; shown to the user. */
  helpers: { j: number; operator: string; key: string }[];
  /** Who says that a device belongs to a customer: the host app's back end. */
  issuer: { id: string; keys: string[] };
}

const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const trustSchema: v.GenericSchema<Trust> = v.strictObject({
  v: v.literal(1),
  coordinator: v.strictObject({ id: nameSchema, key: keyIdSchema }),
  log: v.strictObject({ vkey: nameSchema }),
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

export function parseTrust(input: unknown): Trust {
  const parsed = v.safeParse(trustSchema, input);
  if (!parsed.success)
    throw new ProtocolError('protocol/trust', `the trust file is not valid: ${firstIssue(parsed.issues)}`);
  return parsed.output;
}

/** One operator for everything means: protected against a leaked database, not against the operator. Screens must say so. */
export function distinctOperators(trust: Trust): number {
  return new Set(trust.helpers.map(({ operator }) => operator)).size;
}
