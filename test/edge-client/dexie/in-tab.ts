/** Pages that run the functions of tab.ts. */
import { join } from 'node:path';
import type { BrowserContext, JSHandle, Page } from 'playwright-core';
import { openModule } from '../../browser/page.ts';
import type * as tab from './tab.ts';

export interface Tab {
  page: Page;
  module: JSHandle<unknown>;
}

type Functions = typeof tab;

export function openTab(context: BrowserContext): Promise<Tab> {
  return openModule<unknown>(context, join(import.meta.dirname, 'tab.ts'));
}

/** Runs one of the functions of tab.ts in a tab. */
export function inTab<Name extends keyof Functions>(
  { page, module }: Tab,
  name: Name,
  ...args: Parameters<Functions[Name]>
): Promise<Awaited<ReturnType<Functions[Name]>>> {
  const call = { module, name: name as string, args: args as unknown[] };
  return page.evaluate(
    ({ module, name, args }) => (module as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args),
    call,
  ) as Promise<Awaited<ReturnType<Functions[Name]>>>;
}
