/** The entry `@twinkeep/synthetic/random`: seeded, addressed randomness for everything that must come out the same again. */
export * from './distributions.ts';
export * from './elementary.ts';
export * from './prng.ts';
