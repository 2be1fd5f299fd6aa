/**
 * Syslog over TLS: RFC 5424 messages in the octet-counted frames of RFC 5425. The receiver's certificate is always checked, against `ca` or
 * the system's own list; `cert` and `key` are for a receiver that asks who sends.
 *
 * Syslog has no answer, so `send` resolves when the operating system has taken all bytes: what is lost with the connection after that is sent
 * again only if the cursor had not moved. A receiver may therefore see an event twice, or miss the last ones before a broken connection;
 * where that matters, pull by index or use a webhook.
 */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { connect, type TLSSocket } from 'node:tls';
import type { SecurityEvent, Severity } from './event.ts';
import type { Sink } from './forward.ts';

export interface SyslogReceiver {
  host: string;
  port: number;
  /** PEM. */
  ca?: string;
  cert?: string;
  key?: string;
}

/** For the handshake, and for taking a batch. */
const ANSWER_MILLIS = 10_000;
const SILENT = 'the receiver takes nothing';

/** @param line how an event is spelled inside of the message */
export function createSyslogSink(receiver: SyslogReceiver, line: (event: SecurityEvent) => string): Sink {
  let socket: TLSSocket | null = null;
  const open = async (): Promise<TLSSocket> => {
    if (socket !== null && socket.writable) return socket;
    const opened = connect({ ...receiver, servername: receiver.host, minVersion: 'TLSv1.2' });
    // Whoever writes hears of it; a connection that ends while nothing is written is opened again next time.
    opened.on('error', () => undefined);
    const impatient = setTimeout(() => opened.destroy(new Error(SILENT)), ANSWER_MILLIS);
    await once(opened, 'secureConnect').finally(() => clearTimeout(impatient));
    // Nothing is expected from there; what is not read would hold the connection's end back.
    opened.resume();
    return (socket = opened);
  };
  return {
    async send(events) {
      const to = await open();
      const frames = events.map((event) => frame(eventToSyslog(event, line(event)))).join('');
      const impatient = setTimeout(() => to.destroy(new Error(SILENT)), ANSWER_MILLIS);
      await new Promise<void>((resolve, reject) => {
        to.write(frames, (error) => {
          if (error === undefined || error === null) resolve();
          else reject(error);
        });
      }).finally(() => clearTimeout(impatient));
    },
    close: () => socket?.destroySoon(),
  };
}

/** Security/authorization messages (RFC 5424, section 6.2.1). */
const FACILITY = 10;
const LEVELS: Record<Severity, number> = { informational: 6, low: 5, medium: 4, high: 3 };
const APP_NAME = 'twinkeep-coordinator';
const NIL = '-';

export function eventToSyslog(event: SecurityEvent, line: string, host: string = hostname()): string {
  const priority = FACILITY * 8 + LEVELS[event.severity];
  const time = new Date(event.at).toISOString();
  return `<${priority}>1 ${time} ${printable(host)} ${APP_NAME} ${NIL} ${printable(event.name).slice(0, 32)} ${NIL} \uFEFF${line}`;
}

/** RFC 5425, section 4.3: length in octets, a space, the message. */
export function frame(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

/** Header fields are printable ASCII without spaces. */
function printable(text: string): string {
  return text.replaceAll(/[^!-~]/g, '') || NIL;
}
