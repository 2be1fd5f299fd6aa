/** Models are named by their hash, so one that was fetched is never fetched again; the last few are kept in memory. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { PATHS } from '@twinkeep/protocol';

const KEPT = 3;
const MAX_BYTES = 64_000_000;

/** Answers a request for a model from memory where it can; everything else goes through. */
export function cacheModels(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  const kept = new Map<string, { bytes: Uint8Array<ArrayBuffer>; mediaType: string }>();
  return async (input, init) => {
    const isModel = typeof input === 'string' && input.includes(PATHS.model('')) && init?.method === 'GET';
    if (!isModel) return fetch(input, init);
    const known = kept.get(input);
    if (known !== undefined) return answer(known);
    const response = await fetch(input, init);
    // Without an honest length the caller's own limit must do the reading.
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    if (response.status !== 200 || !(length <= MAX_BYTES)) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const entry = { bytes, mediaType: response.headers.get('content-type') ?? '' };
    if (bytesToBase64Url(sha256(bytes)) === input.split('/').at(-1)) {
      kept.set(input, entry);
      for (const oldest of [...kept.keys()].slice(0, -KEPT)) kept.delete(oldest);
    }
    return answer(entry);
  };
}

function answer({ bytes, mediaType }: { bytes: Uint8Array<ArrayBuffer>; mediaType: string }): Response {
  return new Response(bytes, { status: 200, headers: { 'content-type': mediaType } });
}
