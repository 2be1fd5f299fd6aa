/**
 * The entry `@twinkeep/synthetic/federated`: a synthesizer from the secure rounds of a counting task, of which nobody saw a row. Runs anywhere.
 */
export { fitFromCounts } from './fit.ts';
export { fitPublished, type FederatedModel, type Lineage, type Published } from './lineage.ts';
export { schemaOfTask, type CountedSchema } from './schema.ts';
