export * from './admit.ts';
export * from './store/errors.ts';
export type * from './store/port.ts';
