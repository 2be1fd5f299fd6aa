import { playwright } from '@vitest/browser-playwright';
import { resolve } from 'node:path';
import { defaultClientConditions } from 'vite';
import { configDefaults, defineConfig } from 'vitest/config';
import { chromiumLaunch } from './test/support/chromium.ts';

// Tests read the TypeScript sources of every workspace, so that a stale build can never turn them green.
// vitest hands these to Node too, where 'import' would give CommonJS packages the ES modules of others.
const conditions = ['@twinkeep/source', 'node'];

// Where it cannot start, the set-up of its project says why, and the others still run.
const chromium = await chromiumLaunch().catch(() => ({}));

const PROCESSES = ['e2e', 'faults', 'demo', 'demo-pages', 'browser'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

const server = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // The environment in which vitest loads the global set-up.
  environments: { __vitest__: { resolve: { conditions } } },
};

const node = {
  // A test that waits for processes on a busy machine; whoever hangs is found a little later.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  globalSetup: ['test/support/global-setup.ts'],
  pool: 'forks' as const,
  // Much of the time of a file is waiting, for processes or the database: two of them share what two cores have.
  maxWorkers: 2,
  server: { deps: { inline: [/@twinkeep\//] } },
};

export default defineConfig({
  test: {
    // Many tests start real processes and wait for them: on a shared machine one of a thousand may come too late.
    retry: process.env['CI'] === undefined ? 0 : 1,
    projects: [
      {
        ...server,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/**/*.chromium.test.ts', ...PROCESSES],
          ...node,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Apart from the others: they start many processes and wait for them.
        ...server,
        test: {
          name: 'processes',
          include: PROCESSES,
          exclude: [...configDefaults.exclude, 'test/**/*.chromium.test.ts'],
          ...node,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // The rooms that run anywhere, in a browser: the same suites, read from the same sources; and what only a browser has.
        resolve: {
          conditions: ['@twinkeep/source', ...defaultClientConditions],
          alias: { 'node:crypto': resolve(import.meta.dirname, 'test/browser/node/crypto.ts') },
        },
        optimizeDeps: {
          include: [
            '@noble/ciphers/aes.js',
            '@noble/hashes/hkdf.js',
            '@noble/hashes/sha2.js',
            '@tensorflow/tfjs-backend-cpu',
            '@tensorflow/tfjs-backend-wasm',
            '@tensorflow/tfjs-backend-webgl',
            '@tensorflow/tfjs-core',
            'buffer/',
            'dexie',
            'fast-check',
            'hyparquet',
            'hyparquet-writer',
          ],
        },
        test: {
          name: 'chromium',
          // Beside those of Node: a browser on one core, what mostly waits on the other.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          include: ['test/{audit,consent,protocol}/**/*.test.ts', 'test/**/*.chromium.test.ts'],
          // A command line is a process.
          exclude: [...configDefaults.exclude, 'test/audit/*cli.test.ts'],
          testTimeout: 30_000,
          globalSetup: ['test/browser/global-setup.ts'],
          setupFiles: ['test/browser/node/globals.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromium }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
