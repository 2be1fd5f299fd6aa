/** What gates G2 and G3 ask of every twin's consent: the same words for the coordinator that asks, and for whoever asks again later. */
import type { ConsentQuestion, DecisionReason } from '@twinkeep/consent';
import type { DropReason, RoundConfig } from './round.ts';

/**
 * The cohort is the floor that the round promises, at least one twin in each of `nMin` reports: what a node can know before it reports, and
 * what no drop-out can undercut. The privacy loss is that of the whole task.
 */
export function consentQuestion(config: RoundConfig): Omit<ConsentQuestion, 'subject'> {
  return {
    categories: config.categories,
    purpose: config.purpose,
    sector: config.sector,
    operation: config.operation,
    cohort: config.nMin,
    ...(config.dp.mech === 'none' ? {} : { dp: { epsilon: config.dp.epsilon, delta: config.dp.delta } }),
  };
}

/** Why a twin may not contribute: what the gate says, or `foreign`, where the reporting key does not speak for the twin. */
export type GateDenial = Exclude<DecisionReason, 'consented' | 'not-opted-out'> | 'foreign';

type ConsentDropReason = Extract<DropReason, `consent-${string}`>;

/** As set commits count them: somebody said no; a yes is over, or is not to this; there was none; the round is not as private as the yes demands. */
const DROPPED_FOR: Readonly<Record<GateDenial, ConsentDropReason>> = {
  withdrawn: 'consent-withdrawn',
  objected: 'consent-withdrawn',
  signal: 'consent-withdrawn',
  restricted: 'consent-withdrawn',
  revoked: 'consent-withdrawn',
  invalidated: 'consent-withdrawn',
  refused: 'consent-withdrawn',
  expired: 'consent-lapsed',
  superseded: 'consent-lapsed',
  'notice-outdated': 'consent-lapsed',
  'other-regime': 'consent-lapsed',
  'never-asked': 'consent-missing',
  'not-answered': 'consent-missing',
  'notice-period': 'consent-missing',
  'guardian-needed': 'consent-missing',
  'subject-mismatch': 'consent-missing',
  'no-category-consented': 'consent-missing',
  foreign: 'consent-missing',
  'cohort-below-floor': 'consent-floor',
  'privacy-loss-above-floor': 'consent-floor',
};

export function dropReasonOf(denial: GateDenial): ConsentDropReason {
  return DROPPED_FOR[denial];
}

/** A yes in so many words, or none needed and no objection. */
export function isDenial(reason: DecisionReason): reason is Exclude<GateDenial, 'foreign'> {
  return reason !== 'consented' && reason !== 'not-opted-out';
}
