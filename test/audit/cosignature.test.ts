import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  bytesToBase64,
  base64ToBytes,
  concatBytes,
  cosign,
  createNoteKey,
  createSigner,
  hexToBytes,
  mergeCosignatures,
  noteKeyToVkey,
  openCheckpoint,
  readCosignature,
  readNote,
  sha256,
  signCheckpoint,
  utf8ToBytes,
  verifyWitnessed,
  vkeyToNoteKey,
  type Ed25519Signer,
  type WitnessPolicy,
} from '@twinkeep/audit';

import { notes } from './vectors.ts';

const { own, sunlightCosignature: sunlight } = notes;
const ORIGIN = 'twin.example/audit';
const logSigner = createSigner(hexToBytes(own.logSeedHex));

interface Witness {
  name: string;
  signer: Ed25519Signer;
}

const witnesses: Witness[] = [1, 2, 3, 4, 5].map((n) => ({
  name: `witness.example/w${n}`,
  signer: createSigner(sha256(Uint8Array.of(n))),
}));

const vkeyOf = ({ name, signer }: Witness): string =>
  noteKeyToVkey(createNoteKey(name, signer.publicKey, 'cosignature'));

const policyOf = (members: readonly Witness[], threshold: number): WitnessPolicy => ({
  witnesses: members.map((witness) => ({ name: witness.name, operator: 'x', vkey: vkeyOf(witness) })),
  threshold,
});

const malformedPolicy = expect.objectContaining({ code: 'policy/malformed' });
const unwitnessed = expect.objectContaining({ code: 'note/unwitnessed' }) as unknown;
const unverified = expect.objectContaining({ code: 'note/unverified' }) as unknown;

const rootOf = (n: number): Uint8Array => sha256(utf8ToBytes(`root ${n}`));
const checkpointNote = (size: number, root = rootOf(size), origin = ORIGIN): Promise<string> =>
  signCheckpoint({ origin, size, root }, logSigner);

async function cosignedBy(note: string, members: readonly Witness[], time = 1_700_000_000): Promise<string> {
  const { text } = readNote(note, []);
  return mergeCosignatures(note, await Promise.all(members.map((witness) => cosign(text, witness, time))));
}

describe('published vectors', () => {
  test('the line over the own checkpoint is bit for bit that of the vectors', async () => {
    const witness = { name: 'witness.example/w1', signer: createSigner(hexToBytes(own.witnessSeedHex)) };
    expect(vkeyOf(witness)).toBe(own.witnessVkey);
    const line = await cosign(own.checkpointBody, witness, own.timestamp);
    expect(mergeCosignatures(own.checkpoints['8']!, [line])).toBe(own.note);
    expect(verifyWitnessed(own.note, policyOf([witness], 1))).toEqual([witness.name]);
  });

  test("sunlight's witness is counted beside a log signature of an unknown type", () => {
    const { name } = vkeyToNoteKey(sunlight.vkey);
    const policy = { witnesses: [{ name, operator: 'x', vkey: sunlight.vkey }], threshold: 1 };
    expect(verifyWitnessed(sunlight.note, policy)).toEqual([name]);
  });

  test('a key id binds name, type and key', () => {
    const { publicKey } = witnesses[0]!.signer;
    const ids = [
      createNoteKey('a', publicKey, 'cosignature'),
      createNoteKey('b', publicKey, 'cosignature'),
      createNoteKey('a', publicKey, 'ed25519'),
      createNoteKey('a', witnesses[1]!.signer.publicKey, 'cosignature'),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    const [id] = ids;
    const expected = sha256(concatBytes(utf8ToBytes('a\n\u0004'), publicKey)).subarray(0, 4);
    expect(hexToBytes(id!)).toEqual(expected);
  });
});

describe('k of n', () => {
  test('any k distinct witnesses of the policy are enough, any fewer are not, whoever else signed', async () => {
    const note = await checkpointNote(7);
    const strangers: Witness[] = [8, 9].map((n) => ({
      name: `stranger${n}`,
      signer: createSigner(sha256(Uint8Array.of(n))),
    }));
    const lines = new Map<string, string>();
    for (const each of [...witnesses, ...strangers])
      lines.set(each.name, await cosign(readNote(note, []).text, each, 1_700_000_000));
    fc.assert(
      fc.property(
        fc.subarray(witnesses),
        fc.subarray(strangers),
        fc.integer({ min: 1, max: witnesses.length }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (signed, others, threshold, repeats) => {
          const members = [...signed, ...others];
          const order = [...members, ...repeats.flatMap((i) => members[i % (members.length || 1)] ?? [])];
          const cosigned = note + order.map(({ name }) => lines.get(name)).join('');
          const policy = policyOf(witnesses, threshold);
          if (signed.length < threshold) {
            expect(() => verifyWitnessed(cosigned, policy)).toThrow(unwitnessed);
          } else {
            expect(verifyWitnessed(cosigned, policy).sort()).toEqual(signed.map(({ name }) => name).sort());
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('one key under two names would count twice, and is refused', async () => {
    const [first] = witnesses as [Witness];
    const again = { ...first, name: 'witness.example/again' };
    const note = await cosignedBy(await checkpointNote(3), [first, again]);
    expect(() => verifyWitnessed(note, policyOf([first, again], 1))).toThrow(malformedPolicy);
    expect(() => verifyWitnessed(note, policyOf([first, again], 2))).toThrow(malformedPolicy);
  });

  test('a threshold of none demands nobody, and is refused', async () => {
    const note = await cosignedBy(await checkpointNote(3), witnesses);
    expect(() => verifyWitnessed(note, policyOf(witnesses, 0))).toThrow(malformedPolicy);
    expect(() => verifyWitnessed(note, policyOf(witnesses, witnesses.length + 1))).toThrow(malformedPolicy);
  });

  test("a key of another type is no witness's, though it signed the note", async () => {
    const note = await checkpointNote(3);
    const policy = {
      witnesses: [{ name: ORIGIN, operator: 'x', vkey: own.logVkey }],
      threshold: 1,
    };
    expect(openCheckpoint(note, own.logVkey).size).toBe(3);
    expect(() => verifyWitnessed(note, policy)).toThrow(malformedPolicy);
  });
});

describe('a cosignature is of one checkpoint', () => {
  const [witness] = witnesses as [Witness];
  const policy = policyOf([witness], 1);

  test.each<[string, () => Promise<string>]>([
    ['size', () => checkpointNote(6, rootOf(5))],
    ['root', () => checkpointNote(5, rootOf(6))],
    ['origin', () => checkpointNote(5, rootOf(5), 'other.example/audit')],
  ])('that of another %s does not verify', async (_, other) => {
    const line = await cosign(readNote(await checkpointNote(5), []).text, witness, 1_700_000_000);
    expect(verifyWitnessed(mergeCosignatures(await checkpointNote(5), [line]), policy)).toHaveLength(1);
    const note = await other();
    expect(() => verifyWitnessed(mergeCosignatures(note, [line]), policy)).toThrow(unverified);
    expect(() => readCosignature(note, line, vkeyToNoteKey(vkeyOf(witness)))).toThrow(unverified);
  });

  test('a plain signature of the text by the same key is none, whatever key hash it bears', async () => {
    const note = await checkpointNote(5);
    const { text } = readNote(note, []);
    const plain = await witness.signer.sign(utf8ToBytes(text));
    const { id } = vkeyToNoteKey(vkeyOf(witness));
    const forged = [
      concatBytes(hexToBytes(id), plain),
      concatBytes(hexToBytes(id), new Uint8Array(8), plain),
      concatBytes(hexToBytes(createNoteKey(witness.name, witness.signer.publicKey).id), plain),
    ].map((payload) => `— ${witness.name} ${bytesToBase64(payload)}\n`);
    expect(() => verifyWitnessed(note + forged[0], policy)).toThrow(unverified);
    expect(() => verifyWitnessed(note + forged[1], policy)).toThrow(unverified);
    expect(() => verifyWitnessed(note + forged[2], policy)).toThrow(unwitnessed);
  });

  test('any change of the line, its time and its key hash included, undoes it', async () => {
    const note = await checkpointNote(5);
    const line = await cosign(readNote(note, []).text, witness, 1_700_000_000);
    const payload = base64ToBytes(line.slice(`— ${witness.name} `.length, -1));
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = payload.slice();
        changed[at]! ^= change;
        const cosigned = `${note}— ${witness.name} ${bytesToBase64(changed)}\n`;
        expect(() => verifyWitnessed(cosigned, policy)).toThrow(at < 4 ? unwitnessed : unverified);
      }),
      { numRuns: 60 },
    );
  });

  test('a witness signs checkpoints only', async () => {
    await expect(cosign('a text\n', witness, 1)).rejects.toMatchObject({ code: 'checkpoint/malformed' });
  });
});

describe("reading a witness's answer", () => {
  const [first, second] = witnesses as [Witness, Witness];

  test('takes its own line and leaves the rest', async () => {
    const note = await checkpointNote(5);
    const { text } = readNote(note, []);
    const [own, other] = [
      await cosign(text, first, 1_700_000_000),
      await cosign(text, second, 1_700_000_000),
    ];
    expect(readCosignature(note, other + own, vkeyToNoteKey(vkeyOf(first)))).toBe(own);
    expect(() => readCosignature(note, other, vkeyToNoteKey(vkeyOf(first)))).toThrow(unverified);
    const merged = mergeCosignatures(note, [own, other]);
    expect(mergeCosignatures(merged, [own])).toBe(merged);
    expect(verifyWitnessed(merged, policyOf([first, second], 2))).toEqual([first.name, second.name]);
  });

  test.each([
    ['nothing', ''],
    ['an error page', '<html>\n'],
    ['another text with its signature', 'other\n\n— x AAAAAAA=\n'],
  ])('refuses %s', async (_, answer) => {
    const note = await checkpointNote(5);
    expect(() => readCosignature(note, answer, vkeyToNoteKey(vkeyOf(first)))).toThrow(
      expect.objectContaining({ name: 'AuditError' }),
    );
  });
});
