/** Bytes of a pack changed at random: by somebody on the way, and by the coordinator, who signs its manifest again over what it changed. */
import { verifyPack, type Verdict } from '@twinkeep/auditor';
import { EVIDENCE_SECTIONS, type EvidenceManifest, type Statement } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeAndReseal, createEvidenceWorld, type EvidenceWorld } from './support.ts';

let made: EvidenceWorld;
let packs: Uint8Array[];
beforeAll(async () => {
  made = await createEvidenceWorld();
  packs = [
    await made.take({ kind: 'round', rcHash: made.rounds[1] }),
    await made.take({ kind: 'subject-model', subject: made.nodes[1]!.twins[0]!, model: made.model }),
  ];
});
afterAll(() => made.world.stop());

/** A fixed sequence, so that a failure can be seen again. */
function createDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const verify = (bytes: Uint8Array): Promise<Verdict> => verifyPack(bytes, made.world.parties.trust);

/** Where a byte of the file stands: in the manifest's line, or in a section. */
function partAt(pack: Uint8Array, at: number): string {
  const end = pack.indexOf(0x0a);
  if (at <= end) return 'manifest';
  const { body } = JSON.parse(new TextDecoder().decode(pack.subarray(0, end))) as Statement<EvidenceManifest>;
  let line = 0;
  for (let i = end + 1; i < at; i++) if (pack[i] === 0x0a) line++;
  for (const { name, lines } of body.sections) {
    if (line < lines) return name;
    line -= lines;
  }
  throw new Error('beyond the end');
}

describe('a byte changed on the way', () => {
  it('is found wherever it stands, and its part is named: 300 of them', async () => {
    const draw = createDraw(5);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const pack = packs[i % 2]!;
      // Every fifth in the manifest, which is short.
      const at = i % 5 === 0 ? draw(pack.indexOf(0x0a)) : draw(pack.length);
      const changed = pack.slice();
      changed[at]! ^= 1 << draw(8);
      const verdict = await verify(changed);
      expect(verdict.outcome).toBe('refused');
      const [finding] = verdict.checks[0]!.findings;
      const part = partAt(pack, at);
      seen.add(part);
      // A changed end of a line moves the border between two parts; the last end is that of the file.
      if (changed[at] !== 0x0a && pack[at] !== 0x0a) expect(finding!.where).toBe(part);
      expect(verdict.words[0]).toMatch(/^This pack proves nothing/);
      expect(verdict.words[1]).toContain(finding!.where);
    }
    expect(seen).toEqual(new Set(['manifest', ...EVIDENCE_SECTIONS].filter((part) => seen.has(part))));
    expect(seen.size).toBeGreaterThanOrEqual(5);
  });

  it('or cut off, or added, is found', async () => {
    const pack = packs[0]!;
    for (const length of [
      0,
      1,
      pack.indexOf(0x0a),
      pack.indexOf(0x0a) + 1,
      pack.length >> 1,
      pack.length - 1,
    ])
      expect((await verify(pack.slice(0, length))).outcome).toBe('refused');
    for (const more of ['\n', '{}\n', ' '])
      expect((await verify(Buffer.concat([pack, Buffer.from(more)]))).outcome).toBe('refused');
    expect((await verify(Buffer.concat([pack, pack]))).outcome).toBe('refused');
  });
});

describe('a character changed by the coordinator, which signs again', () => {
  it('is found by what others signed and the log binds, wherever a reader relies on it', async () => {
    const draw = createDraw(17);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const outcomes = { refused: 0, violated: 0, verified: 0 };
    for (let i = 0; i < 120; i++) {
      const pack = packs[i % 2]!;
      let part = '';
      let line = '';
      const changed = await changeAndReseal(made, pack, (bytes, start) => {
        let at = 0;
        do at = start + draw(bytes.length - start);
        while (!letters.includes(String.fromCharCode(bytes[at]!)));
        part = partAt(pack, at);
        const before = bytes[at]!;
        while (bytes[at] === before) bytes[at] = letters.charCodeAt(draw(letters.length));
        line = new TextDecoder().decode(
          bytes.subarray(bytes.lastIndexOf(0x0a, at) + 1, bytes.indexOf(0x0a, at)),
        );
      });
      const { outcome, checks } = await verify(changed);
      outcomes[outcome]++;
      // What the coordinator says of its own rules is only compared with the reader's; nothing rests on it.
      if (part === 'rules') continue;
      // Nor does anything rest on the name of a report that was left out and is about somebody else.
      if (part === 'contributions' && line.includes('"signed":null') && !line.includes('in-set')) continue;
      expect(
        outcome,
        `${part} ${JSON.stringify(checks.filter(({ status }) => status !== 'passed'))}`,
      ).not.toBe('verified');
    }
    expect(outcomes.refused).toBeGreaterThan(100);
  });
});
