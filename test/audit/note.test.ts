import { describe, expect, test } from 'vitest';

import {
  bytesToHex,
  bytesToUtf8,
  createNoteKey,
  createSigner,
  hexToBytes,
  openNote,
  signNote,
  TwinkeepError,
  utf8ToBytes,
  verifyEd25519,
  vkeyToNoteKey,
} from '@twinkeep/audit';

import { notes } from './vectors.ts';

const [peter, enoch] = notes.goSumdb.vkeys.map(vkeyToNoteKey);
const log = vkeyToNoteKey(notes.own.logVkey);
const witness = vkeyToNoteKey(notes.own.witnessVkey);

describe('published notes', () => {
  test('golang.org/x/mod sumdb/note', () => {
    const { note, text } = notes.goSumdb;
    expect(openNote(note, [peter!, enoch!])).toEqual({ text, signatures: [{ key: peter }, { key: enoch }] });
    expect(openNote(note, [enoch!])).toEqual({ text, signatures: [{ key: enoch }] });
  });

  test('C2SP signed-note', () => {
    const { note, vkey } = notes.c2spExample;
    expect(openNote(note, [vkeyToNoteKey(vkey)]).text).toBe('This is an example message.\n');
  });

  test('own checkpoint with a witness cosignature', () => {
    const { text, signatures } = openNote(notes.own.note, [log, witness]);
    expect(text).toBe(notes.own.checkpointBody);
    expect(bytesToHex(utf8ToBytes(text))).toBe(notes.own.logSignedBytesHex);
    expect(signatures).toEqual([{ key: log }, { key: witness, time: notes.own.timestamp }]);
  });

  test('sunlight witness cosignature, beside a signature of a type not known here', () => {
    const { note, vkey, timestamp } = notes.sunlightCosignature;
    const key = vkeyToNoteKey(vkey);
    expect(openNote(note, [key]).signatures).toEqual([{ key, time: timestamp }]);
  });

  test('signing is bit for bit what the vectors say', async () => {
    const seed = hexToBytes(notes.goSumdb.peterSeedHex);
    const signed = await signNote(notes.goSumdb.text, [{ name: 'PeterNeumann', signer: createSigner(seed) }]);
    expect(notes.goSumdb.note.startsWith(signed)).toBe(true);
    expect(signed.endsWith('pRZb6KE6RyyBwJnAM=\n')).toBe(true);
  });
});

describe('whom to believe', () => {
  const { note } = notes.goSumdb;
  const seed = new Uint8Array(32).fill(7);

  test('a note signed by nobody known is refused', () => {
    expect(() => openNote(note, [log])).toThrow(expect.objectContaining({ code: 'note/unverified' }));
    expect(() => openNote(note, [])).toThrow(expect.objectContaining({ code: 'note/unverified' }));
  });

  test('sharing only a name or only an id with a known key makes nobody known', () => {
    const sameName = { ...enoch!, name: 'PeterNeumann' };
    const sameId = { ...log, id: peter!.id };
    for (const key of [sameName, sameId]) {
      expect(openNote(note, [key, enoch!]).signatures).toEqual([{ key: enoch }]);
      expect(() => openNote(note, [key])).toThrow(expect.objectContaining({ code: 'note/unverified' }));
    }
  });

  test('one failing signature of a known key spoils the note, whoever else signed', () => {
    const changed = note.replace('If you', 'If  you');
    expect(() => openNote(changed, [peter!, enoch!])).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
    const oneBad = note.replace('rwz+eBzmZa0S', 'rwz+eBzmZa0T');
    expect(openNote(oneBad, [peter!]).signatures).toHaveLength(1);
    expect(() => openNote(oneBad, [peter!, enoch!])).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
  });

  test('unknown lines are ignored, or refused on request', () => {
    expect(openNote(note, [peter!], { unknownSignatures: 'ignore' }).signatures).toHaveLength(1);
    expect(() => openNote(note, [peter!], { unknownSignatures: 'refuse' })).toThrow(
      expect.objectContaining({ code: 'note/unknown-signature' }),
    );
    expect(openNote(note, [peter!, enoch!], { unknownSignatures: 'refuse' }).signatures).toHaveLength(2);
  });

  test('a second line by the same key counts once, or is refused on request', () => {
    const twice = note + note.slice(note.indexOf('— Peter'), note.indexOf('— Enoch'));
    expect(openNote(twice, [peter!]).signatures).toHaveLength(1);
    expect(() => openNote(twice, [peter!, enoch!], { unknownSignatures: 'refuse' })).toThrow(
      expect.objectContaining({ code: 'note/unknown-signature' }),
    );
  });

  test('the time of a cosignature is signed', async () => {
    const payload = notes.own.note.slice(notes.own.note.lastIndexOf(' ') + 1, -1);
    const later = Buffer.from(payload, 'base64');
    later.writeUInt8(later.readUInt8(11) + 1, 11);
    const moved = notes.own.note.replace(payload, later.toString('base64'));
    expect(() => openNote(moved, [witness])).toThrow(expect.objectContaining({ code: 'note/unverified' }));
    const signature = hexToBytes(bytesToHex(new Uint8Array(Buffer.from(payload, 'base64'))).slice(24));
    const message = utf8ToBytes(notes.own.cosignedMessage);
    expect(verifyEd25519(signature, message, witness.publicKey)).toBe(true);
    const witnessSigner = createSigner(hexToBytes(notes.own.witnessSeedHex));
    expect(await witnessSigner.sign(message)).toEqual(signature);
  });

  test('a verifier passed in decides', () => {
    const asked: number[] = [];
    const verify: typeof verifyEd25519 = (signature) => asked.push(signature.length) > 1;
    expect(() => openNote(note, [peter!], { verify })).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
    expect(openNote(note, [peter!], { verify }).signatures).toHaveLength(1);
    expect(asked).toEqual([64, 64]);
  });

  test('the last empty line ends the text', async () => {
    const text = 'poem\n\n— poet c2lnbmF0dXJl\n\nend\n';
    const signer = createSigner(seed);
    const signed = await signNote(text, [{ name: 'poet', signer }]);
    expect(openNote(signed, [createNoteKey('poet', signer.publicKey)]).text).toBe(text);
  });
});

describe('malformed notes', () => {
  const { note, text } = notes.goSumdb;
  const line = note.slice(note.indexOf('— Peter'), note.indexOf('— Enoch'));
  const malformed = expect.objectContaining({ code: 'note/malformed' });

  test.each<[string, string]>([
    ['text only', text],
    ['nothing', ''],
    ['no signature block', `${text}\n`],
    ['no empty line', text + line],
    ['no final newline', note.slice(0, -1)],
    ['two final newlines', `${note}\n`],
    ['a space in the key name', note.replace('PeterNeumann', 'Peter Neumann')],
    ['a plus in the key name', note.replace('PeterNeumann', 'Peter+Neumann')],
    ['no key name', note.replace('PeterNeumann', '')],
    ['a hyphen for the dash', note.replace('— Peter', '- Peter')],
    ['a trailing line', `${note}Unexpected line.\n`],
    ['a space after a signature', note.replace(/\n$/, ' \n')],
    ['carriage returns', note.replaceAll('\n', '\r\n')],
    ['a control character in the text', note.replace('crypto', 'crypto\u0001')],
    ['a control character in a signature line', note.replace('Enoch', 'Eno\u0001ch')],
    ['a lone surrogate', note.replace('crypto', '\ud800')],
    ['a signature of four bytes', `${text}\n— PeterNeumann x08gow==\n`],
    ['base64 without padding', note.replace('JnAM=', 'JnAM')],
    ['base64 with stray bits', note.replace('JnAM=', 'JnAN=')],
    ['101 signatures', `${text}\n${line.repeat(101)}`],
    ['128 KiB and more', `${'a'.repeat(128 * 1024)}\n\n${line}`],
  ])('%s', (_, bad) => {
    expect(bad).not.toBe(note);
    expect(() => openNote(bad, [peter!, enoch!])).toThrow(malformed);
  });

  test('100 signatures are not too many', () => {
    expect(openNote(`${text}\n${line.repeat(100)}`, [peter!]).signatures).toHaveLength(1);
  });

  test('bytes 0x01 and 0xff anywhere', () => {
    const bytes = utf8ToBytes(note);
    for (let i = 0; i < bytes.length; i++) {
      expect(() => openNote(bytesToUtf8(bytes.with(i, 0x01)), [peter!])).toThrow(TwinkeepError);
      expect(() => bytesToUtf8(bytes.with(i, 0xff))).toThrow(
        expect.objectContaining({ code: 'bytes/malformed' }),
      );
    }
  });

  test.each(['no newline', 'a\rb\n', '\t\n', '\ud800\n'])('%j is not signed', async (bad) => {
    const signer = createSigner(new Uint8Array(32));
    await expect(signNote(bad, [{ name: 'key', signer }])).rejects.toMatchObject({ code: 'note/malformed' });
  });
});

describe('Ed25519', () => {
  const signer = createSigner(new Uint8Array(32).fill(1));
  const message = utf8ToBytes('message');

  test('false, not an exception, for what is no signature or no key', async () => {
    const signature = await signer.sign(message);
    expect(verifyEd25519(signature, message, signer.publicKey)).toBe(true);
    expect(verifyEd25519(signature.slice(1), message, signer.publicKey)).toBe(false);
    expect(verifyEd25519(signature, message, signer.publicKey.slice(1))).toBe(false);
    expect(verifyEd25519(signature, message, new Uint8Array(32).fill(255))).toBe(false);
    expect(verifyEd25519(new Uint8Array(64).fill(255), message, signer.publicKey)).toBe(false);
  });

  test('a signature with the group order added to its scalar is another spelling, and refused', async () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = await signer.sign(message);
    const scalar = BigInt(`0x${bytesToHex(signature.slice(32).toReversed())}`) + order;
    const shifted = hexToBytes(scalar.toString(16).padStart(64, '0')).toReversed();
    expect(
      verifyEd25519(new Uint8Array([...signature.slice(0, 32), ...shifted]), message, signer.publicKey),
    ).toBe(false);
  });

  test('no key of small order, and no point in another spelling: both would let anything verify', () => {
    const identity = hexToBytes(`01${'00'.repeat(31)}`);
    const identityPlusP = hexToBytes(`ee${'ff'.repeat(30)}7f`);
    for (const key of [identity, identityPlusP]) {
      for (const point of [identity, identityPlusP]) {
        const signature = new Uint8Array(64);
        signature.set(point);
        expect(verifyEd25519(signature, message, key)).toBe(false);
      }
    }
  });

  test('a signer keeps its own copy of the seed', async () => {
    const seed = new Uint8Array(32).fill(9);
    const mine = createSigner(seed);
    seed.fill(0);
    expect(verifyEd25519(await mine.sign(message), message, mine.publicKey)).toBe(true);
  });
});
