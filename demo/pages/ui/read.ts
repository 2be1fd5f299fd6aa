/** Reads of this page's own server. What comes is checked: pages and server may be of different builds. */
import { PAGES } from '../../server/info.ts';
import * as v from 'valibot';

/** The server answered, and refused. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(path: string, status: number) {
    super(`${path}: ${status}`);
    this.name = 'RefusedError';
    this.status = status;
  }
}

/** @throws RefusedError; ValiError where the answer is not the documented one; TypeError where there is none */
export async function readJson<T>(
  path: string,
  schema: v.GenericSchema<unknown, T>,
  signal?: AbortSignal,
): Promise<T> {
  const response = await get(path, signal);
  return v.parse(schema, await response.json());
}

/** @throws as `readJson` */
export async function sendJson<T>(
  path: string,
  body: object,
  schema: v.GenericSchema<unknown, T>,
): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new RefusedError(path, response.status);
  return v.parse(schema, await response.json());
}

export async function readText(path: string, signal?: AbortSignal): Promise<string> {
  return (await get(path, signal)).text();
}

/** A public read of the coordinator, through the server of this page. */
export function coordinatorPath(path: string): string {
  return PAGES.coordinator + path;
}

async function get(path: string, signal: AbortSignal | undefined): Promise<Response> {
  const response = await fetch(path, { cache: 'no-store', ...(signal === undefined ? {} : { signal }) });
  if (!response.ok) throw new RefusedError(path, response.status);
  return response;
}
