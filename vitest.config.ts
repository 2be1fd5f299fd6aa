import { defineConfig } from 'vitest/config';

// Tests read the TypeScript sources of every workspace, so that a stale build can never turn them green.
const conditions = ['@twinkeep/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    server: { deps: { inline: [/@twinkeep\//] } },
  },
});
