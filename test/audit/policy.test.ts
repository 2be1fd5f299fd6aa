import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  AuditError,
  cosign,
  createNoteKey,
  createSigner,
  hexToBytes,
  noteKeyToVkey,
  openWitnessed,
  policyToText,
  readNote,
  textToPolicy,
  tlogPolicyToWitnessPolicy,
  verifyProof,
  verifyQuorum,
  verifyWitnessed,
  vkeyToNoteKey,
  witnessPolicyToTlogPolicy,
  type Ed25519Signer,
  type TlogPolicy,
} from '@twinkeep/audit';

import { notes, rfc } from './vectors.ts';

const malformed = expect.objectContaining({ code: 'policy/malformed' });
const unwitnessed = expect.objectContaining({ code: 'note/unwitnessed' });
const { own, sunlightCosignature: sunlight } = notes;

/** The names of the specification's example. */
const NAMES = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'];
const signers = new Map<string, Ed25519Signer>(
  NAMES.map((name, i) => [name, createSigner(new Uint8Array(32).fill(50 + i))]),
);
const vkeys = NAMES.map((name) => vkeyOf(name));

const EXAMPLE = `# the example of the specification
log ${own.logVkey}

witness X1 ${vkeys[0]}
witness X2 ${vkeys[1]} https://x2.example/witness
\twitness   X3 ${vkeys[2]}\x20
group X-witnesses 2 X1 X2 X3

  # indented
witness Y1 ${vkeys[3]}
witness Y2 ${vkeys[4]}
witness Y3 ${vkeys[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe('the example of the specification', () => {
  const policy = textToPolicy(EXAMPLE);

  test('is read', () => {
    expect(policy.logs).toEqual([{ key: vkeyToNoteKey(own.logVkey) }]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(NAMES);
    expect(policy.witnesses[1]!.url).toBe('https://x2.example/witness');
    expect(policy.groups).toEqual([
      { name: 'X-witnesses', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y-witnesses', threshold: 1, members: ['Y1', 'Y2', 'Y3'] },
      { name: 'X-and-Y', threshold: 2, members: ['X-witnesses', 'Y-witnesses'] },
    ]);
    expect(policy.quorum).toBe('X-and-Y');
    expect(textToPolicy(policyToText(policy))).toEqual(policy);
  });

  test('of all 64 sets of witnesses, those with two X and a Y are enough', async () => {
    const note = own.checkpoints['8']!;
    const lines = await Promise.all(NAMES.map((name) => lineOf(note, name)));
    let enough = 0;
    for (let set = 0; set < 64; set++) {
      const signed = NAMES.filter((_, i) => set & (1 << i));
      const cosigned = note + lines.filter((_, i) => set & (1 << i)).join('');
      const [x, y] = ['X', 'Y'].map((letter) => signed.filter((name) => name.startsWith(letter)).length);
      if (x! >= 2 && y! >= 1) {
        enough++;
        expect(verifyQuorum(cosigned, policy)).toEqual(signed);
        if (signed.length === 6)
          expect(openWitnessed(cosigned, own.logVkey, policy)).toMatchObject({
            checkpoint: { size: 8 },
            witnesses: signed,
          });
      } else {
        expect(() => verifyQuorum(cosigned, policy)).toThrow(unwitnessed);
        if (signed.length === 1)
          expect(() => openWitnessed(cosigned, own.logVkey, policy)).toThrow(unwitnessed);
      }
    }
    expect(enough).toBe(4 * 7);
  });
});

describe('which checkpoint is valid', () => {
  const none = textToPolicy(`log ${own.logVkey}\nquorum none\n`);

  test('with no quorum, one that the log signed', () => {
    expect(openWitnessed(own.checkpoints['8']!, own.logVkey, none).witnesses).toEqual([]);
    const changed = own.checkpoints['8']!.replace('\n8\n', '\n9\n');
    expect(() => openWitnessed(changed, own.logVkey, none)).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
  });

  test('a quorum of one witness, of published keys', () => {
    const policy = textToPolicy(`witness w ${sunlight.vkey}\nquorum w\n`);
    expect(verifyQuorum(sunlight.note, policy)).toEqual(['w']);
    expect(() => verifyQuorum(own.note, policy)).toThrow(unwitnessed);
    const ours = textToPolicy(`witness w ${own.witnessVkey}\nlog ${own.logVkey}\nquorum w\n`);
    expect(openWitnessed(own.note, own.logVkey, ours).witnesses).toEqual(['w']);
  });

  test('a policy for other logs is none for this one; without logs it is for any', () => {
    const witness = `witness w ${own.witnessVkey}\nquorum w\n`;
    const sameName = noteKeyToVkey(createNoteKey('twin.example/audit', new Uint8Array(32).fill(1)));
    const sameKey = noteKeyToVkey(createNoteKey('other.example', vkeyToNoteKey(own.logVkey).publicKey));
    for (const others of [notes.c2spExample.vkey, sameName, sameKey]) {
      const policy = textToPolicy(`log ${others}\n${witness}`);
      expect(() => openWitnessed(own.note, own.logVkey, policy)).toThrow(malformed);
    }
    const both = textToPolicy(`log ${notes.c2spExample.vkey}\nlog ${own.logVkey}\n${witness}`);
    expect(openWitnessed(own.note, own.logVkey, both).checkpoint.size).toBe(8);
    expect(openWitnessed(own.note, own.logVkey, textToPolicy(witness)).checkpoint.size).toBe(8);
  });

  test('a receipt is as good as the quorum that saw its checkpoint', () => {
    const leaf = hexToBytes(rfc.leaves[5]!.inputHex);
    const receipt = own.tlogProofLeaf5Size8;
    const ours = textToPolicy(`witness w ${own.witnessVkey}\nquorum w\n`);
    const theirs = textToPolicy(`witness w ${sunlight.vkey}\nquorum w\n`);
    expect(verifyProof(receipt, leaf, own.logVkey)).toMatchObject({ index: 5, witnesses: [] });
    expect(verifyProof(receipt, leaf, own.logVkey, { policy: ours })).toMatchObject({ witnesses: ['w'] });
    expect(() => verifyProof(receipt, leaf, own.logVkey, { policy: theirs })).toThrow(unwitnessed);
  });

  test('a line of a witness that does not verify spoils the note, quorum or not', async () => {
    const line = await lineOf(own.checkpoints['7']!, 'X1');
    const policy = textToPolicy(`witness X1 ${vkeys[0]}\nquorum none\n`);
    expect(() => verifyQuorum(own.checkpoints['8']! + line, policy)).toThrow(
      expect.objectContaining({ code: 'note/unverified' }),
    );
  });

  test('a policy that was not read is looked at before it is believed', () => {
    const policy = textToPolicy(`witness w ${own.witnessVkey}\ngroup g 1 w\nquorum g\n`);
    const forged = (change: Partial<TlogPolicy>): TlogPolicy => ({ ...policy, ...change });
    expect(verifyQuorum(own.note, policy)).toEqual(['w']);
    for (const threshold of [0, -1, 0.5, 2, Number.NaN]) {
      const groups = [{ name: 'g', threshold, members: ['w'] }];
      expect(() => verifyQuorum(own.note, forged({ groups }))).toThrow(malformed);
    }
    expect(() => verifyQuorum(own.note, forged({ quorum: '' }))).toThrow(malformed);
    expect(() => verifyQuorum(own.note, forged({ quorum: 'x' }))).toThrow(malformed);
    expect(() => verifyQuorum(own.note, forged({ witnesses: [] }))).toThrow(malformed);
  });
});

describe('malformed policies', () => {
  const [a, b, c] = vkeys as [string, string, string];
  const head = `witness a ${a}\nwitness b ${b}\n`;
  const many = (n: number, line: (i: number) => string): string =>
    Array.from({ length: n }, (_, i) => line(i)).join('');
  const manyKeys = Array.from({ length: 65 }, (_, i) =>
    noteKeyToVkey(createNoteKey(`w${i}`, new Uint8Array(32).fill(i), 'cosignature')),
  );

  test.each<[string, string]>([
    ['nothing', ''],
    ['no quorum', head],
    ['two quorums', `${head}quorum a\nquorum a\n`],
    ['no newline at the end', `${head}quorum a`],
    ['carriage returns', `${head}quorum a\r\n`],
    ['a control character', `${head}# \u0001\nquorum a\n`],
    ['DEL', `${head}# \u007f\nquorum a\n`],
    ['a lone surrogate', `${head}# \ud800\nquorum a\n`],
    ['an unknown keyword', `${head}threshold 2\nquorum a\n`],
    ['a keyword in capitals', `${head}Quorum a\n`],
    ['a comment after an item', `${head}quorum a # ours\n`],
    ['a no-break space between items', `${head}quorum\u00a0a\n`],
    ['a quorum without a name', `${head}quorum\n`],
    ['a quorum of two names', `${head}quorum a b\n`],
    ['a quorum that is not defined', `${head}quorum c\n`],
    ['a quorum defined below', `quorum a\n${head}`],
    ['a name in other letters', `${head}quorum A\n`],
    ['a group of nobody', `${head}group g all\nquorum a\n`],
    ['a group of any of nobody', `${head}group g any\nquorum a\n`],
    ['a group without a rule', `${head}group g\nquorum a\n`],
    ['a group of 0', `${head}group g 0 a b\nquorum g\n`],
    ['a group of 3 of 2', `${head}group g 3 a b\nquorum g\n`],
    ['a group of 01', `${head}group g 01 a b\nquorum g\n`],
    ['a group of +1', `${head}group g +1 a b\nquorum g\n`],
    ['a group of 1.5', `${head}group g 1.5 a b\nquorum g\n`],
    ['a group of most', `${head}group g most a b\nquorum g\n`],
    ['a group of itself', `${head}group g any a g\nquorum g\n`],
    ['a group of groups below', `${head}group g any h\ngroup h any a\nquorum g\n`],
    ['a group of a witness below', `${head}group g any c\nwitness c ${c}\nquorum g\n`],
    ['none in a group', `${head}group g any a none\nquorum g\n`],
    ['a member twice', `${head}group g 2 a a\nquorum g\n`],
    ['a member of two groups', `${head}group g any a\ngroup h any a b\nquorum h\n`],
    ['a name for two witnesses', `witness a ${a}\nwitness a ${b}\nquorum a\n`],
    ['a name for a witness and a group', `${head}group a any b\nquorum a\n`],
    ['a witness called none', `witness none ${a}\nquorum none\n`],
    ['a group called none', `${head}group none any a\nquorum none\n`],
    ['a key under two names', `witness a ${a}\nwitness b ${sameKey(a)}\nquorum a\n`],
    ['a log twice', `log ${own.logVkey}\nlog ${own.logVkey}\nquorum none\n`],
    ['a log with the key of a witness', `log ${own.witnessVkey}\nquorum none\n`],
    ['a witness with the key of a log', `witness a ${own.logVkey}\nquorum a\n`],
    ['a witness without a key', 'witness a\nquorum none\n'],
    ['a witness with two URLs', `witness a ${a} u u\nquorum a\n`],
    ['a log without a key', 'log\nquorum none\n'],
    ['a log with two URLs', `log ${own.logVkey} u u\nquorum none\n`],
    ['a key with another id', `witness a ${a.replace(/\+[0-9a-f]{8}\+/, '+00000000+')}\nquorum a\n`],
    ['65 witnesses', `${many(65, (i) => `witness w${i} ${manyKeys[i]}\n`)}quorum w0\n`],
    [
      '65 groups',
      `${many(64, (i) => `witness w${i} ${manyKeys[i]}\n`)}group g any w0\n${many(64, (i) => `group g${i} any g${i === 0 ? '' : i - 1}\n`)}quorum g\n`,
    ],
    ['64 KiB and more', `#${'x'.repeat(64 * 1024)}\nquorum none\n`],
  ])('%s', (_, text) => {
    expect(() => textToPolicy(text)).toThrow(malformed);
  });

  test('64 witnesses in 64 groups are not too many', () => {
    const witnesses = many(64, (i) => `witness w${i} ${manyKeys[i]}\n`);
    const groups = many(64, (i) => `group g${i} all w${i}${i === 0 ? '' : ` g${i - 1}`}\n`);
    const policy = textToPolicy(`${witnesses}${groups}quorum g63\n`);
    expect(policy.groups).toHaveLength(64);
    expect(textToPolicy(policyToText(policy))).toEqual(policy);
  });

  test('names are any text without spaces, compared as they are', () => {
    const text = `witness K ${a}\nwitness \u212a ${b}\ngroup #\u00a0日誌 all K \u212a\nquorum #\u00a0日誌\n`;
    expect(textToPolicy(text).quorum).toBe('#\u00a0日誌');
    expect(policyToText(textToPolicy(text))).toBe(text.replace(' all ', ' 2 '));
  });

  test('what could not be read back is not written', () => {
    const policy = textToPolicy(`${head}quorum a\n`);
    const [first] = policy.witnesses as [TlogPolicy['witnesses'][number]];
    const bad: Partial<TlogPolicy>[] = [
      { quorum: 'c' },
      { quorum: '' },
      { witnesses: [{ ...first, name: 'a b' }] },
      { witnesses: [{ ...first, name: '' }] },
      { witnesses: [{ ...first, url: 'a\nquorum none' }] },
      { witnesses: [{ ...first, url: '' }] },
      { witnesses: [first, { ...first, name: 'again' }] },
      { groups: [{ name: 'g', threshold: 2, members: ['a'] }] },
      { witnesses: [{ ...first, url: 'x'.repeat(64 * 1024) }] },
    ];
    for (const change of bad) expect(() => policyToText({ ...policy, ...change })).toThrow(malformed);
  });
});

describe('a trust file’s witnesses', () => {
  const witnesses = NAMES.slice(0, 3).map((name) => {
    const vkey = vkeyOf(name);
    return { name, operator: name, vkey };
  });

  test.each([1, 2, 3])('%d of three are a policy, and back', (threshold) => {
    const policy = witnessPolicyToTlogPolicy({ witnesses, threshold }, own.logVkey);
    expect(textToPolicy(policyToText(policy))).toEqual(policy);
    expect(tlogPolicyToWitnessPolicy(policy)).toEqual({ witnesses, threshold });
  });

  test('one called like the group', () => {
    const name = 'quorum';
    const key = createNoteKey(name, signers.get('X1')!.publicKey, 'cosignature');
    const policy = witnessPolicyToTlogPolicy({
      witnesses: [{ name, operator: 'x', vkey: noteKeyToVkey(key) }],
      threshold: 1,
    });
    expect(policy.quorum).not.toBe(name);
    expect(textToPolicy(policyToText(policy))).toEqual(policy);
  });

  test('decide alike in both forms', async () => {
    const note = own.checkpoints['8']!;
    const cosigned = note + (await lineOf(note, 'X1')) + (await lineOf(note, 'X3'));
    for (const threshold of [1, 2, 3]) {
      const text = policyToText(witnessPolicyToTlogPolicy({ witnesses, threshold }));
      const decide = (verify: () => string[]): string[] | null => refusedAsNull(verify, 'note/unwitnessed');
      const asFile = decide(() => verifyWitnessed(cosigned, { witnesses, threshold }));
      expect(asFile).toEqual(threshold <= 2 ? ['X1', 'X3'] : null);
      expect(decide(() => verifyQuorum(cosigned, textToPolicy(text)))).toEqual(asFile);
    }
  });

  test('have no words for no quorum, nor for groups of groups', () => {
    expect(tlogPolicyToWitnessPolicy(textToPolicy(EXAMPLE))).toBeNull();
    expect(tlogPolicyToWitnessPolicy(textToPolicy('quorum none\n'))).toBeNull();
    expect(tlogPolicyToWitnessPolicy(textToPolicy(`witness w ${own.witnessVkey}\nquorum w\n`))).toMatchObject(
      {
        threshold: 1,
      },
    );
  });
});

test('any text is a policy that can be written, or refused with its code', () => {
  const word = fc.constantFrom(
    'log',
    'witness',
    'group',
    'quorum',
    'none',
    'a',
    'b',
    'g',
    'any',
    'all',
    '1',
    '2',
  );
  const item = fc.oneof(word, fc.constantFrom(...vkeys, own.logVkey, '#', ''));
  const lines = fc.array(
    fc.array(item, { maxLength: 5 }).map((items) => `${items.join(' ')}\n`),
    { maxLength: 6 },
  );
  const plausible = fc
    .subarray([
      `log ${own.logVkey}\n`,
      `witness a ${vkeys[0]}\n`,
      `witness b ${vkeys[1]}\n`,
      'group g any a b\n',
      'group h 2 g b\n',
      'quorum h\n',
      'quorum none\n',
    ])
    .map((some) => some.join(''));
  let read = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        lines.map((some) => some.join('')),
        plausible,
      ),
      (text) => {
        const policy = refusedAsNull(() => textToPolicy(text), 'policy/malformed');
        if (policy === null) return;
        read++;
        expect(textToPolicy(policyToText(policy))).toEqual(policy);
      },
    ),
    { numRuns: 1_000 },
  );
  expect(read).toBeGreaterThan(10);
});

/** Anything thrown but an `AuditError` of this code fails the test. */
function refusedAsNull<T>(read: () => T, code: AuditError['code']): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuditError && error.code === code) return null;
    throw error;
  }
}

function vkeyOf(name: string): string {
  return noteKeyToVkey(createNoteKey(name, signers.get(name)!.publicKey, 'cosignature'));
}

function sameKey(vkey: string): string {
  return noteKeyToVkey(createNoteKey('again', vkeyToNoteKey(vkey).publicKey, 'cosignature'));
}

function lineOf(note: string, name: string): Promise<string> {
  return cosign(readNote(note, []).text, { name, signer: signers.get(name)! }, 1_700_000_000);
}
