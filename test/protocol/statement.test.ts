import {
  bytesToBase64Url,
  cosign,
  createLeaf,
  createLog,
  createNoteKey,
  createSigner,
  mergeCosignatures,
  noteKeyToVkey,
  readNote,
  type Log,
} from '@twinkeep/audit';
import {
  createSigningKey,
  exportSigningKey,
  helperReadySchema,
  importSigningKey,
  randomBytes,
  signStatement,
  sodiumReady,
  statementBytes,
  statementHash,
  verifyLogged,
  verifyStatement,
  type HelperReady,
  type LoggedStatement,
  type Pinned,
  type SigningKey,
  type Statement,
} from '@twinkeep/protocol';
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';

const HASH = 'A'.repeat(43);
const BODY: HelperReady = { v: 1, rcHash: HASH, scHash: HASH, j: 2 };

let key: SigningKey;
let statement: Statement<HelperReady>;

beforeAll(async () => {
  await sodiumReady;
  key = await createSigningKey(true);
  statement = await signStatement('helper-ready', BODY, key);
});

const verify = (input: unknown, kid = key.id, type = 'helper-ready' as const): Statement<HelperReady> =>
  verifyStatement(input, type, helperReadySchema, kid);

describe('a statement', () => {
  it('verifies, and after a trip through JSON in any order of fields', () => {
    expect(verify(statement)).toEqual(statement);
    const reordered = {
      signatures: statement.signatures,
      body: { j: 2, scHash: HASH, rcHash: HASH, v: 1 },
      type: 'helper-ready',
    };
    expect(verify(JSON.parse(JSON.stringify(reordered))).body).toEqual(BODY);
  });

  it('signs and is named by canonical bytes with its type in front', () => {
    const bytes = `twinkeep/1/helper-ready\n{"j":2,"rcHash":"${HASH}","scHash":"${HASH}","v":1}`;
    expect(Buffer.from(statementBytes('helper-ready', BODY)).toString()).toBe(bytes);
    expect(Buffer.from(statementHash(statement)).equals(createHash('sha256').update(bytes).digest())).toBe(
      true,
    );
  });

  it('is worth nothing changed, by another key, or as another type', async () => {
    const other = await createSigningKey();
    const { sig } = statement.signatures[0]!;
    const flipped = Buffer.from(sig, 'base64url');
    flipped[10]! ^= 1;
    const refused: [unknown, string?][] = [
      [{ ...statement, body: { ...BODY, j: 3 } }],
      [{ ...statement, body: { ...BODY, scHash: bytesToBase64Url(randomBytes(32)) } }],
      [{ ...statement, type: 'helper-ack' }],
      [{ ...statement, signatures: [] }],
      [{ ...statement, signatures: [{ kid: other.id, sig }] }],
      [{ ...statement, signatures: [{ kid: key.id, sig: flipped.toString('base64url') }] }],
      [{ ...statement, signatures: [{ kid: key.id, sig: `${sig}A` }] }],
      [{ ...statement, extra: true }],
      [{ ...statement, body: { ...BODY, extra: true } }],
      [{ ...statement, body: { ...BODY, j: 9 } }],
      [await signStatement('helper-ready', BODY, other)],
      [{ ...(await signStatement('helper-ack', BODY, key)), type: 'helper-ready' }],
      [statement, other.id],
      ['text'],
      [null],
    ];
    for (const [input, kid] of refused)
      expect(() => verify(input, kid)).toThrowError(expect.objectContaining({ code: 'protocol/statement' }));
  });

  it('may carry other signatures beside the pinned one', async () => {
    const other = await signStatement('helper-ready', BODY, await createSigningKey());
    const both = { ...statement, signatures: [...other.signatures, ...statement.signatures] };
    expect(verify(both).body).toEqual(BODY);
  });
});

describe('a signing key', () => {
  it('survives its own file, and stays in where it was made to', async () => {
    const again = await importSigningKey(await exportSigningKey(key));
    expect(again.id).toBe(key.id);
    expect(verify(await signStatement('helper-ready', BODY, again))).toBeDefined();
    await expect(exportSigningKey(await createSigningKey())).rejects.toThrow(/extractable/);
    await expect(exportSigningKey(again)).rejects.toThrow(/extractable/);
  });
});

describe('a logged statement', () => {
  let log: Log;
  let vkey: string;
  let logged: LoggedStatement<HelperReady>;

  beforeAll(async () => {
    const signer = createSigner(randomBytes(32));
    log = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer, origin: 'log.example' });
    vkey = noteKeyToVkey(createNoteKey('log.example', signer.publicKey));
    await put(statement);
    logged = await put(statement);
    logged.proof = await log.receipt(1);
  });

  async function put(body: unknown, type = 'helper-ready'): Promise<LoggedStatement<HelperReady>> {
    const salt = randomBytes(32);
    const { leaf } = createLeaf({ type, at: new Date(0), body, salt });
    const { firstIndex } = await log.append([leaf]);
    const proof = await log.receipt(firstIndex);
    return { statement, leaf: bytesToBase64Url(leaf), salt: bytesToBase64Url(salt), proof };
  }

  const open = (
    input: LoggedStatement<HelperReady>,
    pinned: Pinned = { kid: key.id, vkey, witnesses: null },
  ): unknown => verifyLogged(input, 'helper-ready', helperReadySchema, pinned);

  it('gives the statement, its place, and the checkpoint to keep', () => {
    expect(open(logged)).toMatchObject({
      statement,
      index: 1,
      checkpoint: { size: 2, origin: 'log.example' },
    });
    expect((open(logged) as { note: string }).note).toContain('log.example\n2\n');
  });

  it('needs the pinned signer, the pinned log, the right leaf, salt, type and proof', async () => {
    const other = await createSigningKey();
    const strangeLog = noteKeyToVkey(createNoteKey('log.example', randomBytes(32)));
    expect(() => open(logged, { kid: other.id, vkey, witnesses: null })).toThrowError(
      expect.objectContaining({ code: 'protocol/statement' }),
    );
    const refused: [LoggedStatement<HelperReady>, string?][] = [
      [logged, strangeLog],
      [{ ...logged, salt: bytesToBase64Url(randomBytes(32)) }],
      [{ ...logged, leaf: (await put(statement)).leaf }],
      [{ ...logged, leaf: bytesToBase64Url(randomBytes(20)) }],
      [{ ...logged, proof: await log.receipt(0) }],
      [{ ...logged, proof: 'c2sp.org/tlog-proof@v1\nindex 0\n\n' }],
      [await put(statement, 'helper-ack')],
      [await put({ ...statement, signatures: [...statement.signatures, ...statement.signatures] })],
      [await put(BODY)],
    ];
    for (const [input, wanted] of refused) {
      expect(() => open(input, { kid: key.id, vkey: wanted ?? vkey, witnesses: null })).toThrowError(
        expect.objectContaining({ code: 'protocol/proof' }),
      );
    }
  });

  it('needs as many witnesses as the policy demands, and those it names', async () => {
    const witnesses = ['a', 'b', 'c'].map((name) => ({ name, signer: createSigner(randomBytes(32)) }));
    const policy = (threshold: number): Pinned['witnesses'] => ({
      threshold,
      witnesses: witnesses.map(({ name, signer }) => ({
        name,
        operator: name,
        vkey: noteKeyToVkey(createNoteKey(name, signer.publicKey, 'cosignature')),
      })),
    });
    const head = (await log.head())!;
    const lines = await Promise.all(
      witnesses.map((witness) => cosign(readNote(head.note, []).text, witness, 1_700_000_000)),
    );
    const under = async (count: number): Promise<LoggedStatement<HelperReady>> => {
      const note = mergeCosignatures(head.note, lines.slice(0, count));
      return { ...logged, proof: await log.receipt(1, { size: head.size, note }) };
    };
    for (const threshold of [1, 2, 3]) {
      const pinned = { kid: key.id, vkey, witnesses: policy(threshold) };
      for (const count of [0, 1, 2, 3]) {
        const input = await under(count);
        if (count >= threshold) expect(open(input, pinned)).toMatchObject({ statement });
        else
          expect(() => open(input, pinned)).toThrowError(
            expect.objectContaining({
              code: 'protocol/proof',
              message: expect.stringContaining('cosigned') as string,
            }),
          );
      }
      expect(() => open(logged, pinned)).toThrowError(expect.objectContaining({ code: 'protocol/proof' }));
    }
    expect(
      (open(await under(2), { kid: key.id, vkey, witnesses: policy(2) }) as { note: string }).note,
    ).toContain(lines[1]);
  });
});
