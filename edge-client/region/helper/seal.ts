/** What a helper's database holds sealed: under a key that follows from the helper's private key, and only from it. */
import { hkdfSync } from 'node:crypto';
import { base64UrlToBytes, concatBytes, utf8ToBytes } from '@twinkeep/audit';
import { decrypt, encrypt, SEED_BYTES } from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';

export interface HelperSeal {
  sealEpochKey(e: number, privateKey: Uint8Array): Buffer;
  /** @throws RegionError 'store/foreign' */
  openEpochKey(e: number, sealed: Uint8Array): Uint8Array;
  sealSeeds(rcHash: string, headerHash: string, seeds: ReadonlyMap<number, Uint8Array>): Buffer;
  /** By set index. @throws RegionError 'store/foreign' */
  openSeeds(rcHash: string, headerHash: string, sealed: Uint8Array): Map<number, Uint8Array>;
}

const PREFIX = 'twinkeep/1/helper';

/** @param privateKey the 32-byte private part (`d`) of the helper's long-lived key */
export function createHelperSeal(privateKey: Uint8Array): HelperSeal {
  const key = new Uint8Array(hkdfSync('sha256', privateKey, '', `${PREFIX}/database`, 32));
  const open = (sealed: Uint8Array, context: string): Uint8Array => {
    const plaintext = decrypt(sealed, key, utf8ToBytes(`${PREFIX}\n${context}`));
    if (plaintext === null)
      throw new RegionError(
        'store/foreign',
        'a stored key or seed does not open: the database is of another key',
      );
    return plaintext;
  };
  const seal = (plaintext: Uint8Array, context: string): Buffer =>
    Buffer.from(encrypt(plaintext, key, utf8ToBytes(`${PREFIX}\n${context}`)));
  return {
    sealEpochKey: (e, epochKey) => seal(epochKey, `epoch\n${e}`),
    openEpochKey: (e, sealed) => open(sealed, `epoch\n${e}`),
    sealSeeds: (rcHash, headerHash, seeds) =>
      seal(
        concatBytes(...[...seeds].flatMap(([set, seed]) => [Uint8Array.of(set), seed])),
        `seeds\n${rcHash}\n${headerHash}`,
      ),
    openSeeds(rcHash, headerHash, sealed) {
      const bytes = open(sealed, `seeds\n${rcHash}\n${headerHash}`);
      const size = 1 + SEED_BYTES;
      return new Map(
        Array.from({ length: bytes.length / size }, (_, i) => [
          bytes[i * size] as number,
          bytes.slice(i * size + 1, (i + 1) * size),
        ]),
      );
    },
  };
}

/** The private part of a JWK file's key. @throws RegionError 'config/invalid' */
export function privatePart(jwk: unknown): Uint8Array {
  const { d } = (jwk ?? {}) as { d?: unknown };
  if (typeof d !== 'string') throw new RegionError('config/invalid', 'the key file holds no private key');
  return base64UrlToBytes(d);
}
