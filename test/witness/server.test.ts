import {
  addCheckpointToText,
  bytesToHex,
  createSigner,
  hexToBytes,
  readCosignature,
  sha256,
  signCheckpoint,
  signNote,
  textToAddCheckpoint,
  utf8ToBytes,
  verifyWitnessed,
  vkeyToNoteKey,
} from '@twinkeep/audit';
import { startWitness, type Witness } from '@twinkeep/witness';
import * as fc from 'fast-check';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notes } from '../audit/vectors.ts';
import { addCheckpoint, createTestLog, makeWitness, ORIGIN, type WitnessFiles } from './support.ts';

const { own } = notes;
const log = pino({ level: 'silent' });
const signer = createSigner(hexToBytes(own.logSeedHex));
const honest = createTestLog(signer);
const forked = createTestLog(signer, { name: 'fork', shared: 5 });

let files: WitnessFiles;
let witness: Witness;
const opened: Witness[] = [];
const start = async (): Promise<Witness> => {
  const started = await startWitness(files.config, { log, clock: () => own.timestamp * 1_000 + 999 });
  opened.push(started);
  return started;
};
const ask = (body: string | Uint8Array): ReturnType<typeof addCheckpoint> =>
  addCheckpoint(witness.port, body);
const lastNote = async (origin = ORIGIN): Promise<Response> =>
  fetch(`http://127.0.0.1:${witness.port}/${bytesToHex(sha256(utf8ToBytes(origin)))}/checkpoint`);

beforeEach(async () => {
  files = await makeWitness([own.logVkey], { seedHex: own.witnessSeedHex });
  witness = await start();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
});

describe('add-checkpoint', () => {
  it('answers the requests of the vectors, bit for bit', async () => {
    expect(files.vkey).toBe(own.witnessVkey);
    const first = await ask(own.addCheckpointRequests['0->6']!);
    expect(first).toMatchObject({ status: 200 });
    expect(readCosignature(own.checkpoints['6']!, first.body, vkeyToNoteKey(files.vkey))).toBe(first.body);
    const second = await ask(own.addCheckpointRequests['6->8']!);
    expect(second).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
    expect(own.checkpoints['8']! + second.body).toBe(own.note);
    expect(await (await lastNote()).text()).toBe(own.note);
  });

  it('cosigns the same head again, and says 409 with its size to whoever starts elsewhere', async () => {
    expect(await ask(await honest.request(0, 3))).toMatchObject({ status: 200 });
    expect(await ask(await honest.request(3, 3))).toMatchObject({ status: 200 });
    for (const [from, to] of [
      [0, 3],
      [0, 7],
      [2, 7],
      [4, 7],
    ] as const) {
      expect(await ask(await honest.request(from, to))).toEqual({
        status: 409,
        type: 'text/x.tlog.size',
        body: '3\n',
      });
    }
    // A replay of an older head does not roll it back either.
    expect(await ask(await honest.request(3, 7))).toMatchObject({ status: 200 });
    expect(await ask(await honest.request(3, 7))).toMatchObject({ status: 409, body: '7\n' });
    expect(await ask(await honest.request(2, 3))).toMatchObject({ status: 409, body: '7\n' });
  });

  it('begins with an empty tree as with any other', async () => {
    expect(await ask(own.checkpoints['0']!.replace(/^/, 'old 0\n\n'))).toMatchObject({ status: 200 });
    expect(await ask(await honest.request(0, 1))).toMatchObject({ status: 200 });
  });

  it('refuses a fork, whether it is longer or as long, and keeps the proof of the lie', async () => {
    await ask(await honest.request(0, 8));
    expect(await ask(await forked.request(8, 12))).toMatchObject({ status: 422 });
    expect(await ask(await forked.request(8, 8))).toMatchObject({ status: 409 });
    expect((await ask(await forked.request(8, 8))).type).toContain('text/plain');
    expect(await ask(await forked.request(5, 12))).toMatchObject({ status: 409, body: '8\n' });
    expect(await ask(await honest.request(8, 12))).toMatchObject({ status: 200 });
    const sql = new pg.Client({ connectionString: files.config.databaseUrl });
    await sql.connect();
    const { rows } = await sql.query<{ note: string; kept_note: string }>(
      'select note, kept_note from forks',
    );
    await sql.end();
    expect(rows).toHaveLength(1);
    expect(rows[0]!.note).toBe(await forked.note(8));
    expect(rows[0]!.kept_note).toContain(await honest.note(8));
  });

  it('refuses proofs that do not lead there with 422', async () => {
    await ask(await honest.request(0, 6));
    const good = textToAddCheckpoint(await honest.request(6, 11));
    const proofs = [
      [],
      good.proof.slice(1),
      good.proof.toReversed(),
      [...good.proof, good.proof[0]!],
      good.proof.map((hash, i) => (i === 1 ? hash.map((byte) => byte ^ 1) : hash)),
    ];
    for (const proof of proofs)
      expect(await ask(addCheckpointToText({ ...good, proof }))).toMatchObject({ status: 422 });
    const same = { oldSize: 6, proof: good.proof, checkpoint: await honest.note(6) };
    expect(await ask(addCheckpointToText(same))).toMatchObject({ status: 422 });
    expect(await ask(addCheckpointToText(good))).toMatchObject({ status: 200 });
  });

  it('takes no proof before the first head', async () => {
    const good = textToAddCheckpoint(await honest.request(6, 11));
    expect(await ask(addCheckpointToText({ ...good, oldSize: 0 }))).toMatchObject({ status: 422 });
  });

  it('answers 404 for a log that it does not know, 403 for a head that the log did not sign', async () => {
    const other = createSigner(new Uint8Array(32).fill(9));
    const head = { size: 6, root: honest.root(6) };
    const unknown = await signCheckpoint({ ...head, origin: 'other.example' }, signer);
    expect(await ask(`old 0\n\n${unknown}`)).toMatchObject({ status: 404 });
    const unsigned = await signCheckpoint({ ...head, origin: ORIGIN }, other);
    expect(await ask(`old 0\n\n${unsigned}`)).toMatchObject({ status: 403 });
    const renamed = await signNote(`${ORIGIN}\n6\n${(await honest.note(6)).split('\n')[2]}\n`, [
      { name: 'other.example', signer },
    ]);
    expect(await ask(`old 0\n\n${renamed}`)).toMatchObject({ status: 403 });
    const [first, rest] = (await honest.request(0, 6)).split('\n\n— ') as [string, string];
    expect(await ask(`${first.replace('\n6\n', '\n7\n')}\n\n— ${rest}`)).toMatchObject({ status: 403 });
    // A line of a stranger beside the log's own changes nothing.
    const both = (await honest.request(0, 6)) + unsigned.split('\n\n')[1]!.replace(ORIGIN, 'stranger');
    expect(await ask(both)).toMatchObject({ status: 200 });
    expect((await lastNote('other.example')).status).toBe(404);
  });

  it('answers 400 to what is no request, and 413 to what is too large', async () => {
    const good = await honest.request(0, 6);
    const extended = await signNote(`${ORIGIN}\n6\n${good.split('\n')[4]}\nextension\n`, [
      { name: ORIGIN, signer },
    ]);
    const malformed = [
      '',
      'old 0\n',
      good.slice(0, -1),
      good.replace('old 0', 'old 00'),
      good.replace('\n6\n', '\n06\n'),
      good.replace('old 0', 'old 7'),
      good.replaceAll('\n', '\r\n'),
      `old 0\n\n${extended}`,
      utf8ToBytes(good).map((byte, i) => (i === 8 ? 0xff : byte)),
    ];
    for (const body of malformed) expect(await ask(body)).toMatchObject({ status: 400 });
    expect(await ask(good + `— x ${'A'.repeat(400)}\n`.repeat(60))).toMatchObject({ status: 413 });
    expect((await lastNote()).status).toBe(404);
    expect(await ask(good)).toMatchObject({ status: 200 });
  });

  it('knows one path', async () => {
    for (const path of ['/', '/add-checkpoint', `/${'0'.repeat(64)}/checkpoint`])
      expect((await fetch(`http://127.0.0.1:${witness.port}${path}`)).status).toBe(404);
    const health = await fetch(`http://127.0.0.1:${witness.port}/healthz`);
    expect(await health.json()).toEqual({ status: 'ok', logs: 1 });
  });
});

describe('whatever is asked of it, in whatever order', () => {
  const RUNS = 12;
  const histories = Array.from({ length: RUNS }, (_, run) => {
    const origin = `log-${run}.example`;
    return ['leaf', 'fork a', 'fork b'].map((name, i) =>
      createTestLog(signer, { origin, name, shared: i * 3, length: 14 }),
    );
  });

  it('what it has cosigned of a log is one history', async () => {
    files = await makeWitness(histories.map(([first]) => first!.vkey));
    witness = await start();
    const other = await start();
    let run = 0;
    const request = fc.record({
      which: fc.nat(2),
      from: fc.nat(12),
      more: fc.nat(6),
      isHonestAboutSize: fc.boolean(),
      atOther: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 8, maxLength: 24 }), async (requests) => {
        const logs = histories[run++]!;
        let last = 0;
        const cosigned: { size: number; which: number }[] = [];
        for (const { which, from, more, isHonestAboutSize, atOther } of requests) {
          const start = isHonestAboutSize ? last : from;
          const to = Math.min(start + more, 14);
          const { port } = atOther ? other : witness;
          const { status } = await addCheckpoint(port, await logs[which]!.request(start, to));
          if (status !== 200) continue;
          last = to;
          cosigned.push({ size: to, which });
        }
        cosigned.reduce(
          (before, next) => {
            expect(next.size).toBeGreaterThanOrEqual(before.size);
            // The next tree begins with the one before: what it holds at that size has the same root.
            expect(logs[next.which]!.root(before.size)).toEqual(logs[before.which]!.root(before.size));
            return next;
          },
          { size: 0, which: 0 },
        );
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(run).toBe(RUNS);
  });
});

describe('two processes on one database', () => {
  let other: Witness;
  beforeEach(async () => {
    other = await start();
  });

  it('cosign one of two heads that exclude each other', async () => {
    await ask(await honest.request(0, 5));
    for (let round = 0; round < 6; round++) {
      const from = 5;
      const answers = await Promise.all([
        addCheckpoint(witness.port, await honest.request(from, 9)),
        addCheckpoint(other.port, await forked.request(from, 9)),
        addCheckpoint(other.port, await honest.request(from, 10)),
        addCheckpoint(witness.port, await forked.request(from, 10)),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(round === 0 ? 1 : 0);
      for (const { status, body } of answers)
        if (status !== 200) expect([status, Number(body)]).toEqual([409, expect.any(Number)]);
    }
  });

  it('never put an older head back, whatever comes in at once', async () => {
    // The race of the specification: a smaller head that was checked earlier must not be written later.
    await ask(await honest.request(0, 1));
    const ports = [witness.port, other.port];
    const cosigned: number[] = [];
    for (let size = 1; size < 30;) {
      const targets = [1, 2, 3, 4].map((step) => size + step);
      const answers = await Promise.all(
        targets.map(async (to, i) => ({
          to,
          answer: await addCheckpoint(ports[i % 2]!, await honest.request(size, to)),
        })),
      );
      const won = answers.filter(({ answer }) => answer.status === 200).map(({ to }) => to);
      // Whoever came first moved it; all others started from a size that was no longer the last.
      expect(won).toHaveLength(1);
      cosigned.push(won[0]!);
      size = won[0]!;
      expect(await (await lastNote()).text()).toContain(`${ORIGIN}\n${size}\n`);
    }
    expect(cosigned).toEqual(cosigned.toSorted((a, b) => a - b));
  });
});

describe('a database', () => {
  it('is needed from the beginning, and is that of one key', async () => {
    const stranger = await makeWitness([own.logVkey], { name: 'witness.example/w2' });
    const swapped = { ...files.config, databaseUrl: stranger.config.databaseUrl };
    await expect(startWitness(swapped, { log })).rejects.toMatchObject({ code: 'store/foreign' });
    const renamed = { ...files.config, name: 'witness.example/other' };
    await expect(startWitness(renamed, { log })).rejects.toMatchObject({ code: 'store/foreign' });
  });

  it('holds what was cosigned over a restart, and a policy of one is content', async () => {
    await ask(await honest.request(0, 8));
    await witness.stop();
    opened.length = 0;
    witness = await start();
    expect(await ask(await forked.request(0, 8))).toMatchObject({ status: 409, body: '8\n' });
    const note = await (await lastNote()).text();
    const policy = {
      threshold: 1,
      witnesses: [{ name: files.config.name, operator: 'x', vkey: files.vkey }],
    };
    expect(verifyWitnessed(note, policy)).toEqual([files.config.name]);
  });
});
