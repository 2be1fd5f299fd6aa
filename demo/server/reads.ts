/** Public reads of the coordinator for pages that only show its state: a closed list, GET only, nothing of the visitor is passed on. */
import { progressPath } from '@twinkeep/coordinator/api';
import { PATHS, taskIdSchema } from '@twinkeep/protocol';
import type { ServerResponse } from 'node:http';
import * as v from 'valibot';

const OPEN: readonly string[] = [PATHS.health, PATHS.tasks, PATHS.checkpoint, PATHS.consistency];
const OF_TASK = [PATHS.task, PATHS.round, PATHS.results, progressPath];

const TIMEOUT = 10_000;

export async function passOn(
  coordinatorUrl: string | null,
  path: string,
  search: string,
  response: ServerResponse,
): Promise<void> {
  if (!isOpen(path)) {
    response.writeHead(404).end();
    return;
  }
  const answer = coordinatorUrl === null ? null : await fetchOnce(coordinatorUrl + path + search);
  if (answer === null) {
    response.writeHead(502, { 'cache-control': 'no-store' }).end();
    return;
  }
  response.writeHead(answer.status, { 'content-type': answer.mediaType, 'cache-control': 'no-store' });
  response.end(answer.bytes);
}

function isOpen(path: string): boolean {
  if (OPEN.includes(path)) return true;
  const taskId = path.split('/')[3];
  return v.is(taskIdSchema, taskId) && OF_TASK.some((pathOf) => pathOf(taskId) === path);
}

/** Null where the coordinator does not answer: it may be starting, or gone. */
async function fetchOnce(
  url: string,
): Promise<{ status: number; mediaType: string; bytes: Uint8Array } | null> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
    const mediaType = answer.headers.get('content-type') ?? 'application/octet-stream';
    return { status: answer.status, mediaType, bytes: new Uint8Array(await answer.arrayBuffer()) };
  } catch {
    return null;
  }
}
