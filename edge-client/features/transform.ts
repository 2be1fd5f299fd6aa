/** From a feature's value to inputs of the model. Definitions: `Transform` of the protocol. */
import { bend, type AttributeValue, type Transform } from '@twinkeep/protocol';
import { toNumber } from './summary.ts';

type Scale = Extract<Transform, { kind: 'scale' }>;

/** Writes `transformWidth(transform)` inputs to `row` from `at` on; the row holds zeros there. @param value null: missing */
export function writeInputs(
  transform: Transform,
  value: AttributeValue | null,
  row: Float32Array,
  at: number,
): void {
  if (value === null) return;
  if (transform.kind === 'one-hot') {
    const index = transform.vocabulary.indexOf(value);
    if (index >= 0) row[at + index] = 1;
    else if (transform.other) row[at + transform.vocabulary.length] = 1;
    return;
  }
  const number = toNumber(value);
  // An overflow is no value: one absurd event must not stop the round of a whole node.
  if (number === null || !Number.isFinite(number)) return;
  if (transform.kind === 'bucket') {
    row[at + transform.edges.filter((edge) => edge <= number).length] = 1;
    return;
  }
  row[at] = scale(transform, number);
  if (transform.indicator) row[at + 1] = 1;
}

function scale({ bounds: [low, high], curve }: Scale, value: number): number {
  const clipped = Math.min(high, Math.max(low, value));
  const [least, most] = [bend(curve, low), bend(curve, high)];
  const position = (bend(curve, clipped) - least) / (most - least);
  return 2 * position - 1;
}
