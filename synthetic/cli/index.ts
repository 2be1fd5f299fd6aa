/** The entry `@twinkeep/synthetic/node`: what needs Node, threads and files. */
export { fitFile, type CountSetup } from './count.ts';
export { drawFile, type DrawSetup } from './draw.ts';
export type { SimulationPart } from './parts.ts';
export { openInput, type InputFile } from './pieces.ts';
export { createRegistry, type Registry } from './registry/store.ts';
export { simulateLines } from './threads.ts';
