/** Reading request bodies: of one media type, up to a limit that each endpoint names, and never further. */
import { MEDIA, MAX_JSON_BYTES, ProblemError } from '@twinkeep/protocol';
import type { Request } from 'express';

/** @throws ProblemError 'request/media-type', 'request/too-large', 'request/malformed' */
export async function readBody(req: Request, mediaType: string, limit: number): Promise<Uint8Array> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== mediaType) throw new ProblemError('request/media-type', `this endpoint takes ${mediaType}`);
  const encoding = req.headers['content-encoding'];
  // A compressed body could unfold to any size.
  if (encoding !== undefined && encoding !== 'identity')
    throw new ProblemError('request/media-type', 'no compression');
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return collect(req, limit);
}

/** By listeners: leaving a `for await` early would destroy the socket that the refusal has to go out on. */
function collect(req: Request, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const settle = (act: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      act();
    };
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length;
      if (length > limit) settle(() => reject(tooLarge(limit)));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(new Uint8Array(Buffer.concat(chunks))));
    const onCut = (): void =>
      settle(() => reject(new ProblemError('request/malformed', 'the body ended early')));
    req.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}

export async function readJson(req: Request): Promise<unknown> {
  const bytes = await readBody(req, MEDIA.json, MAX_JSON_BYTES);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ProblemError('request/malformed', 'the body is not JSON');
  }
}

function tooLarge(limit: number): ProblemError {
  return new ProblemError('request/too-large', `at most ${limit} bytes`);
}
