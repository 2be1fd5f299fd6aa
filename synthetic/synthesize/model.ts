/** A model read from a file. Whoever gives it decides what is sampled; its shape is checked so that a wrong file ends in words. */
import * as v from 'valibot';
import { SyntheticError } from '../error.ts';
import type { CopulaModel } from './copula.ts';
import type { MstModel } from './mst.ts';
import { parseSchema } from './schema.ts';

const numbers = v.array(v.number());
const groups = v.looseObject({ of: numbers, count: v.number(), spread: numbers });
const tree = v.looseObject({ order: numbers, parents: numbers });

const modelSchema = v.variant('kind', [
  v.looseObject({
    kind: v.literal('mst'),
    schema: v.unknown(),
    attributes: v.array(v.string()),
    target: v.nullable(v.string()),
    classes: v.pipe(
      v.array(
        v.looseObject({
          cell: v.number(),
          rows: v.number(),
          tree,
          groups: v.array(groups),
          chances: v.array(numbers),
        }),
      ),
      v.minLength(1),
    ),
    privacy: v.nullable(v.looseObject({ epsilon: v.number(), delta: v.number(), rho: v.number() })),
  }),
  v.looseObject({
    kind: v.literal('copula'),
    schema: v.unknown(),
    marginals: v.array(
      v.looseObject({
        kind: v.picklist(['category', 'number', 'date']),
        name: v.string(),
        missing: v.number(),
      }),
    ),
    correlations: v.array(numbers),
    privacy: v.null(),
  }),
]);

/** @throws SyntheticError 'synthetic/schema' */
export function parseModel(given: unknown): CopulaModel | MstModel {
  const parsed = v.safeParse(modelSchema, given);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new SyntheticError(
      'synthetic/schema',
      `no model: ${v.getDotPath(issue) ?? 'file'}: ${issue.message}`,
    );
  }
  const schema = parseSchema(parsed.output.schema);
  return { ...parsed.output, schema } as unknown as CopulaModel | MstModel;
}
