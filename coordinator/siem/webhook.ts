/**
 * Events as an HTTP POST, signed as Standard Webhooks do (`webhook-id`, `webhook-timestamp`, `webhook-signature`: HMAC-SHA256 over
 * "id.timestamp.body"). The id names the log's indices, so a delivery that is tried again bears the id it had. Only an answer of 2xx counts as
 * delivered: each event arrives at least once, in the order of the log.
 */
import { createHmac } from 'node:crypto';
import type { SecurityEvent } from './event.ts';
import type { Sink } from './forward.ts';

export interface WebhookReceiver {
  url: string;
  /** Shared with the receiver. */
  secret: Uint8Array;
}

const ANSWER_MILLIS = 10_000;

/** @param line how an event is spelled; the body is one line for each */
export function createWebhookSink(
  { url, secret }: WebhookReceiver,
  line: (event: SecurityEvent) => string,
  clock: () => number,
): Sink {
  const closing = new AbortController();
  return {
    async send(events) {
      const [first, last] = [events[0]?.index, events.at(-1)?.index];
      const id = `${first}-${last}`;
      const body = events.map((event) => `${line(event)}\n`).join('');
      const timestamp = String(Math.floor(clock() / 1000));
      const answer = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'error',
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MILLIS)]),
        headers: {
          'content-type': 'application/x-ndjson',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signWebhook({ id, timestamp, body }, secret),
        },
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the receiver answers ${answer.status}`);
    },
    close: () => closing.abort(),
  };
}

export function signWebhook(
  { id, timestamp, body }: { id: string; timestamp: string; body: string },
  secret: Uint8Array,
): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
