export * from './errors.ts';
export * from './mapping/mapping.ts';
export * from './mapping/overrides.ts';
export * from './mapping/row.ts';
export * from './mapping/task.ts';
export * from './mapping/terms.ts';
export * from './store/open.ts';
export * from './process/database.ts';
export type { RegionTables } from './store/schema.ts';
