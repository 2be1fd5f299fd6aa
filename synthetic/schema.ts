/** What a population's events may contain, as public data: the bounds and vocabularies that features and synthesizers use. */
import type { Category } from '@twinkeep/consent';

export type AttributeSchema =
  /** Multiples of `step` within [min, max]. */
  | { kind: 'number'; min: number; max: number; step: number }
  | { kind: 'category'; vocabulary: readonly string[] }
  | { kind: 'boolean' };

export interface EventTypeSchema {
  type: string;
  /** The system that would send it (CloudEvents `source`). */
  source: string;
  category: Category;
  attributes: Readonly<Record<string, AttributeSchema>>;
}
