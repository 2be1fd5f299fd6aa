/**
 * Web origins. A page of another origin is refused unless the operator listed it: exactly, without wildcards, and nothing by default. Requests
 * without an Origin (nodes, helpers, command lines) are not a browser's and pass. No cookies are used, so none are allowed.
 */
import { ProblemError } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';

const METHODS = 'GET, POST, PUT, DELETE';
const HEADERS = 'Authorization, Content-Type, DPoP';
const EXPOSED = 'DPoP-Nonce, Retry-After';
const PREFLIGHT_SECONDS = '600';

export function cors(allowedOrigins: readonly string[], publicUrl: string): RequestHandler {
  const allowed = new Set([...allowedOrigins, new URL(publicUrl).origin]);
  return (req, res, next) => {
    res.set('Vary', 'Origin');
    const { origin } = req.headers;
    if (origin === undefined) return next();
    if (!allowed.has(origin)) throw new ProblemError('request/origin');
    res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED });
    if (req.method !== 'OPTIONS') return next();
    res.set({
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': HEADERS,
      'Access-Control-Max-Age': PREFLIGHT_SECONDS,
    });
    res.status(204).end();
  };
}
