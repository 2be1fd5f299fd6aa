/** Structured logs, one JSON object a line on standard output. No subject ids, no events, no keys: only what happened, and codes. */
import { pino, type Logger } from 'pino';

export type { Logger };

export function createLogger(name: string): Logger {
  return pino({ base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}

/** What may be logged of an error: its code and message, which by the house's rule name no person. */
export function errorFields(error: unknown): { code: string; reason: string } {
  const { code, message, name } = error as { code?: unknown; message?: unknown; name?: unknown };
  return { code: String(code ?? name ?? 'unknown'), reason: String(message ?? error) };
}
