/** Opens a module of this repository in a page: bundled from the sources as they are, served from memory, on an origin of its own. */
import type { JSHandle, Page } from 'playwright-core';
import { build, defaultClientConditions, type Rolldown } from 'vite';

/** Secure, so that a page has WebCrypto; answered by the test alone, so that nothing leaves the machine. */
const ORIGIN = 'https://twin.example';

const bundles = new Map<string, Promise<string>>();

/** @param opener a browser, or a context whose pages share their storage. @param entry absolute path. @returns the page, and the module's exports as they live in it */
export async function openModule<Exports>(
  opener: { newPage(): Promise<Page> },
  entry: string,
): Promise<{ page: Page; module: JSHandle<Exports> }> {
  const bundled = bundles.get(entry) ?? bundle(entry);
  bundles.set(entry, bundled);
  const code = await bundled;
  const page = await opener.newPage();
  await page.route(`${ORIGIN}/**`, (route) =>
    route.request().url().endsWith('/module.js')
      ? route.fulfill({ contentType: 'text/javascript', body: code })
      : route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Module</title>' }),
  );
  await page.goto(ORIGIN);
  const module = await page.evaluateHandle<Exports>(`import('/module.js')`);
  return { page, module };
}

async function bundle(entry: string): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['@twinkeep/source', ...defaultClientConditions] },
    build: {
      target: 'esnext',
      minify: false,
      write: false,
      lib: { entry, formats: ['es'] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [{ output: chunks }] = output as [Rolldown.RolldownOutput];
  return chunks[0].code;
}
