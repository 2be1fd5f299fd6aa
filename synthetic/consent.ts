/** How a simulated customer answers when asked for consent. Independent of everything else about them, churn included. */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import { bernoulli, uniform } from './distributions.ts';
import type { RandomSource } from './prng.ts';

/** In the form in which region nodes import consents. */
export type ConsentBehaviour =
  | { refused: true }
  | {
      /** Categories whose use is granted when asked, in the order of `CATEGORIES`. */
      granted: Category[];
      /** When all is withdrawn, as a fraction of the run strictly between 0 and 1; absent for never. */
      withdrawsAt?: number;
    };

const REFUSE_ALL = 0.08;
const WITHDRAW = 0.03;

/** `refusals`: the chance that a category is refused by somebody who grants others; absent = never. */
export function drawConsent(
  random: RandomSource,
  customer: number,
  refusals: Readonly<Partial<Record<Category, number>>>,
): ConsentBehaviour {
  const draw = (field: string) => random.stream(customer, field);
  if (bernoulli(draw('consent-refused'), REFUSE_ALL)) return { refused: true };
  const granted = CATEGORIES.filter(
    (category) => !bernoulli(draw(`consent:${category}`), refusals[category] ?? 0),
  );
  if (!bernoulli(draw('withdraws'), WITHDRAW)) return { granted };
  // Away from both ends, so that there are rounds before and after.
  return { granted, withdrawsAt: 0.1 + 0.8 * uniform(draw('withdraws-at')) };
}
