import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  addCheckpointToText,
  AuditError,
  bytesToPublished,
  bytesToUtf8,
  checkpointToText,
  createLeaf,
  createNoteKey,
  createSigner,
  leafToEnvelope,
  noteKeyToVkey,
  openNote,
  policyToText,
  proofToText,
  publishedToBytes,
  readNote,
  signNote,
  textToAddCheckpoint,
  textToCheckpoint,
  textToPolicy,
  textToProof,
  utf8ToBytes,
  verifyProof,
  vkeyToNoteKey,
  type TlogProof,
} from '@twinkeep/audit';

import { policyEntry } from './tiled.ts';
import { hexes, notes, rfc } from './vectors.ts';

// What strangers send. Whatever it is, a parser gives something that is written as it was read, or an `AuditError` and nothing else:
// no other exception, no endless loop, no second spelling. Tiles and bundles: tiles.test.ts; policies in more detail: policy.test.ts.

const { own, goSumdb, c2spExample, sunlightCosignature: sunlight } = notes;
const policyText = `log ${own.logVkey}\nwitness w ${own.witnessVkey} https://w.example\ngroup g 1 w\nquorum g\n`;
const { pruning: published } = policyEntry(9, 4);
const leaf = createLeaf({ type: 'a.b', at: new Date(0), body: 1, salt: new Uint8Array(32) }).leaf;

/** Reads, and writes again what was read. */
const parsers: Record<string, { seeds: string[]; read: (text: string) => string }> = {
  vkey: {
    seeds: [...goSumdb.vkeys, c2spExample.vkey, own.witnessVkey],
    read: (text) => noteKeyToVkey(vkeyToNoteKey(text)),
  },
  note: {
    seeds: [goSumdb.note, c2spExample.note, own.note, sunlight.note],
    // Signature lines are kept by nobody: what is read of a note is its text.
    read: (note) => {
      const { text } = readNote(note, []);
      expect(note.startsWith(`${text}\n— `)).toBe(true);
      return note;
    },
  },
  checkpoint: {
    seeds: [own.checkpointBody, 'a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n'],
    read: (text) => checkpointToText(textToCheckpoint(text)),
  },
  proof: {
    seeds: [own.tlogProofLeaf5Size8, own.tlogProofLeaf5Size8.replace('index', 'extra AAAA\nindex')],
    read: (text) => proofToText(textToProof(text)),
  },
  'add-checkpoint': {
    seeds: Object.values(own.addCheckpointRequests),
    read: (text) => addCheckpointToText(textToAddCheckpoint(text)),
  },
  'log policy': {
    seeds: [bytesToUtf8(publishedToBytes(published))],
    read: (text) => bytesToUtf8(publishedToBytes(bytesToPublished(utf8ToBytes(text)))),
  },
  leaf: {
    seeds: [bytesToUtf8(leaf)],
    read: (text) => {
      const { at, commit, type, v } = leafToEnvelope(utf8ToBytes(text));
      return JSON.stringify({ at, commit, type, v });
    },
  },
};

describe.each(Object.entries(parsers))('%s', (_, { seeds, read }) => {
  test('reads what it is made for', () => {
    for (const seed of seeds) expect(read(seed)).toBe(seed);
  });

  test('anything else: as it was, or an AuditError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated(seeds), spliced(seeds)), (text) => {
        expect(orNull(() => read(text)) ?? text).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('a policy: written and read again it is the same, or an AuditError', () => {
  fc.assert(
    fc.property(fc.oneof(mutated([policyText]), spliced([policyText])), (text) => {
      const policy = orNull(() => textToPolicy(text));
      if (policy !== null) expect(textToPolicy(policyToText(policy))).toEqual(policy);
    }),
    { numRuns: 1_000 },
  );
});

test('bytes that are no UTF-8 are an AuditError too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      orNull(() => bytesToPublished(bytes));
      orNull(() => leafToEnvelope(bytes));
      orNull(() => bytesToUtf8(bytes));
    }),
    { numRuns: 500 },
  );
});

describe('what was made', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const proof = fc.array(hash, { maxLength: 63 });
  // Printable, or whatever else a note may hold.
  const noteText = fc
    .string({ unit: 'grapheme' })
    .filter((text) => !/\p{Cc}/u.test(text))
    .map((text) => `${text}\n`);

  test('is read as it was made: checkpoints', () => {
    const origin = fc.stringMatching(/^[a-z0-9.\-/]{1,40}$/);
    fc.assert(
      fc.property(origin, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), hash, (name, size, root) => {
        const checkpoint = { origin: name, size, root };
        expect(textToCheckpoint(checkpointToText(checkpoint))).toEqual(checkpoint);
      }),
    );
  });

  test('proofs and add-checkpoint requests', () => {
    const extra = fc.option(fc.uint8Array(), { nil: undefined });
    fc.assert(
      fc.property(fc.maxSafeNat(), proof, extra, (index, hashes, more) => {
        const made: TlogProof = { index, proof: hashes, checkpoint: own.note };
        if (more !== undefined) made.extra = more;
        expect(textToProof(proofToText(made))).toEqual(made);
        const request = { oldSize: index, proof: hashes, checkpoint: own.note };
        expect(textToAddCheckpoint(addCheckpointToText(request))).toEqual(request);
      }),
    );
  });

  test('notes, whatever their text', async () => {
    const signer = createSigner(new Uint8Array(32).fill(1));
    const key = createNoteKey('any.example/key', signer.publicKey);
    await fc.assert(
      fc.asyncProperty(fc.array(noteText, { minLength: 1, maxLength: 4 }), async (lines) => {
        const text = lines.join('');
        const note = await signNote(text, [{ name: key.name, signer }]);
        expect(openNote(note, [key])).toEqual({ text, signatures: [{ key }] });
      }),
      { numRuns: 40 },
    );
  });

  test('log policies', () => {
    const days = fc.option(fc.integer({ min: 1, max: 36_525 }), { nil: null });
    const classes = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);
    const body = fc.record({
      v: fc.constant(1 as const),
      minimumIndex: fc.maxSafeNat(),
      retention: fc.dictionary(classes, days, { noNullPrototype: true }),
      otherwise: days,
    });
    fc.assert(
      fc.property(fc.maxSafeNat(), hash, body, (index, salt, policy) => {
        const made = { leaf: index, salt, body: policy };
        expect(bytesToPublished(publishedToBytes(made))).toEqual(made);
      }),
    );
  });
});

test('a receipt with any one character changed proves its leaf no more, or says the same', () => {
  const receipt = own.tlogProofLeaf5Size8;
  const fifth = hexes([rfc.leaves[5]!.inputHex])[0]!;
  const believed = verifyProof(receipt, fifth, own.logVkey);
  fc.assert(
    fc.property(fc.nat(receipt.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const character = String.fromCharCode(receipt.charCodeAt(at) ^ change);
      const changed = receipt.slice(0, at) + character + receipt.slice(at + 1);
      const result = orNull(() => verifyProof(changed, fifth, own.logVkey));
      // The witness's line is not the log's: with it changed, what the log says still stands.
      if (result !== null) expect(result).toEqual(believed);
    }),
    { numRuns: 300 },
  );
});

/** A seed with some characters replaced, left out or put in. */
function mutated(seeds: string[]): fc.Arbitrary<string> {
  const edit = fc.tuple(
    fc.nat(),
    fc.nat(2),
    fc.oneof(fc.constantFrom('\n', ' ', '0', '+', '=', '\n\n', '— '), fc.string({ maxLength: 2 })),
  );
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([seed, edits]) =>
      edits.reduce((text, [where, removed, put]) => {
        const at = where % (text.length + 1);
        return text.slice(0, at) + put + text.slice(at + removed);
      }, seed),
    );
}

/** Lines of the seeds, some of them, in any order. */
function spliced(seeds: string[]): fc.Arbitrary<string> {
  const lines = seeds.flatMap((seed) => seed.split(/(?<=\n)/));
  return fc.array(fc.constantFrom(...lines), { maxLength: 8 }).map((some) => some.join(''));
}

/** Null where it is refused as it should be; anything else that is thrown fails the test. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}
