/** Witnesses as processes of their own, which can be killed and come back where they were. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { makeWitness, type WitnessFiles } from './support.ts';

const BIN = resolve(import.meta.dirname, '../../audit/witness/bin/twinkeep-witness.js');

export interface WitnessProcess {
  name: string;
  vkey: string;
  port: number;
  url: string;
  kill(): Promise<void>;
  /** At the same address. */
  start(): Promise<void>;
}

export async function startWitnessProcess(logVkey: string, name: string): Promise<WitnessProcess> {
  const files: WitnessFiles = await makeWitness([logVkey], { name });
  let child: ChildProcess | null = null;
  let port = 0;
  const start = async (): Promise<void> => {
    const config = { ...files.config, keyFile: 'key.json', listen: { host: '127.0.0.1', port } };
    await writeFile(files.configFile, JSON.stringify(config));
    child = fork(BIN, ['serve', '--config', files.configFile], { silent: true, execArgv: [] });
    const [ready] = (await once(child, 'message')) as [{ port: number }];
    port = ready.port;
  };
  await start();
  return {
    name,
    vkey: files.vkey,
    get port() {
      return port;
    },
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    kill: async () => {
      if (child === null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      child = null;
      await ended;
    },
    start,
  };
}
