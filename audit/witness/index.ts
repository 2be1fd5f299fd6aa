/** A witness as a library: start one, or make one. The command is `bin/twinkeep-witness.js`. */
export { readConfig, type WitnessConfig } from './config.ts';
export type { Step } from './cosigner.ts';
export { WitnessError, type WitnessErrorCode } from './errors.ts';
export { generateKey, initWitness, type WitnessIdentity } from './init.ts';
export { startWitness, type Surroundings, type Witness } from './start.ts';
