/** The same twin in Node: a process of its own, which holds nothing but the twin, so that its memory can be read. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

export async function openNodeTwin(world) {
  const child = fork(join(import.meta.dirname, 'node-process.mjs'), [], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map();
  let last = 0;
  child.on('message', ({ id, answer, failed, ask }) => {
    if (ask !== undefined)
      void world.issue(ask.subject, ask.deviceKey).then((jwt) => child.send({ id, jwt }));
    else if (failed !== undefined) waiting.get(id)?.reject(new Error(failed));
    else waiting.get(id)?.resolve(answer);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the twin in Node ended with ${code}`));
  });
  const call = (name, input = null) => {
    const id = ++last;
    child.send({ id, name, input });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
  return {
    begin: async () =>
      call('begin', {
        databaseUrl: await world.database('bench_twin'),
        wrappingKey: randomBytes(32).toString('base64url'),
        person: world.person(),
      }),
    calls: (count) => call('calls', count),
    takePart: () => call('takePart'),
    untilRound: (count) => call('untilRound', count),
    rounds: () => call('rounds'),
    memory: () => call('memory'),
    async close() {
      child.disconnect();
    },
  };
}
