/** For a web page: the twin as a host app sees it. What it works with lives in the worker, so nothing heavy is imported here. */
export { TWIN_OPERATIONS } from './twin/operations.ts';
export type * from './twin/types.ts';
