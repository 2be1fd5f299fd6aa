/** Receivers of security events, as the configuration names them. */
import * as v from 'valibot';
import { FORMATS, formatEvent, type Format } from './format.ts';
import type { Sink } from './forward.ts';
import { createSyslogSink, type SyslogReceiver } from './syslog.ts';
import { createWebhookSink, type WebhookReceiver } from './webhook.ts';

interface Named {
  /** Of its cursor: a receiver under a new name is told everything from the first entry on. */
  name: string;
  format: Format;
}

export type Receiver = Named &
  (({ kind: 'syslog' } & SyslogReceiver) | ({ kind: 'webhook' } & WebhookReceiver));

type SyslogSettings = Named & {
  kind: 'syslog';
  host: string;
  port: number;
  /** PEM files: whose certificates are believed; how this sender shows who it is. */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
};
type WebhookSettings = Named & {
  kind: 'webhook';
  url: string;
  /** 32 bytes in base64url, shared with the receiver. */
  secretFile: string;
};
export type ReceiverSettings = SyslogSettings | WebhookSettings;

const path = v.pipe(v.string(), v.minLength(1));
const named = {
  name: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of small letters, digits and hyphens'),
  ),
  format: v.picklist(FORMATS),
};

export const receiversSchema: v.GenericSchema<unknown, ReceiverSettings[]> = v.pipe(
  v.array(
    v.variant('kind', [
      v.strictObject({
        kind: v.literal('syslog'),
        ...named,
        host: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
        port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)), 6514),
        caFile: v.exactOptional(path),
        certFile: v.exactOptional(path),
        keyFile: v.exactOptional(path),
      }),
      v.strictObject({
        kind: v.literal('webhook'),
        ...named,
        url: v.pipe(
          v.string(),
          v.url(),
          v.regex(
            /^https:\/\/|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/,
            'an https address (http only on this machine)',
          ),
        ),
        secretFile: path,
      }),
    ]),
  ),
  v.maxLength(16),
  v.check(
    (receivers) => new Set(receivers.map(({ name }) => name)).size === receivers.length,
    'each receiver has a name of its own',
  ),
);

/** @param near makes a file's name whole */
export function resolveReceiver(
  settings: ReceiverSettings,
  near: (name: string) => string,
): ReceiverSettings {
  if (settings.kind === 'webhook') return { ...settings, secretFile: near(settings.secretFile) };
  const { caFile, certFile, keyFile } = settings;
  return {
    ...settings,
    ...(caFile === undefined ? {} : { caFile: near(caFile) }),
    ...(certFile === undefined ? {} : { certFile: near(certFile) }),
    ...(keyFile === undefined ? {} : { keyFile: near(keyFile) }),
  };
}

export function createSink(receiver: Receiver, origin: string, clock: () => number): Sink {
  const { format } = receiver;
  const line = (event: Parameters<typeof formatEvent>[0]): string => formatEvent(event, format, origin);
  return receiver.kind === 'syslog'
    ? createSyslogSink(receiver, line)
    : createWebhookSink(receiver, line, clock);
}
