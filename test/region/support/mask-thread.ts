/** The program of a mask thread, made of the sources as they are now: Node runs no TypeScript, and a build may be stale. */
import { build } from 'vite';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ENTRY = resolve(import.meta.dirname, '../../../edge-client/region/helper/expand-worker.ts');

export interface BuiltThread {
  folder: string;
  script: URL;
  remove(): Promise<void>;
}

export async function buildMaskThread(): Promise<BuiltThread> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-thread-'));
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@twinkeep/source', 'node'] },
    ssr: { noExternal: true, resolve: { conditions: ['@twinkeep/source', 'node'] } },
    build: {
      ssr: ENTRY,
      outDir: folder,
      minify: false,
      rollupOptions: { output: { entryFileNames: 'thread.mjs' } },
    },
  });
  return {
    folder,
    script: pathToFileURL(join(folder, 'thread.mjs')),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
