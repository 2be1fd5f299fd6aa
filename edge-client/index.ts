/** For a web page: the twin as a host app sees it. What it works with lives in the worker, so nothing heavy is imported here. */
export { createTwin, type TwinPage } from './twin/create.ts';
export { TwinError, type TwinErrorCode } from './twin/errors.ts';
export { TWIN_OPERATIONS } from './twin/operations.ts';
export type { Conditions } from './twin/calls.ts';
export type { WatchConditions } from './twin/page.ts';
export type * from './twin/types.ts';
