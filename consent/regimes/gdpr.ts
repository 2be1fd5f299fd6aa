import { CONSENT_BASIS, EXPLICIT_CONSENT_BASIS } from '../category.ts';
import type { AgeBand } from '../event.ts';
import type { Regime } from '../regime.ts';
import { COMMON_TRANSITIONS } from './transitions.ts';

/** Article 8(1): 16, unless a member state says less. The band 13 to 15 needs a guardian where the age is 14, 15 or 16. */
const UNDER_16: readonly AgeBand[] = ['under-13', '13-15'];
const UNDER_13: readonly AgeBand[] = ['under-13'];
const GUARDIAN_FOR = {
  default: UNDER_16,
  BE: UNDER_13,
  DK: UNDER_13,
  EE: UNDER_13,
  FI: UNDER_13,
  GB: UNDER_13,
  IS: UNDER_13,
  LV: UNDER_13,
  MT: UNDER_13,
  NO: UNDER_13,
  PT: UNDER_13,
  SE: UNDER_13,
};

/**
 * The Regulation sets no numbers of days: a year of validity follows the supervisory authorities' advice to refresh consent.
 * Article 14 is why third-party data must name its source and be announced first, Article 22(3) why a significant decision
 * needs somebody who reviews it.
 */
export const GDPR_OPTIN: Regime = {
  id: 'gdpr-optin@1',
  law: 'GDPR Articles 4(11), 6(1)(a), 7, 8, 14, 18, 21 and 22',
  alsoServes: ['us-ca-optout@1', 'glba-notice-optout@1'],
  transitions: COMMON_TRANSITIONS,
  requiredFor: { third_party_enrichment: ['source'] },
  requiredForOperation: { decide_significant: ['humanReview'] },
  requiredOneOf: [],
  legalBases: [CONSENT_BASIS],
  consentTypes: ['expressed', 'explicit'],
  twoSteps: [],
  noticeFirst: ['third_party_enrichment'],
  opening: null,
  validityDays: { usual: 365, longest: 730 },
  guardianFor: GUARDIAN_FOR,
  compound: true,
};

/** Special categories: a yes in so many words, in two steps, for no longer than a year. */
export const GDPR_ART9: Regime = {
  ...GDPR_OPTIN,
  id: 'gdpr-art9@1',
  law: 'GDPR Article 9(2)(a), and all of gdpr-optin',
  alsoServes: ['gdpr-optin@1', 'us-ca-optout@1', 'glba-notice-optout@1'],
  legalBases: [EXPLICIT_CONSENT_BASIS],
  consentTypes: ['explicit'],
  twoSteps: ['subject', 'guardian', 'agent'],
  validityDays: { usual: 365, longest: 365 },
};
