/** Where the commands of the other packages are: npm links no bin that `tsc` has yet to build, so they are found by package. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DemoError } from './errors.ts';

const require = createRequire(import.meta.url);

type Command =
  'twinkeep-audit' | 'twinkeep-coordinator' | 'twinkeep-helper' | 'twinkeep-region' | 'twinkeep-witness';

const OWNERS: Record<Command, () => string> = {
  'twinkeep-audit': () => require.resolve('@twinkeep/auditor'),
  'twinkeep-coordinator': () => require.resolve('@twinkeep/coordinator'),
  'twinkeep-helper': () => require.resolve('@twinkeep/region'),
  'twinkeep-region': () => require.resolve('@twinkeep/region'),
  'twinkeep-witness': () => require.resolve('@twinkeep/witness'),
};

/** Where this package lies: built or not, what ships with it is beside its manifest. */
export function ownFolder(): string {
  return folderWithManifest(import.meta.dirname);
}

/** @returns the path of the script. @throws DemoError 'demo/environment' */
export function commandScript(command: Command): string {
  const folder = folderWithManifest(dirname(OWNERS[command]()));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin?: Record<string, string>;
  };
  const script = bin?.[command];
  if (script === undefined)
    throw new DemoError('demo/environment', `${folder} has no command ${command}. Run "npm ci" again.`);
  return join(folder, script);
}

function folderWithManifest(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
