// A witness that is killed, as by kill -9, at the step that DIE_AT names, the first time that it comes there.
import { readConfig, startWitness } from '@twinkeep/witness';
import { pino } from 'pino';

const { DIE_AT } = process.env;
const config = await readConfig(process.argv[2]);
const witness = await startWitness(config, {
  log: pino({ level: 'silent' }),
  observe: (step) => {
    if (step === DIE_AT) process.kill(process.pid, 'SIGKILL');
  },
});
process.send({ port: witness.port });
process.on('disconnect', () => process.exit(0));
