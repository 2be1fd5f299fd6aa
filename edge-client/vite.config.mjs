/**
 * Bundles for pages that have no bundler, in `bundle/` (`npm run bundle`); their types are those of `dist`.
 *
 *   --mode page     twinkeep.js       a module: `import { createTwin } from './twinkeep.js'`
 *                   twinkeep.iife.js  the same for a plain script tag: `Twinkeep.createTwin`
 *   --mode worker   worker.js         a module worker: where the twin lives
 *                   chunks/*.js       what the worker starts with besides; what it loads right after that, for everything but
 *                                     events; and what it loads when a round or a prediction first needs it: libsodium, tfjs
 *   --mode element  twinkeep-consent.js         a plain script: registers `<twinkeep-consent>`
 *                   twinkeep-consent.module.js  the same as a module
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';

const root = import.meta.dirname;
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The source file of a public entry. */
const entry = (subpath) => join(root, exports[subpath]['@twinkeep/source']);

const page = () => ({
  entry: entry('.'),
  formats: ['es', 'iife'],
  name: 'Twinkeep',
  fileName: (format) => (format === 'es' ? 'twinkeep.js' : 'twinkeep.iife.js'),
});

const worker = () => ({ entry: entry('./worker'), formats: ['es'], fileName: () => 'worker.js' });

const element = () => ({
  entry: entry('./consent-element'),
  formats: ['iife', 'es'],
  name: 'TwinkeepConsent',
  fileName: (format) => (format === 'iife' ? 'twinkeep-consent.js' : 'twinkeep-consent.module.js'),
});

const LIBRARIES = { page, worker, element };

export default defineConfig(({ mode }) => ({
  root,
  resolve: {
    // From the sources: a bundle is never older than they are.
    conditions: ['@twinkeep/source', ...defaultClientConditions],
    // Its build for browsers of this decade; the one that its manifest names is a fifth larger.
    alias: { dexie: createRequire(import.meta.url).resolve('dexie/dist/modern/dexie.min.mjs') },
  },
  define: { 'process.env.NODE_ENV': JSON.stringify('production') },
  build: {
    lib: (LIBRARIES[mode] ?? page)(),
    outDir: 'bundle',
    emptyOutDir: mode === 'page',
    target: 'es2022',
    sourcemap: true,
    // Vite leaves white space in modules, for a bundler to come: here none comes.
    rolldownOptions: { output: { minify: true, chunkFileNames: 'chunks/[name]-[hash].js' } },
  },
}));
