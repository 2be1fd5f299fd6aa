/** Entry of the worker that a twin lives in. Messages may come as soon as this has run, so nothing is awaited before. */
import { createBrowserPlatform } from './browser.ts';
import { serveTwin, type PageLine } from './serve.ts';

serveTwin(globalThis as unknown as PageLine, createBrowserPlatform());
