import { hash } from 'node:crypto';

import type { Sha256 } from '@twinkeep/audit';

/** By way of a string: twice as fast as a Buffer, which would be allocated outside of the heap. */
export const nativeSha256: Sha256 = (data) => {
  const digest = hash('sha256', data, 'binary');
  const bytes = new Uint8Array(digest.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = digest.charCodeAt(i);
  return bytes;
};
