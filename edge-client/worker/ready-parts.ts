import type { Platform } from './platform.ts';

/** The round's half, ready to check signatures. */
export async function readyParts({
  loadRoundParts,
}: Pick<Platform, 'loadRoundParts'>): Promise<typeof import('./round-parts.ts')> {
  const parts = await loadRoundParts();
  await parts.sodiumReady;
  return parts;
}
