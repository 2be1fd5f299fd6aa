import { createHash, createPublicKey, verify } from 'node:crypto';

import { beforeEach, describe, expect, test } from 'vitest';

import {
  bytesToBase64Url,
  createLeaf,
  createLog,
  createNoteKey,
  createSigner,
  hashLeaf,
  noteKeyToVkey,
  openCheckpoint,
  openLog,
  signCheckpoint,
  utf8ToBytes,
  verifyConsistency,
  verifyInclusion,
  verifyProof,
  type Log,
  type LogHead,
} from '@twinkeep/audit';

import {
  createMemoryLogState,
  createMemoryLogStore,
  type MemoryLogState,
} from '../support/memory-log-store.ts';
import { mth } from './reference.ts';

const origin = 'twin.example/audit';
const signer = createSigner(new Uint8Array(32).fill(1));
const vkey = noteKeyToVkey(createNoteKey(origin, signer.publicKey));
const leaves = Array.from({ length: 40 }, (_, i) => leafOf(i));

let state: MemoryLogState;
let log: Log;
beforeEach(() => {
  state = createMemoryLogState();
  log = createLog({ store: createMemoryLogStore(state), signer, origin });
});

describe('appending', () => {
  test('signs the tree of all leaves so far', async () => {
    expect(await log.head()).toBeNull();
    let size = 0;
    for (const count of [1, 2, 5, 1, 16, 15]) {
      const { firstIndex, head } = await log.append(leaves.slice(size, size + count));
      expect(firstIndex).toBe(size);
      size += count;
      expect(head).toMatchObject({ size, root: mth(leaves.slice(0, size)) });
      expect(openCheckpoint(head.note, vkey, { unknownSignatures: 'refuse' })).toEqual({
        origin,
        size,
        root: head.root,
      });
      expect(await log.head()).toEqual(head);
    }
  });

  test('takes only leaves that hold a commitment, and at least one', async () => {
    await expect(log.append([])).rejects.toMatchObject({ code: 'log/empty-append' });
    await expect(log.append([leaves[0]!, utf8ToBytes('{"subject":"Ada"}')])).rejects.toMatchObject({
      code: 'leaf/malformed',
    });
    expect(await log.head()).toBeNull();
  });

  test('never extends a head that it did not sign', async () => {
    await log.append(leaves.slice(0, 6));
    const other = createLog({
      store: createMemoryLogStore(state),
      signer: createSigner(new Uint8Array(32)),
      origin,
    });
    await expect(other.append([leaves[6]!])).rejects.toMatchObject({ code: 'log/disagrees' });
    state.hashes.get('2/0')![0]! ^= 1;
    await expect(log.append([leaves[6]!])).rejects.toMatchObject({ code: 'log/disagrees' });
    expect(state.head).toMatchObject({ size: 6 });
  });
});

describe('proving', () => {
  let heads: LogHead[];
  beforeEach(async () => {
    heads = [];
    for (const leaf of leaves.slice(0, 21)) heads.push((await log.append([leaf])).head);
  });

  test('inclusion of every leaf in every tree', async () => {
    for (const { size, root } of heads) {
      for (let index = 0; index < size; index++) {
        const proof = await log.inclusionProof(index, size);
        expect(verifyInclusion({ ...proof, root, leafHash: hashLeaf(leaves[index]!) })).toBe(true);
      }
    }
    expect(await log.inclusionProof(3)).toEqual(await log.inclusionProof(3, 21));
  });

  test('consistency of every two trees', async () => {
    for (const { size: to, root: root2 } of heads) {
      for (const { size: from, root: root1 } of heads.slice(0, to)) {
        expect(verifyConsistency({ ...(await log.consistencyProof(from, to)), root1, root2 })).toBe(true);
      }
    }
    expect(await log.consistencyProof(3)).toEqual(await log.consistencyProof(3, 21));
  });

  test('receipts that verify with the key alone', async () => {
    for (const [index, leaf] of leaves.slice(0, 21).entries()) {
      const receipt = await log.receipt(index);
      expect(verifyProof(receipt, leaf, vkey)).toMatchObject({ index, checkpoint: { size: 21 } });
      expect(() => verifyProof(receipt, leaves[21]!, vkey)).toThrow(/does not put this leaf/);
    }
  });

  test('reads a number of hashes that grows with the logarithm', async () => {
    const store = createMemoryLogStore(state);
    let reads = 0;
    const counting = createLog({
      store: { ...store, hashes: (ids) => ((reads += ids.length), store.hashes(ids)) },
      signer,
      origin,
    });
    await counting.inclusionProof(7);
    await counting.consistencyProof(7);
    await counting.append([leaves[21]!]);
    expect(reads).toBeLessThan(25);
  });

  test('nothing that is not there', async () => {
    const outOfRange = { code: 'merkle/out-of-range' };
    await expect(log.inclusionProof(21)).rejects.toMatchObject(outOfRange);
    await expect(log.inclusionProof(-1)).rejects.toMatchObject(outOfRange);
    await expect(log.inclusionProof(0, 22)).rejects.toMatchObject(outOfRange);
    await expect(log.inclusionProof(0, 0.5)).rejects.toMatchObject(outOfRange);
    await expect(log.consistencyProof(0)).rejects.toMatchObject(outOfRange);
    await expect(log.consistencyProof(22)).rejects.toMatchObject(outOfRange);
    await expect(log.consistencyProof(1, 22)).rejects.toMatchObject(outOfRange);
    await expect(log.receipt(21)).rejects.toMatchObject(outOfRange);
    const empty = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin });
    await expect(empty.receipt(0)).rejects.toMatchObject(outOfRange);
    await expect(empty.inclusionProof(0)).rejects.toMatchObject(outOfRange);
  });
});

describe('opening', () => {
  beforeEach(async () => {
    await log.append(leaves.slice(0, 13));
  });

  test('goes on where the log was left', async () => {
    const { firstIndex, head } = await (await reopened()).append([leaves[13]!]);
    expect(firstIndex).toBe(13);
    expect(head.root).toEqual(mth(leaves.slice(0, 14)));
  });

  test.each<[string, (head: LogHead) => void | Promise<void>]>([
    ['a root that was changed', (head) => void (head.root[31]! ^= 1)],
    ['a size that was changed', (head) => void (head.size = 12)],
    ['a signature that was changed', (head) => void (head.note = head.note.replace(/.=\n$/, 'A=\n'))],
    ['a second signature', (head) => void (head.note += head.note.slice(head.note.indexOf('—')))],
    ['a subtree that was changed', () => void (state.hashes.get('3/0')![5]! ^= 1)],
    ['a subtree on the edge that was changed', () => void (state.hashes.get('0/12')![5]! ^= 1)],
    [
      'a head signed by another key',
      async (head) =>
        void (head.note = await signCheckpoint({ origin, ...head }, createSigner(new Uint8Array(32)))),
    ],
    [
      'a head signed for another log',
      async (head) => void (head.note = await signCheckpoint({ ...head, origin: 'other.example' }, signer)),
    ],
    [
      'an older head over a newer size',
      async (head) => {
        const note = await signCheckpoint({ origin, size: 1, root: mth(leaves.slice(0, 1)) }, signer);
        head.note = note;
      },
    ],
  ])('refuses %s', async (_, tamper) => {
    await tamper(state.head!);
    await expect(reopened()).rejects.toMatchObject({ code: 'log/disagrees' });
    await expect(log.append([leaves[13]!])).rejects.toMatchObject({ code: 'log/disagrees' });
  });

  test('refuses another history under the signed note', async () => {
    const { note } = state.head!;
    state = createMemoryLogState();
    log = createLog({ store: createMemoryLogStore(state), signer, origin });
    await log.append(leaves.slice(1, 14));
    state.head!.note = note;
    await expect(reopened()).rejects.toMatchObject({ code: 'log/disagrees' });
  });

  test('refuses a log whose hashes are gone', async () => {
    state.hashes.delete('3/0');
    await expect(reopened()).rejects.toMatchObject({ code: 'log/missing-hash' });
  });
});

test('hash and verifier may be native ones', async () => {
  let [hashed, verified] = [0, 0];
  const native = createLog({
    store: createMemoryLogStore(state),
    signer,
    origin,
    hash: (data) => (hashed++, new Uint8Array(createHash('sha256').update(data).digest())),
    verify: (signature, message, publicKey) => {
      verified++;
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytesToBase64Url(publicKey) };
      return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
    },
  });
  await native.append(leaves.slice(0, 3));
  expect((await native.append(leaves.slice(3, 5))).head.root).toEqual(mth(leaves.slice(0, 5)));
  expect(await native.fsck()).toMatchObject({ ok: true });
  expect(hashed).toBeGreaterThan(10);
  expect(verified).toBe(2);
});

function leafOf(i: number): Uint8Array {
  const at = new Date('2026-01-15T10:00:00Z');
  return createLeaf({ type: 'test.event', at, body: { i }, salt: new Uint8Array(32).fill(i) }).leaf;
}

function reopened(): Promise<Log> {
  return openLog({ store: createMemoryLogStore(state), signer, origin });
}
