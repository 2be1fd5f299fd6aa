import * as v from 'valibot';

// What a consent is about. One consent cell is a category (of data) x a purpose x an operation; nothing coarser is ever
// granted. Terms are those of the W3C Data Privacy Vocabulary 2.3 (DPV), so that records convert to ISO/IEC TS 27560.

export const CATEGORIES = [
  'behavioral',
  'transactional',
  'interaction',
  'contextual',
  'third_party_enrichment',
  'feedback',
  'psychographic',
] as const;

export type Category = (typeof CATEGORIES)[number];

/**
 * What may be done with data of a category. `collect`, `infer_local`, `train_local` and `personalise` happen where the
 * twin is kept; `contribute` lends a share of an encrypted sum to a training round; the others let data or decisions out.
 */
export const OPERATIONS = [
  'collect',
  'infer_local',
  'train_local',
  'contribute',
  'personalise',
  'decide_significant',
  'share',
  'sell',
  'activate_third_party',
  'synthesise',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Operations whose result stays with the twin. No cohort and no privacy loss exist for them, so no floor applies. */
export const LOCAL_OPERATIONS: ReadonlySet<Operation> = new Set<Operation>([
  'collect',
  'infer_local',
  'train_local',
  'personalise',
]);

const DPV = 'https://w3id.org/dpv#';
const PD = 'https://w3id.org/dpv/pd#';

/** Kinds of personal data (DPV extension `pd`) that each category stands for, written into every grant as `pdIri`. */
export const CATEGORY_IRIS: Readonly<Record<Category, readonly string[]>> = {
  behavioral: [`${PD}Behavioural`],
  transactional: [`${PD}Transactional`],
  interaction: [`${PD}Communication`, `${PD}CommunicationsMetadata`],
  contextual: [`${PD}DeviceBased`, `${PD}Location`],
  // DPV has no kind of data for this: it is a source, so `THIRD_PARTY_SOURCE` says what makes it special.
  third_party_enrichment: [`${DPV}PersonalData`],
  feedback: [`${PD}Opinion`],
  psychographic: [`${PD}Personality`, `${PD}Attitude`],
};

export const THIRD_PARTY_SOURCE: string = `${DPV}ThirdPartyDataSource`;

/** The purposes that Twinkeep knows by name. Any other absolute IRI is a purpose too, and never means one of these. */
export const PURPOSES = {
  servicePersonalisation: 'https://w3id.org/dpv#ServicePersonalisation',
  personalisedRecommendations: 'https://w3id.org/dpv#ProvidePersonalisedRecommendations',
  productRecommendations: 'https://w3id.org/dpv#ProvideProductRecommendations',
  personalisedAdvertising: 'https://w3id.org/dpv#PersonalisedAdvertising',
  targetedAdvertising: 'https://w3id.org/dpv#TargetedAdvertising',
  directMarketing: 'https://w3id.org/dpv#DirectMarketing',
  fraudPrevention: 'https://w3id.org/dpv#FraudPreventionAndDetection',
  solvencyMonitoring: 'https://w3id.org/dpv#CustomerSolvencyMonitoring',
  usageAnalytics: 'https://w3id.org/dpv#ServiceUsageAnalytics',
  productImprovement: 'https://w3id.org/dpv#ImproveExistingProductsAndServices',
  serviceOptimisation: 'https://w3id.org/dpv#ServiceOptimisation',
  research: 'https://w3id.org/dpv#ResearchAndDevelopment',
  customerRelationship: 'https://w3id.org/dpv#CustomerRelationshipManagement',
  legalCompliance: 'https://w3id.org/dpv#LegalCompliance',
  rightsFulfilment: 'https://w3id.org/dpv#RightsFulfilment',
} as const;

/** GDPR Article 6(1)(a), the data subject's consent. */
export const CONSENT_BASIS = 'https://w3id.org/dpv/legal/eu/gdpr#A6-1-a' as const;
/** GDPR Article 9(2)(a), explicit consent to special categories. */
export const EXPLICIT_CONSENT_BASIS = 'https://w3id.org/dpv/legal/eu/gdpr#A9-2-a' as const;
/** DPV names the Californian statute; the federal ones have no term there. */
export const CCPA_BASIS = 'https://w3id.org/dpv/legal/us#law-CA-CCPA' as const;
export const GLBA_BASIS = 'urn:twinkeep:legal-basis:glba-notice-optout' as const;
export const HIPAA_BASIS = 'urn:twinkeep:legal-basis:hipaa-authorisation' as const;

export const CategorySchema: v.GenericSchema<Category> = v.picklist(CATEGORIES);
export const OperationSchema: v.GenericSchema<Operation> = v.picklist(OPERATIONS);
