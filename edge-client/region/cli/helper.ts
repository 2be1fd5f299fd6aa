/** The command line of a mask helper. */
import { initHelper } from '../process/init.ts';
import { runProcess } from '../process/lifecycle.ts';
import { need, runCommand } from './command.ts';

const PROGRAM = 'twinkeep-helper';

const HELP = `Usage: ${PROGRAM} <command> --config FILE

  init    make the key file that the configuration names, print the public key
  run     lend sums of masks to the rounds of the coordinator; opens no port
`;

export function main(args: readonly string[]): Promise<number> {
  return runCommand(
    PROGRAM,
    HELP,
    {
      init: (options) => initHelper(need(options, 'config')),
      run: async (options) => {
        const config = need(options, 'config');
        const { runHelper } = await import('../helper/run.ts');
        await runProcess((stop) => runHelper(config, stop));
      },
    },
    args,
  );
}
