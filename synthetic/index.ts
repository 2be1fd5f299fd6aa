export type { ConsentBehaviour } from './consent.ts';
export type { Identity } from './identity.ts';
export type { Customer, Population, PopulationOptions } from './population.ts';
export type { AttributeSchema, EventTypeSchema } from './schema.ts';
export { telecomFeatures, telecomLabel } from './telecom/features.ts';
export {
  createTelecomPopulation,
  telecomRequiredCategories,
  type TelecomCustomer,
} from './telecom/population.ts';
export type { TelecomProfile } from './telecom/profile.ts';
export { telecomEventTypes, telecomLabelType } from './telecom/schema.ts';
