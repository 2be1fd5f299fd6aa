import { CCPA_BASIS, GLBA_BASIS, HIPAA_BASIS } from '../category.ts';
import type { AgeBand } from '../event.ts';
import type { Regime, Transition } from '../regime.ts';
import { COMMON_TRANSITIONS } from './transitions.ts';

const MINORS: readonly AgeBand[] = ['under-13', '13-15', '16-17'];

/** A notice opens what nobody has answered. It never follows a no, nor a yes that has ended. */
const OPENING_NOTICE: Transition = {
  ...COMMON_TRANSITIONS.notify,
  by: {
    collector: ['unknown', 'requested', 'deferred'],
    controller: ['unknown', 'requested', 'deferred'],
  },
  lifts: ['requested', 'deferred'],
  required: ['storage'],
};

/**
 * 1798.135(c)(4): not asked again for twelve months. Selling, sharing and what is sensitive are kept closed until somebody
 * says yes, which is stricter than the statute asks for adults and what it asks for minors (1798.120(c)): under 13 a
 * guardian's yes, from 13 to 15 their own.
 */
export const US_CA_OPTOUT: Regime = {
  id: 'us-ca-optout@1',
  law: 'CCPA as amended by CPRA: Cal. Civ. Code 1798.100, .120, .121, .135; 11 CCR 7025 to 7027',
  alsoServes: [],
  transitions: {
    ...COMMON_TRANSITIONS,
    notify: { ...OPENING_NOTICE, to: ['allowed'] },
    refuse: { ...COMMON_TRANSITIONS.refuse, coolDownDays: 365 },
    withdraw: { ...COMMON_TRANSITIONS.withdraw, coolDownDays: 365 },
    object: { ...COMMON_TRANSITIONS.object, coolDownDays: 365 },
  },
  requiredFor: { third_party_enrichment: ['source'] },
  requiredForOperation: {},
  requiredOneOf: [],
  legalBases: [CCPA_BASIS],
  consentTypes: ['expressed', 'explicit'],
  twoSteps: [],
  noticeFirst: [],
  opening: {
    waitDays: 0,
    waitDaysUnder: {},
    butNotCategories: ['psychographic'],
    butNotOperations: ['decide_significant', 'share', 'sell', 'activate_third_party'],
  },
  validityDays: { usual: 365, longest: 1825 },
  guardianFor: { default: ['under-13'] },
  compound: true,
};

/**
 * 12 CFR 1016.10(a)(3): thirty days are a reasonable opportunity to opt out. Under 1016.13 to .15 there is no opt-out, so
 * nothing to wait for; an opt-out that was made is honoured there all the same. An opt-out has no end (.7(h)).
 */
export const GLBA_NOTICE_OPTOUT: Regime = {
  id: 'glba-notice-optout@1',
  law: 'Gramm-Leach-Bliley Act, Regulation P: 12 CFR 1016.4 to .15',
  alsoServes: [],
  transitions: { ...COMMON_TRANSITIONS, notify: OPENING_NOTICE },
  requiredFor: { third_party_enrichment: ['source'] },
  requiredForOperation: {},
  requiredOneOf: [],
  legalBases: [GLBA_BASIS],
  consentTypes: ['expressed', 'explicit'],
  twoSteps: [],
  noticeFirst: [],
  opening: {
    waitDays: 30,
    waitDaysUnder: { '1016.13': 0, '1016.14': 0, '1016.15': 0 },
    butNotCategories: [],
    butNotOperations: ['decide_significant'],
  },
  validityDays: { usual: 365, longest: 1825 },
  guardianFor: { default: MINORS },
  compound: true,
};

const AUTHORISATION: Transition['required'] = [
  'consentType',
  'storage',
  // 164.508(c)(1)(i) to (iii): what, who may disclose, who may receive. (iv) is the line's purpose, (vi) the signature.
  'pdIri',
  'disclosers',
  'recipients',
  'statements',
];

/** 45 CFR 164.508. An agent is no personal representative (164.502(g)), and nobody's records can authorise for a patient. */
export const HIPAA_AUTH: Regime = {
  id: 'hipaa-auth@1',
  law: 'HIPAA Privacy Rule: 45 CFR 164.508, 164.502(g)',
  alsoServes: [],
  transitions: {
    ...COMMON_TRANSITIONS,
    grant: {
      ...COMMON_TRANSITIONS.grant,
      by: { subject: COMMON_TRANSITIONS.grant.by.subject!, guardian: COMMON_TRANSITIONS.grant.by.guardian! },
      required: AUTHORISATION,
    },
    renew: {
      ...COMMON_TRANSITIONS.renew,
      by: { subject: ['given', 'renewed'], guardian: ['given', 'renewed'] },
      required: AUTHORISATION,
    },
  },
  requiredFor: { third_party_enrichment: ['source'] },
  requiredForOperation: {},
  // (c)(1)(v)
  requiredOneOf: [['validUntil', 'expiryEvent']],
  legalBases: [HIPAA_BASIS],
  consentTypes: ['explicit'],
  twoSteps: ['subject', 'guardian'],
  noticeFirst: [],
  opening: null,
  validityDays: { usual: 365, longest: 1825 },
  guardianFor: { default: MINORS },
  // (b)(3)
  compound: false,
};
