/** A report taken apart and put together again with changes, as someone who does not use our encoder would. */
import {
  bytesToBase64Url,
  bytesToUtf8,
  canonicalBytes,
  concatBytes,
  sha256,
  utf8ToBytes,
} from '@twinkeep/audit';
import { PROTOCOL, type ReportHeader, type SigningKey } from '@twinkeep/protocol';

export interface Parts {
  magic: Uint8Array;
  header: Uint8Array;
  signature: Uint8Array;
  boxes: Uint8Array[];
  members: Uint8Array;
  vector: Uint8Array;
}

const MAGIC_LENGTH = 5;
const HELPERS = 4;

export function takeApart(bytes: Uint8Array): Parts {
  let at = MAGIC_LENGTH;
  const next = (): Uint8Array => {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
    at += 4 + length;
    return bytes.slice(at - length, at);
  };
  return {
    magic: bytes.slice(0, MAGIC_LENGTH),
    header: next(),
    signature: next(),
    boxes: Array.from({ length: HELPERS }, next),
    members: next(),
    vector: next(),
  };
}

export function putTogether({ magic, header, signature, boxes, members, vector }: Parts): Uint8Array {
  const fields = [header, signature, ...boxes, members, vector];
  return concatBytes(magic, ...fields.flatMap((field) => [lengthOf(field), field]));
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, length, true);
  return out;
}

export function headerOf(parts: Parts): ReportHeader {
  return JSON.parse(bytesToUtf8(parts.header)) as ReportHeader;
}

/** Signs whatever bytes are to be the header. */
export async function withHeader(parts: Parts, header: Uint8Array, key: SigningKey): Promise<Parts> {
  return {
    ...parts,
    header,
    signature: await key.sign(concatBytes(utf8ToBytes(`${PROTOCOL}/report\n`), header)),
  };
}

/** A header with some fields changed, canonical and signed. */
export function withFields(parts: Parts, fields: object, key: SigningKey): Promise<Parts> {
  return withHeader(parts, canonicalBytes({ ...headerOf(parts), ...fields }), key);
}

export function hashOf(bytes: Uint8Array): string {
  return bytesToBase64Url(sha256(bytes));
}

export function flipBit(bytes: Uint8Array, at: number = 0): Uint8Array {
  const out = bytes.slice();
  out[at] = (out[at] as number) ^ 1;
  return out;
}
