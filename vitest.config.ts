import { defineConfig } from 'vitest/config';

// Tests read the TypeScript sources of every workspace, so that a stale build can never turn them green.
// vitest hands these to Node too, where 'import' would give CommonJS packages the ES modules of others.
const conditions = ['@twinkeep/source', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // The environment in which vitest loads the global set-up.
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    server: { deps: { inline: [/@twinkeep\//] } },
  },
});
