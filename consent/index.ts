export * from './category.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './instant.ts';
export * from './regime.ts';
