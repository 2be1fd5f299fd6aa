/** What gates G2 and G3 ask of every twin's consent: the same words for the coordinator that asks, and for whoever asks again later. */
import type { ConsentQuestion } from '@twinkeep/consent';
import type { RoundConfig } from './round.ts';

/**
 * The cohort is the floor that the round promises, at least one twin in each of `nMin` reports: what a node can know before it reports, and
 * what no drop-out can undercut. The privacy loss is that of the whole task.
 */
export function consentQuestion(config: RoundConfig): Omit<ConsentQuestion, 'subject'> {
  return {
    categories: config.categories,
    purpose: config.purpose,
    sector: config.sector,
    operation: 'contribute',
    cohort: config.nMin,
    ...(config.dp.mech === 'none' ? {} : { dp: { epsilon: config.dp.epsilon, delta: config.dp.delta } }),
  };
}
