/** One script and one style sheet without imports, from the sources of every room: `cli/page.ts` puts them into each page with their hashes. */
import { join } from 'node:path';
import { defaultClientConditions, defineConfig, type UserConfig } from 'vite';

const root = import.meta.dirname;

const config: UserConfig = defineConfig({
  root,
  logLevel: 'warn',
  resolve: { conditions: ['@twinkeep/source', ...defaultClientConditions] },
  // A plain script has no address of its own.
  define: { 'process.env.NODE_ENV': JSON.stringify('production'), 'import.meta': '{}' },
  build: {
    lib: {
      entry: join(root, 'entry.ts'),
      formats: ['iife'],
      name: 'TwinkeepEvidence',
      fileName: () => 'verifier.js',
    },
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: { output: { minify: true, assetFileNames: 'verifier[extname]' } },
  },
});

export default config;
