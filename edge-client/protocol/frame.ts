/** Length-prefixed byte strings, written and read with limits. Everything read here may come from an attacker. */
import { concatBytes } from '@twinkeep/audit';
import { ProtocolError } from './problem.ts';

/** u32 little-endian length, then the bytes: the `‖` of the specification, unambiguous for every list of fields. */
export function lengthPrefixed(...fields: Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of fields) parts.push(uint32ToBytes(field.length), field);
  return concatBytes(...parts);
}

export function uint32ToBytes(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

export interface FrameReader {
  /** The next n bytes, as a view. */
  take(n: number, what: string): Uint8Array;
  /** A u32 little-endian length of at most `max`, then that many bytes. */
  takePrefixed(max: number, what: string): Uint8Array;
  /** @throws ProtocolError where bytes are left over. */
  end(): void;
}

export function createFrameReader(bytes: Uint8Array): FrameReader {
  let at = 0;
  const take = (n: number, what: string): Uint8Array => {
    if (bytes.length - at < n) throw new ProtocolError('protocol/frame', `the frame ends inside ${what}`);
    at += n;
    return bytes.subarray(at - n, at);
  };
  return {
    take,
    takePrefixed(max, what) {
      const header = take(4, `the length of ${what}`);
      const length = new DataView(header.buffer, header.byteOffset, 4).getUint32(0, true);
      if (length > max) throw new ProtocolError('protocol/frame', `${what} is longer than ${max} bytes`);
      return take(length, what);
    },
    end() {
      if (at !== bytes.length)
        throw new ProtocolError('protocol/frame', `${bytes.length - at} bytes follow the frame`);
    },
  };
}
