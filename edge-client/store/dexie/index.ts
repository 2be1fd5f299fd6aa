export { eraseDexieStore, type EraseOptions, type Erasure } from './erase.ts';
export type { StoreEnding } from './lifetime.ts';
export { openDexieStore, type DexieStoreOptions, type DexieTwinStore } from './open.ts';
export { persistDexieStore, type StoreHealth } from './place.ts';
export { collectRule, type CollectRule } from './twins.ts';
