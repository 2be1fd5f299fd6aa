/** Where the commands of the other packages are: npm links no bin that `tsc` has yet to build, so they are found by package. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DemoError } from './errors.ts';

const COMMANDS = {
  'twinkeep-audit': '@twinkeep/audit',
  'twinkeep-coordinator': '@twinkeep/coordinator',
  'twinkeep-helper': '@twinkeep/region',
  'twinkeep-region': '@twinkeep/region',
} as const;

/** @returns the path of the script. @throws DemoError 'demo/environment' */
export function commandScript(command: keyof typeof COMMANDS): string {
  const owner = COMMANDS[command];
  let folder = dirname(createRequire(import.meta.url).resolve(owner));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin?: Record<string, string>;
  };
  const script = bin?.[command];
  if (script === undefined)
    throw new DemoError('demo/environment', `${owner} has no command ${command}. Run "npm ci" again.`);
  return join(folder, script);
}
