/**
 * The host app's answers: a pseudonym for this browser, what the business knows of its customer, and a credential that binds the pseudonym
 * to a device key. The pseudonym is random and says nothing; that a browser has it is remembered in a cookie that no script can read and that
 * is signed.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { sendJson } from './answer.ts';
import { credentialFor, type Issuer } from './credentials.ts';
import { recordsOf } from './records.ts';
import {
  credentialRequestSchema,
  PAGES,
  type CredentialAnswer,
  type CredentialRequest,
  type Session,
} from './info.ts';

const COOKIE = 'twinkeep-demo';
const MAX_BODY = 1_024;

export type HostApp = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  origin: string,
) => Promise<void>;

export function createHostApp(issuer: () => Issuer | null): HostApp {
  return async (request, response, path, origin) => {
    const by = issuer();
    if (by === null) {
      response.writeHead(503).end();
      return;
    }
    const subject = readSubject(request, by.sessionKey);
    if (path === PAGES.session && request.method === 'GET')
      return sendJson(response, { subject } satisfies Session);
    if (path === PAGES.records && request.method === 'GET' && subject !== null)
      return sendJson(response, recordsOf(subject, Date.now()));
    // A page of another origin can send here too; its browser says whose page it is.
    if (request.method !== 'POST' || request.headers.origin !== origin) {
      response.writeHead(403).end();
      return;
    }
    if (path === PAGES.session) return startSession(response, by.sessionKey);
    const asked = await readRequest(request);
    if (subject === null || asked === null) {
      response.writeHead(subject === null ? 401 : 400).end();
      return;
    }
    const credential = await credentialFor(by, subject, asked.deviceKey, new Date());
    sendJson(response, { credential } satisfies CredentialAnswer);
  };
}

function startSession(response: ServerResponse, key: Uint8Array): void {
  const subject = bytesToBase64Url(randomBytes(16));
  const value = `${subject}.${signature(key, subject)}`;
  response.setHeader('set-cookie', `${COOKIE}=${value}; Path=/api; HttpOnly; SameSite=Strict`);
  sendJson(response, { subject } satisfies Session);
}

/** Null for no cookie, or one that this process did not sign. */
function readSubject(request: IncomingMessage, key: Uint8Array): string | null {
  const pattern = new RegExp(`(?:^|; )${COOKIE}=([\\w-]{22})\\.([\\w-]{43})(?:;|$)`);
  const [, subject, claimed] = pattern.exec(request.headers.cookie ?? '') ?? [];
  if (subject === undefined || claimed === undefined) return null;
  const valid = timingSafeEqual(Buffer.from(claimed), Buffer.from(signature(key, subject)));
  return valid ? subject : null;
}

function signature(key: Uint8Array, subject: string): string {
  return createHmac('sha256', key).update(subject).digest('base64url');
}

async function readRequest(request: IncomingMessage): Promise<CredentialRequest | null> {
  let text = '';
  for await (const part of request) {
    text += String(part);
    if (text.length > MAX_BODY) return null;
  }
  try {
    return v.parse(credentialRequestSchema, JSON.parse(text));
  } catch {
    return null;
  }
}
