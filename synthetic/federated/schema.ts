/** The public schema of a counting task's rows: its features with their declared cells, and its label, which is the target. */
import type { Feature, TaskSpec } from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import { createCodec } from '../synthesize/codec.ts';
import { parseSchema, type ColumnSchema, type TableSchema } from '../synthesize/schema.ts';

export interface CountedSchema {
  schema: TableSchema;
  target: string;
  /** Names of the columns, in the order of the features. */
  attributes: string[];
}

/** @throws SyntheticError 'synthetic/schema' where a feature has no declared cells */
export function schemaOfTask({ features, label }: TaskSpec): CountedSchema {
  const attributes = features.map(({ name }) => name);
  const target = attributes.includes(label.attribute) ? `${label.event}.${label.attribute}` : label.attribute;
  // Both lists may name several words; what they say is yes or no, and the first of each stands for it.
  const words = [label.negative[0], label.positive[0]].map(String);
  const columns = [...features.map(columnOfFeature), { kind: 'category', name: target, words }];
  return { schema: parseSchema({ columns }), target, attributes };
}

/** @throws SyntheticError 'synthetic/schema' with the column that is missing or has other cells */
export function requireSameCells({ schema: { columns } }: CountedSchema, given: TableSchema): void {
  for (const own of columns) {
    const other = given.columns.find(({ name }) => name === own.name);
    if (other === undefined || createCodec(other).cells !== createCodec(own).cells)
      throw new SyntheticError('synthetic/schema', 'has other cells than the task declared', {
        column: own.name,
      });
  }
}

function columnOfFeature({ name, aggregate, transform }: Feature): ColumnSchema {
  if (transform.kind === 'scale')
    throw new SyntheticError('synthetic/schema', 'has no declared cells', { column: name });
  if (transform.kind === 'one-hot') {
    const words = transform.vocabulary.map(String);
    if (!transform.other) return { kind: 'category', name, words, missing: true };
    const other = wordFor(words);
    return { kind: 'category', name, words: [...words, other], other, missing: true };
  }
  const { edges } = transform;
  const whole = ['count', 'distinct', 'recency'].includes(aggregate.kind);
  return {
    kind: 'number',
    name,
    edges,
    ...boundsOf(edges, whole),
    ...(whole ? { step: 1 } : {}),
    missing: true,
  };
}

function wordFor(words: readonly string[]): string {
  let other = 'other';
  while (words.includes(other)) other += '_';
  return other;
}

/** Open ends are as wide as the intervals beside them; what counts something does not fall below 0. */
function boundsOf(edges: readonly number[], counts: boolean): { min: number; max: number } {
  const [first, last] = [edges[0] as number, edges.at(-1) as number];
  const width = (a: number | undefined, b: number | undefined): number =>
    a === undefined || b === undefined ? 1 : b - a;
  const min = first - width(edges[0], edges[1]);
  return { min: counts && first > 0 ? Math.max(0, min) : min, max: last + width(edges.at(-2), edges.at(-1)) };
}
