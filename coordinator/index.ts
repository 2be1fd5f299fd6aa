/** The coordinator as a library: start one, or take a part of it. The command is `bin/twinkeep-coordinator.js`. */
export { applyUpdate, type OptimizerStep } from './aggregate/apply.ts';
export * from './api.ts';
export { readConfig, type CoordinatorConfig, type PrivateJwk } from './config.ts';
export { CoordinatorError, type CoordinatorErrorCode } from './errors.ts';
export { startCoordinator, type Coordinator, type Surroundings } from './start.ts';
