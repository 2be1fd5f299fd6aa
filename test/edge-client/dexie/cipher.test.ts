/** What is sealed opens in its own place and nowhere else; tags say nothing without the key and tell everything apart with it. */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createRootKey,
  createSecret,
  openSecret,
  type Cipher,
  type Place,
} from '../../../edge-client/store/dexie/cipher.ts';

let root: CryptoKey;
let one: Cipher;
let other: Cipher;

async function createCipher(what: string): Promise<Cipher> {
  return openSecret(crypto, root, await createSecret(crypto, root, what), what);
}

beforeAll(async () => {
  root = await createRootKey(crypto);
  one = await createCipher('one');
  other = await createCipher('other');
});

const place: fc.Arbitrary<Place> = fc.record({
  table: fc.constantFrom('event', 'consent', ''),
  twin: fc.constantFrom('a', 'b', ''),
  row: fc.constantFrom('a', 'b', ''),
  clear: fc.constantFrom('1', '2', ''),
});
const unreadable = { code: 'store/unreadable' };

describe('a sealed row', () => {
  it('opens where it was sealed, and in no other place', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, fc.uint8Array({ maxLength: 100 }), async (here, there, plaintext) => {
        const sealed = await one.seal(here, plaintext);
        expect(await one.open(here, sealed)).toEqual(plaintext);
        if (JSON.stringify(here) !== JSON.stringify(there))
          await expect(one.open(there, sealed)).rejects.toMatchObject(unreadable);
        await expect(other.open(here, sealed)).rejects.toMatchObject(unreadable);
      }),
      { numRuns: 200 },
    );
  });

  it('never looks the same twice, and is refused when a bit is changed or the end is missing', async () => {
    const here: Place = { table: 'event', twin: 'a', row: 'b' };
    const sealed = await one.seal(here, new Uint8Array(5));
    expect(await one.seal(here, new Uint8Array(5))).not.toEqual(sealed);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte));
      await expect(one.open(here, changed)).rejects.toMatchObject(unreadable);
      await expect(one.open(here, sealed.subarray(0, i))).rejects.toMatchObject(unreadable);
    }
  });
});

describe('a secret', () => {
  it('opens with its own root and in its own place, again with the same keys', async () => {
    const wrapped = await createSecret(crypto, root, 'twin');
    const first = await openSecret(crypto, root, wrapped, 'twin');
    const again = await openSecret(crypto, root, wrapped, 'twin');
    expect(await again.tag('event', 'e1')).toBe(await first.tag('event', 'e1'));
    await expect(openSecret(crypto, root, wrapped, 'another')).rejects.toMatchObject(unreadable);
    const anotherRoot = await createRootKey(crypto);
    await expect(openSecret(crypto, anotherRoot, wrapped, 'twin')).rejects.toMatchObject(unreadable);
  });

  it('cannot be taken out', async () => {
    expect(root.extractable).toBe(false);
    expect(await nameOf(crypto.subtle.exportKey('raw', root))).toMatch(/^InvalidAccess/);
    const wrapped = await createSecret(crypto, root, 'twin');
    const iv = wrapped.slice(0, 12);
    const opening = crypto.subtle.decrypt({ name: 'AES-GCM', iv }, root, wrapped.slice(12));
    expect(await nameOf(opening)).toMatch(/^InvalidAccess/);
  });

  function nameOf(failing: Promise<unknown>): Promise<string> {
    return failing.then(
      () => 'none',
      (error: Error) => error.name,
    );
  }
});

describe('a tag', () => {
  it('stands for one name of one kind under one key', async () => {
    const names: [Cipher, string, ...string[]][] = [
      [one, 'event', 'a'],
      [other, 'event', 'a'],
      [one, 'role', 'a'],
      [one, 'event', 'b'],
      [one, 'event', 'a', ''],
      [one, 'event', '', 'a'],
      [one, 'event', 'a,b'],
      [one, 'event', 'a', 'b'],
    ];
    const tags = await Promise.all(names.map(([cipher, kind, ...rest]) => cipher.tag(kind, ...rest)));
    expect(new Set(tags).size).toBe(names.length);
    expect(tags.every((tag) => /^[A-Za-z0-9_-]{22}$/.test(tag))).toBe(true);
    expect(await one.tag('event', 'a')).toBe(tags[0]);
  });

  it('of a category is known among any categories with the key of its twin, for its row alone', () => {
    const category = fc.constantFrom<Category>(...CATEGORIES);
    const row = fc.stringMatching(/^[A-Za-z0-9_-]{22}$/);
    fc.assert(
      fc.property(row, row, category, fc.subarray([...CATEGORIES]), (row, another, category, among) => {
        const tag = one.categories.create(row, category);
        const set = new Set(among);
        expect(one.categories.isAmong(row, tag, set)).toBe(set.has(category));
        expect(other.categories.isAmong(row, tag, new Set(CATEGORIES))).toBe(false);
        expect(one.categories.isAmong(another, tag, new Set(CATEGORIES))).toBe(another === row);
      }),
    );
  });
});
