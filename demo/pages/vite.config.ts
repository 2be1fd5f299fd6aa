/**
 * The two pages, built from the sources of every room. Nothing is inlined into the documents and no asset becomes a `data:` address:
 * the pages run under a policy that allows their own origin alone.
 */
import { join } from 'node:path';
import { defineConfig, type UserConfig } from 'vite';

const root = import.meta.dirname;
const jsx = { runtime: 'automatic', importSource: 'preact' } as const;

const config: UserConfig = defineConfig({
  root,
  logLevel: 'warn',
  resolve: { conditions: ['@twinkeep/source', 'browser', 'module', 'import', 'default'] },
  oxc: { jsx },
  worker: { format: 'es' },
  build: {
    outDir: '../dist-pages',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_500,
    rolldownOptions: {
      input: {
        account: join(root, 'account/index.html'),
        status: join(root, 'status/index.html'),
      },
    },
  },
});

export default config;
