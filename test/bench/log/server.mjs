// A process of its own: the coordinator as `twinkeep-coordinator serve` composes it; or the same with checks and tables as they are, but
// without a log: nothing is hashed, no leaf is kept, no head is locked, signed or moved.
import { readConfig, startCoordinator } from '@twinkeep/coordinator';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';

const [configFile, variant] = process.argv.slice(2);
const config = await readConfig(configFile);
const surroundings = { log: pino({ level: 'warn' }, pino.destination(2)) };
const coordinator = await startCoordinator(config, {
  ...surroundings,
  ...(variant === 'without-log' ? { journal: withoutLog } : {}),
});
process.once('disconnect', () => void coordinator.stop().then(() => process.exit(0)));
process.send({ type: 'ready', port: coordinator.port });

function withoutLog(journal) {
  let size = 0;
  const leaf = new Uint8Array(0);
  return {
    ...journal,
    lock: () => Promise.resolve({ size, root: '' }),
    append: (_tx, entries) =>
      Promise.resolve(
        entries.map(() => ({
          index: size++,
          leaf,
          salt: new Uint8Array(randomBytes(32)),
          prove: () => Promise.resolve(''),
        })),
      ),
  };
}
