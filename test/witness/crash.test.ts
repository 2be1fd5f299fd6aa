/** A witness killed between any two of its steps: what it has cosigned for anybody, it knows when it comes back. */
import { createSigner, hexToBytes } from '@twinkeep/audit';
import { startWitness, type Step, type Witness } from '@twinkeep/witness';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notes } from '../audit/vectors.ts';
import { addCheckpoint, createTestLog, makeWitness, type WitnessFiles } from './support.ts';

const { own } = notes;
const signer = createSigner(hexToBytes(own.logSeedHex));
const honest = createTestLog(signer);
const forked = createTestLog(signer, { name: 'fork', shared: 5 });

let files: WitnessFiles;
const children: ChildProcess[] = [];
let witness: Witness | null = null;

beforeEach(async () => {
  files = await makeWitness([own.logVkey]);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await witness?.stop();
  witness = null;
});

async function startDying(step: Step | 'never'): Promise<{ port: number; ended: Promise<unknown> }> {
  const child = fork(join(import.meta.dirname, 'dying-witness.mjs'), [files.configFile], {
    env: { ...process.env, DIE_AT: step },
    execArgv: [],
  });
  children.push(child);
  const ended = once(child, 'exit');
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return { port: message.port, ended };
}

describe('killed', () => {
  const before: Step[] = ['verified', 'locked', 'judged', 'cosigned', 'stored'];

  it.each<Step>([...before, 'committed'])('at "%s", it goes on where its database stands', async (step) => {
    const dying = await startDying(step);
    await expect(addCheckpoint(dying.port, await honest.request(0, 8))).rejects.toThrow('fetch failed');
    expect(await dying.ended).toEqual([null, 'SIGKILL']);

    witness = await startWitness(files.config, { log: pino({ level: 'silent' }) });
    const { port } = witness;
    if (before.includes(step)) {
      // Nothing was promised to anyone: either history may still be the first.
      expect(await addCheckpoint(port, await forked.request(8, 9))).toMatchObject({
        status: 409,
        body: '0\n',
      });
      expect(await addCheckpoint(port, await forked.request(0, 8))).toMatchObject({ status: 200 });
      expect(await addCheckpoint(port, await honest.request(8, 8))).toMatchObject({ status: 409 });
    } else {
      // The answer was lost, the promise was not: the log asks again with the size of the 409.
      expect(await addCheckpoint(port, await forked.request(0, 8))).toMatchObject({
        status: 409,
        body: '8\n',
      });
      expect(await addCheckpoint(port, await forked.request(8, 9))).toMatchObject({ status: 422 });
      expect(await addCheckpoint(port, await honest.request(0, 8))).toMatchObject({
        status: 409,
        body: '8\n',
      });
      expect(await addCheckpoint(port, await honest.request(8, 8))).toMatchObject({ status: 200 });
      expect(await addCheckpoint(port, await honest.request(8, 9))).toMatchObject({ status: 200 });
    }
  });

  it('while another process waits for the row, the other one goes on', async () => {
    witness = await startWitness(files.config, { log: pino({ level: 'silent' }) });
    const dying = await startDying('locked');
    const [lost, kept] = await Promise.allSettled([
      addCheckpoint(dying.port, await forked.request(0, 8)),
      addCheckpoint(witness.port, await honest.request(0, 8)),
    ]);
    expect(lost.status).toBe('rejected');
    expect(kept).toMatchObject({ status: 'fulfilled', value: { status: 200 } });
    expect(await addCheckpoint(witness.port, await honest.request(8, 20))).toMatchObject({ status: 200 });
  });
});
