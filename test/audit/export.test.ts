import { beforeAll, describe, expect, test } from 'vitest';

import {
  bytesToUtf8,
  canonicalJson,
  concatBytes,
  cosign,
  createLeaf,
  createNoteKey,
  createSigner,
  ExportError,
  exportLog,
  mergeCosignatures,
  noteKeyToVkey,
  openCheckpoint,
  readNote,
  signCheckpoint,
  utf8ToBytes,
  type ExportEntry,
  type LogHead,
} from '@twinkeep/audit';

import { entries, exportedText, logHeads, origin, signer, verifyBytes, vkey } from './exported.ts';

let heads: LogHead[];
let text: string;
let bytes: Uint8Array;
beforeAll(async () => {
  heads = await logHeads();
  text = await exportedText(heads.at(-1)!);
  bytes = utf8ToBytes(text);
});

describe('an export', () => {
  test('says what it holds', async () => {
    const { root } = heads.at(-1)!;
    expect(await verifyBytes(bytes)).toEqual({
      origin,
      size: 7,
      root,
      types: {
        'consent.granted': 2,
        'consent.withdrawn': 1,
        'round.configured': 1,
        'round.result': 1,
        'round.set': 1,
        'task.published': 1,
      },
      disclosed: 2,
    });
  });

  test('is read alike however it is cut', async () => {
    const whole = await verifyBytes(bytes);
    for (const size of [1, 2, 7, 100, bytes.length - 1])
      expect(await verifyBytes(bytes, {}, size)).toEqual(whole);
  });

  test('is made for every size', async () => {
    for (const head of heads) {
      expect(await verifyBytes(utf8ToBytes(await exportedText(head)))).toMatchObject({ size: head.size });
    }
  });

  test('continues every checkpoint that the log gave out', async () => {
    for (const { note, size } of heads) {
      expect(await verifyBytes(bytes, { earlier: note })).toMatchObject({ size: 7, earlierSize: size });
    }
  });

  test('continues a checkpoint that was kept with its cosignatures; itself it bears none', async () => {
    const witness = { name: 'witness.example', signer };
    const cosigned = async ({ note }: LogHead): Promise<string> =>
      mergeCosignatures(note, [await cosign(readNote(note, []).text, witness, 1_700_000_000)]);
    const earlier = await cosigned(heads[3]!);
    expect(await verifyBytes(bytes, { earlier })).toMatchObject({ size: 7, earlierSize: heads[3]!.size });
    const last = heads.at(-1)!;
    const bearing = utf8ToBytes(await exportedText({ ...last, note: await cosigned(last) }));
    await expect(verifyBytes(bearing)).rejects.toMatchObject({ line: 1 });
  });
});

describe('one change makes it refused', () => {
  test('of any byte', async () => {
    const changed = everywhere(bytes.length).flatMap((i) =>
      [0x01, 0x20].map((flip) => bytes.with(i, bytes[i]! ^ flip)),
    );
    expect(await accepted(changed)).toEqual([]);
  });

  test('any byte left out', async () => {
    expect(await accepted(everywhere(bytes.length).map((i) => spliced(i, 1)))).toEqual([]);
  });

  test('any byte put in', async () => {
    const longer = everywhere(bytes.length + 1).flatMap((i) =>
      [0x0a, bytes[i] ?? 0x20].map((byte) => spliced(i, 0, byte)),
    );
    expect(await accepted(longer)).toEqual([]);
  });

  test('cut short anywhere', async () => {
    expect(await accepted(everywhere(bytes.length).map((end) => bytes.slice(0, end)))).toEqual([]);
  });

  test('and only a change', async () => {
    expect(await accepted([bytes.slice()])).toEqual([text]);
  });
});

describe('refused, and where', () => {
  const malformed = { code: 'export/malformed' };
  const disagrees = { code: 'export/disagrees' };

  test.each<[string, number, object, (lines: string[]) => string[]]>([
    ['nothing', 0, malformed, () => ['']],
    ['two leaves changed for each other', 10, disagrees, ([h, a, b, ...rest]) => [h!, b!, a!, ...rest]],
    ['the last leaf and its body left out', 8, disagrees, (lines) => lines.slice(0, -2)],
    ['a leaf twice', 10, malformed, (lines) => lines.toSpliced(9, 0, lines[8]!)],
    ['a leaf too few', 4, malformed, (lines) => lines.toSpliced(1, 1)],
    ['a body left out', 9, disagrees, (lines) => lines.toSpliced(4, 1)],
    ['a body twice', 6, malformed, (lines) => lines.toSpliced(4, 0, lines[4]!)],
    [
      'a body under the wrong leaf',
      4,
      malformed,
      ([h, a, b, c, d, ...rest]) => [h!, a!, b!, d!, c!, ...rest],
    ],
    ['a body before all leaves', 2, malformed, ([h, a, b, c, d, ...rest]) => [h!, d!, a!, b!, c!, ...rest]],
    [
      'a body of another leaf',
      5,
      malformed,
      (lines) => lines.with(4, lines[4]!.replace('"leaf":2', '"leaf":6')),
    ],
    ['a body that was changed', 5, disagrees, (lines) => lines.with(4, lines[4]!.replace('churn', 'spend'))],
    ['a body in another key order', 5, malformed, (lines) => lines.with(4, reordered(lines[4]!))],
    [
      'a body with a member more',
      5,
      malformed,
      (lines) => lines.with(4, lines[4]!.replace(/\}$/, ',"x":1}')),
    ],
    ['another format', 1, malformed, (lines) => lines.with(0, lines[0]!.replace('export/1', 'export/2'))],
    ['a header in another key order', 1, malformed, (lines) => lines.with(0, reordered(lines[0]!))],
    [
      'a header with a member more',
      1,
      malformed,
      (lines) => lines.with(0, lines[0]!.replace(/\}$/, ',"x":1}')),
    ],
    [
      'another origin',
      1,
      disagrees,
      (lines) => lines.with(0, lines[0]!.replace('"origin":"bank', '"origin":"bonk')),
    ],
    ['another count of bodies', 10, disagrees, (lines) => lines.with(0, lines[0]!.replace('d":2', 'd":3'))],
    ['a second signature line', 1, disagrees, (lines) => lines.with(0, signedTwice(lines[0]!))],
    ['an unknown signature line', 1, disagrees, (lines) => lines.with(0, signedByAnother(lines[0]!))],
    ['an empty line at the end', 11, malformed, (lines) => [...lines, '']],
    ['carriage returns', 1, malformed, (lines) => lines.map((line) => `${line}\r`)],
    ['a leaf that is no envelope', 2, malformed, (lines) => lines.with(1, 'e30=')],
  ])('%s', async (_, line, error, change) => {
    const lines = change(text.slice(0, -1).split('\n'));
    const changed = lines.join('\n') + (lines[0] === '' ? '' : '\n');
    expect(changed).not.toBe(text);
    await expect(verifyBytes(utf8ToBytes(changed))).rejects.toMatchObject({ ...error, line });
  });

  test('an earlier checkpoint that the log does not continue', async () => {
    const { size, root } = heads[3]!;
    const forked = await signCheckpoint({ origin, size, root: root.with(0, root[0]! ^ 1) }, signer);
    await expect(verifyBytes(bytes, { earlier: forked })).rejects.toMatchObject({ ...disagrees, line: 6 });
    const short = utf8ToBytes(await exportedText(heads[3]!));
    await expect(verifyBytes(short, { earlier: heads[4]!.note })).rejects.toMatchObject({
      ...disagrees,
      line: 1,
    });
  });

  test('a file that ends too early, by name', async () => {
    const lines = text.split('\n').slice(0, 8);
    await expect(verifyBytes(utf8ToBytes(`${lines.join('\n')}\n`))).rejects.toThrow(
      'the file ends after 6 of 7 leaves',
    );
  });

  test('the key or the earlier checkpoint of another log', async () => {
    const other = createSigner(new Uint8Array(32));
    const otherVkey = noteKeyToVkey(createNoteKey(origin, other.publicKey));
    await expect(verifyBytes(bytes, { vkey: otherVkey })).rejects.toMatchObject({ ...disagrees, line: 1 });
    await expect(verifyBytes(bytes, { vkey: 'nonsense' })).rejects.toMatchObject({ code: 'vkey/malformed' });
    const note = await signCheckpoint(openCheckpoint(heads[3]!.note, vkey), other);
    await expect(verifyBytes(bytes, { earlier: note })).rejects.toMatchObject({
      code: 'note/unverified',
    });
  });

  test('more types of leaf than a log can have reason for', async () => {
    const types = Array.from({ length: 1025 }, (_, i) => `type.${i}`);
    const many = types.map((type) =>
      createLeaf({ type, at: new Date(0), body: 0, salt: new Uint8Array(32) }),
    );
    const note = await signCheckpoint({ origin, size: many.length, root: new Uint8Array(32) }, signer);
    const header = canonicalJson({ format: 'twinkeep-log-export/1', origin, checkpoint: note, disclosed: 0 });
    const lines = many.map(({ leaf }) => Buffer.from(leaf).toString('base64'));
    const file = utf8ToBytes(`${[header, ...lines].join('\n')}\n`);
    await expect(verifyBytes(file)).rejects.toMatchObject({ ...malformed, line: 1026 });
  });

  test('a line without end', async () => {
    const endless = new Uint8Array(17 * 1024 * 1024).fill(0x41);
    await expect(verifyBytes(endless)).rejects.toMatchObject({
      ...malformed,
      line: 1,
      message: expect.stringContaining('too long') as string,
    });
  });
});

describe('nothing false is written', () => {
  test('with the right counts it is the export', async () => {
    expect(await written({})).toBe(text);
  });

  test.each<[string, { disclosed?: number; entries?: ExportEntry[] }]>([
    ['a leaf too few', { entries: entries.slice(1) }],
    ['a leaf too many', { entries: [...entries, entries[0]!] }],
    ['another count of bodies', { disclosed: 1 }],
    [
      'a body that is not the leaf’s',
      { disclosed: 3, entries: entries.with(0, { ...entries[2]!, leaf: entries[0]!.leaf }) },
    ],
  ])('%s', async (_, change) => {
    await expect(written(change)).rejects.toMatchObject({ code: 'export/disagrees' });
  });
});

function reordered(line: string): string {
  const entriesOf = Object.entries(JSON.parse(line) as object);
  return JSON.stringify(Object.fromEntries(entriesOf.toReversed()));
}

function signedTwice(header: string): string {
  return header.replace(/(— [^"]*\\n)/, '$1$1');
}

function signedByAnother(header: string): string {
  return header.replace(/(— [^"]*\\n)/, (line: string) => line + line.replace('bank', 'bonk'));
}

/** Those of the files that verify, as text. */
async function accepted(files: Uint8Array[]): Promise<string[]> {
  const verified: string[] = [];
  for (const file of files) {
    try {
      await verifyBytes(file);
      verified.push(bytesToUtf8(file));
    } catch (error) {
      if (!(error instanceof ExportError)) throw error;
    }
  }
  return verified;
}

function spliced(at: number, remove: number, ...insert: number[]): Uint8Array {
  return concatBytes(bytes.subarray(0, at), Uint8Array.from(insert), bytes.subarray(at + remove));
}

async function written(change: { disclosed?: number; entries?: ExportEntry[] }): Promise<string> {
  let out = '';
  for await (const line of exportLog({ head: heads.at(-1)!, origin, disclosed: 2, entries, ...change }))
    out += line;
  return out;
}

function everywhere(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i);
}
