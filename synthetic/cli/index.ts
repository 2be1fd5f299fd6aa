/** The entry `@twinkeep/synthetic/node`: what needs Node, threads and files. */
export type { SimulationPart } from './parts.ts';
export { simulateLines } from './threads.ts';
