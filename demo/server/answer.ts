import type { ServerResponse } from 'node:http';

/** An answer of this moment: nobody keeps it. */
export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
