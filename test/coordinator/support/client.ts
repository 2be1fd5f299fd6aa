/** Requests as devices and helpers make them: a proof for each, the server's nonce, one retry where the nonce was old. */
import { createProof, MEDIA, type SigningKey } from '@twinkeep/protocol';
import { PUBLIC_URL, type Device } from './parties.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON, else bytes. */
  body: unknown;
  /** `code` of a problem document. */
  code: string | undefined;
}

export interface Call {
  method: string;
  path: string;
  body?: Uint8Array | object;
  type?: string;
  headers?: Record<string, string>;
}

export interface Client {
  send(call: Call): Promise<Answer>;
  sendAs(device: Device, call: Call): Promise<Answer>;
  sendAsHelper(key: SigningKey, call: Call): Promise<Answer>;
}

export function createClient(port: number): Client {
  let nonce: string | null = null;

  const send = async ({ method, path, body, type, headers = {} }: Call): Promise<Answer> => {
    const payload = body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
    const mediaType = type ?? (body instanceof Uint8Array ? MEDIA.report : MEDIA.json);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': mediaType }), ...headers },
      ...(payload === undefined ? {} : { body: payload }),
    });
    nonce = response.headers.get('DPoP-Nonce') ?? nonce;
    const isJson =
      /json/.test(response.headers.get('Content-Type') ?? '') &&
      !/ndjson/.test(response.headers.get('Content-Type') ?? '');
    const parsed: unknown = isJson ? await response.json() : new Uint8Array(await response.arrayBuffer());
    const { code } = (isJson ? parsed : {}) as { code?: string };
    return { status: response.status, headers: response.headers, body: parsed, code };
  };

  const prove = async (key: SigningKey, credential: string | undefined, call: Call): Promise<Answer> => {
    const attempt = async (): Promise<Answer> => {
      const request = {
        method: call.method,
        url: PUBLIC_URL + call.path,
        ...(credential === undefined ? {} : { credential }),
        ...(nonce === null ? {} : { nonce }),
      };
      const proof = await createProof(key, request, new Date());
      const authorization = credential === undefined ? {} : { Authorization: `DPoP ${credential}` };
      return send({ ...call, headers: { DPoP: proof, ...authorization, ...call.headers } });
    };
    const answer = await attempt();
    return answer.code === 'auth/nonce' ? attempt() : answer;
  };

  return {
    send,
    sendAs: ({ key, jwt }, call) => prove(key, jwt, call),
    sendAsHelper: (key, call) => prove(key, undefined, call),
  };
}
