/** Published vectors of the building blocks, and the golden values of secagg-dp research section 2.11. */
import { bytesToHex, hexToBytes, utf8ToBytes } from '@twinkeep/audit';
import {
  addMask,
  CHUNK_WORDS,
  createBoxKeyPair,
  encrypt,
  decrypt,
  helperFamily,
  helperSetToBytes,
  maskKey,
  openSealed,
  seal,
  seedCommitment,
  sodiumReady,
  verifyDetached,
  webCryptoPrg,
  type MaskPrg,
} from '@twinkeep/protocol';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { createCipheriv, createHash, hkdfSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => sodiumReady);

const COUNTING = Uint8Array.from({ length: 32 }, (_, i) => i);

describe('AES-256-CTR', () => {
  it('is NIST SP 800-38A F.5.5 in WebCrypto', async () => {
    const key = hexToBytes('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4');
    const imported = await crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-CTR', false, [
      'encrypt',
    ]);
    const counter = Uint8Array.from(hexToBytes('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'));
    const plain = Uint8Array.from(
      hexToBytes('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51'),
    );
    const cipher = await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 64 }, imported, plain);
    expect(bytesToHex(new Uint8Array(cipher))).toBe(
      '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5',
    );
  });

  it('gives the golden key stream as little-endian words', async () => {
    const words = await webCryptoPrg(COUNTING, 8);
    expect([...words]).toEqual([
      3053490418, 3500099882, 1788539817, 2155294429, 2926992880, 3852450122, 832304806, 1026998856,
    ]);
    expect(bytesToHex(new Uint8Array(words.buffer))).toBe(
      'f29000b62a499fd0a9f39a6add2e7780f05d76ae4ab99fe5a6f69b3148c2363d',
    );
  });

  it('splits x = [1, -2, 3, 0] over three keys as the golden example does', async () => {
    const masks = await Promise.all([1, 2, 3].map((byte) => webCryptoPrg(new Uint8Array(32).fill(byte), 4)));
    expect(masks.map((mask) => [...mask])).toEqual([
      [2781517938, 2904425317, 3525562054, 2019796542],
      [295777780, 2493637795, 318314825, 3728843461],
      [1653063825, 4190924167, 860496058, 4272263030],
    ]);
    const y = Uint32Array.from([1, -2, 3, 0], (x, i) => masks.reduce((sum, mask) => sum + mask[i]!, x));
    expect([...y]).toEqual([435392248, 999052685, 409405644, 1430968441]);
  });
});

describe('HKDF-SHA-256', () => {
  it('is RFC 5869 A.1', () => {
    const okm = hkdf(
      sha256,
      new Uint8Array(22).fill(0x0b),
      hexToBytes('000102030405060708090a0b0c'),
      hexToBytes('f0f1f2f3f4f5f6f7f8f9'),
      42,
    );
    expect(bytesToHex(okm)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  it('gives the golden key under the salt of the protocol', () => {
    const key = hkdf(sha256, COUNTING, utf8ToBytes('flsa/v1'), utf8ToBytes('mask|round-1|set-0'), 32);
    expect(bytesToHex(key)).toBe('cc51bffc2b20608b39f22eb9578343d2b97e19337770e02bae78f3219f4ac682');
  });
});

describe('masks', () => {
  const rcHash = new Uint8Array(32).fill(7);
  const prefixed = (...fields: Uint8Array[]): Buffer =>
    Buffer.concat(
      fields.flatMap((field) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(field.length);
        return [length, Buffer.from(field)];
      }),
    );

  it('have keys and commitments that another implementation derives too', () => {
    const set = [1, 3];
    for (const chunk of [0, 1, 258]) {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(chunk);
      const info = prefixed(Buffer.from('mask'), rcHash, Buffer.of(2, 1, 3), number);
      const expected = Buffer.from(hkdfSync('sha256', COUNTING, 'flsa/v1', info, 32));
      expect(Buffer.from(maskKey(COUNTING, rcHash, set, chunk)).equals(expected)).toBe(true);
    }
    const committed = createHash('sha256')
      .update(prefixed(Buffer.from('flsa/seed'), rcHash, Buffer.of(2, 1, 3), COUNTING))
      .digest();
    expect(Buffer.from(seedCommitment(COUNTING, rcHash, set)).equals(committed)).toBe(true);
  });

  it('have another key for every round, set and chunk', () => {
    const keys = new Set<string>();
    for (const hash of [rcHash, new Uint8Array(32)])
      for (const set of helperFamily(4, 1))
        for (const chunk of [0, 1]) keys.add(bytesToHex(maskKey(COUNTING, hash, set, chunk)));
    expect(keys.size).toBe(2 * 4 * 2);
    expect(() => maskKey(COUNTING.subarray(1), rcHash, [], 0)).toThrowError(
      expect.objectContaining({ code: 'protocol/box' }),
    );
  });

  it('are the same bytes from node:crypto, chunk by chunk, and wrap modulo 2^32', async () => {
    const nodePrg: MaskPrg = async (key, words) => {
      const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(words * 4));
      return new Uint32Array(Uint8Array.from(stream).buffer);
    };
    const length = CHUNK_WORDS + 5;
    const [a, b] = [new Uint32Array(length).fill(0xffff_ffff), new Uint32Array(length).fill(0xffff_ffff)];
    await addMask(a, COUNTING, rcHash, [2], webCryptoPrg);
    await addMask(b, COUNTING, rcHash, [2], nodePrg);
    expect(Buffer.from(a.buffer).equals(Buffer.from(b.buffer))).toBe(true);
    const first = await webCryptoPrg(maskKey(COUNTING, rcHash, [2], 0), 2);
    const second = await webCryptoPrg(maskKey(COUNTING, rcHash, [2], 1), 5);
    expect([...a.subarray(0, 2)]).toEqual([...first].map((word) => (word - 1) >>> 0));
    expect([...a.subarray(CHUNK_WORDS)]).toEqual([...second].map((word) => (word - 1) >>> 0));
  });
});

describe('libsodium', () => {
  it('verifies RFC 8032 section 7.1 and refuses every changed bit of it', () => {
    const key = hexToBytes('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const message = hexToBytes('72');
    const signature = hexToBytes(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(verifyDetached(signature, message, key)).toBe(true);
    for (let bit = 0; bit < 512; bit++) {
      const changed = signature.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyDetached(changed, message, key)).toBe(false);
    }
    expect(verifyDetached(signature, hexToBytes('73'), key)).toBe(false);
    expect(verifyDetached(signature.subarray(1), message, key)).toBe(false);
    expect(verifyDetached(signature, message, key.subarray(1))).toBe(false);
    expect(verifyDetached(signature, message, new Uint8Array(32))).toBe(false);
  });

  it('has the key pairs of RFC 7748 section 6.1: a box sealed to the public key opens with the private one', () => {
    const pairs = [
      [
        '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
        '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      ],
      [
        '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
        'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
      ],
    ].map(([secret, open]) => ({ privateKey: hexToBytes(secret!), publicKey: hexToBytes(open!) }));
    for (const pair of pairs) {
      const box = seal(COUNTING, pair.publicKey);
      expect(openSealed(box, pair)).toEqual(COUNTING);
      const other = pairs.find((candidate) => candidate !== pair)!;
      expect(openSealed(box, { ...pair, privateKey: other.privateKey })).toBeNull();
    }
  });

  it('opens a sealed box with its own key only', () => {
    const [mine, other] = [createBoxKeyPair(), createBoxKeyPair()];
    const box = seal(COUNTING, mine.publicKey);
    expect(box.length).toBe(32 + 48);
    expect(openSealed(box, mine)).toEqual(COUNTING);
    expect(openSealed(box, other)).toBeNull();
    expect(openSealed(box.subarray(1), mine)).toBeNull();
    expect(openSealed(new Uint8Array(3), mine)).toBeNull();
    expect(bytesToHex(seal(COUNTING, mine.publicKey))).not.toBe(bytesToHex(box));
  });

  it('decrypts what it encrypted under the same key and context only', () => {
    const [key, context] = [COUNTING, utf8ToBytes('twin 1')];
    const box = encrypt(COUNTING, key, context);
    expect(decrypt(box, key, context)).toEqual(COUNTING);
    expect(decrypt(box, key.toReversed(), context)).toBeNull();
    expect(decrypt(box, key, utf8ToBytes('twin 2'))).toBeNull();
    for (let at = 0; at < box.length; at++) {
      const changed = box.slice();
      changed[at]! ^= 1;
      expect(decrypt(changed, key, context)).toBeNull();
    }
    expect(decrypt(box.subarray(0, 10), key, context)).toBeNull();
  });
});

describe('a set of helpers', () => {
  it('has one spelling in hashes', () => {
    expect([...helperSetToBytes([])]).toEqual([0]);
    expect([...helperSetToBytes([2, 5])]).toEqual([2, 2, 5]);
  });
});
