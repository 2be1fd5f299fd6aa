/** The command line of a region node. */
import { withdrawConsent } from '../consent/withdraw.ts';
import { RegionError } from '../errors.ts';
import { importCsvFile, importEventFile } from '../import/file.ts';
import { customerBinding } from '../import/import.ts';
import { openRegion, type Region } from '../node/open.ts';
import { initRegion } from '../process/init.ts';
import { runProcess } from '../process/lifecycle.ts';
import { need, runCommand, type Options } from './command.ts';

const PROGRAM = 'twinkeep-region';

const HELP = `Usage: ${PROGRAM} <command> --config FILE [options]

  init                                make the key files that the configuration names, print the public key
  import --data CSV --mapping FILE    customers from a CSV file (docs/import.md)
  import --events NDJSON [--consent FILE]
                                      customer events, and who consented to what
  withdraw (--customer NUMBER | --subject ID) [--evidence TEXT]
                                      a customer takes all consents back; counts at once
  status                              how much is kept, as JSON
  run [--task ID]                     take part in the rounds of the tasks that the configuration names
`;

export function main(args: readonly string[]): Promise<number> {
  return runCommand(
    PROGRAM,
    HELP,
    {
      init: (options) => initRegion(need(options, 'config')),
      import: (options) => withRegion(options, importFile),
      withdraw: (options) => withRegion(options, withdraw),
      status: (options) => withRegion(options, ({ store }) => store.counts()),
      run: (options) => run(need(options, 'config'), options['task']),
    },
    args,
  );
}

async function run(configFile: string, task: string | undefined): Promise<void> {
  // Loaded here, so that no other command pays for it.
  const { runRegion } = await import('../node/run.ts');
  await runProcess((stop) => runRegion(configFile, task === undefined ? [] : [task], stop));
}

async function importFile(region: Region, options: Options): Promise<unknown> {
  const { data, events, mapping, consent } = options;
  if ((data === undefined) === (events === undefined))
    throw new RegionError('cli/usage', 'give either --data and --mapping, or --events');
  if (events !== undefined) {
    if (mapping !== undefined) throw new RegionError('cli/usage', '--mapping goes with --data');
    return importEventFile(region, events, consent ?? null);
  }
  if (consent !== undefined) throw new RegionError('cli/usage', '--consent goes with --events');
  return importCsvFile(region, need(options, 'data'), need(options, 'mapping'));
}

async function withdraw(region: Region, options: Options): Promise<unknown> {
  const { customer, subject: named, evidence = 'asked for at the command line of the node' } = options;
  if ((customer === undefined) === (named === undefined))
    throw new RegionError('cli/usage', 'give either --customer or --subject');
  const subject = named ?? (await region.store.findTwin(customerBinding(customer ?? '')));
  if (subject === null || (await region.store.readTwins([subject])).length === 0)
    throw new RegionError('twin/unknown', 'this node keeps no such customer');
  return { withdrawn: await withdrawConsent(region, subject, [{ kind: 'statement', value: evidence }]) };
}

async function withRegion<T>(
  options: Options,
  work: (region: Region, options: Options) => Promise<T>,
): Promise<T> {
  const region = await openRegion(need(options, 'config'));
  try {
    return await work(region, options);
  } finally {
    await region.store.close();
  }
}
