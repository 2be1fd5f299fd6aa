/**
 * When an abandoned round is safe to report after on the same model: when no set of it can have been opened, nor ever will be. A
 * coordinator that says it got no sums may lie; only the helpers know what they answered.
 *
 * Up to c helpers lie with it, and they lack one sum only, which a single honest helper gives. So it takes the word of every helper that it
 * answered nothing. Quorum mode has a shorter way: an honest helper answers after q readies only, and of any q that never said ready and
 * q that did one would be honest and both (2q - m > c). A helper that said ready may have let others answer, so its word counts
 * among all only.
 */
import type { HelperClose, RoundConfig } from './round.ts';

/**
 * @param closes verified ones, of this configuration
 * @returns whether they show that the round was never opened
 */
export function showUnopened(
  { helpers, mode, q }: Pick<RoundConfig, 'helpers' | 'mode' | 'q'>,
  closes: readonly HelperClose[],
): boolean {
  const closed = helpers.filter(({ j }) => closes.some((close) => close.j === j));
  const silent = helpers.filter(({ j }) => closes.some((close) => close.j === j && !close.ready));
  return closed.length === helpers.length || (mode === 'quorum' && silent.length >= q);
}
