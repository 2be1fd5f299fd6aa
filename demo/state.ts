/** What an earlier run left behind for `--keep`: which customers live at the nodes, and how far their task is. */
import type { TaskSpec } from '@twinkeep/protocol';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoOptions } from './cli.ts';
import { DemoError } from './errors.ts';

export interface RunState {
  /** The customers were made or read then; milliseconds since 1970. */
  madeAt: number;
  settings: KeptSettings;
  /** Number of the task, from 1. */
  number: number;
  task: TaskSpec;
  /** Until its import is done, a run cannot be gone on with. */
  stage: 'importing' | 'imported' | 'published' | 'finished';
  /** Whether the neighbours of visitors have their customers; a run without visitors gives them none. */
  neighbours: boolean;
}

type KeptSettings = Pick<DemoOptions, 'file' | 'seed' | 'nodes' | 'customers' | 'privacy'>;

/** @throws DemoError 'demo/usage' where there is nothing to go on with, or it was made with other settings */
export async function readKeptState(folder: string, options: DemoOptions): Promise<RunState> {
  const state = await readFile(stateFile(folder), 'utf8').then(
    (text) => JSON.parse(text) as RunState,
    () => null,
  );
  if (state === null || state.stage === 'importing')
    throw new DemoError('demo/usage', `There is nothing to go on with in ${folder}. Leave out --keep.`);
  const asked = keptSettings(options);
  const changed = (Object.keys(asked) as (keyof KeptSettings)[]).filter(
    (key) => JSON.stringify(asked[key]) !== JSON.stringify(state.settings[key]),
  );
  if (changed.length > 0)
    throw new DemoError(
      'demo/usage',
      `What is in ${folder} was made with other settings (${changed.join(', ')}). Leave out --keep, or give the same ones.`,
    );
  return state;
}

/** Written whole or not at all. */
export async function writeState(folder: string, state: RunState): Promise<void> {
  const unfinished = `${stateFile(folder)}.new`;
  await writeFile(unfinished, JSON.stringify(state), { mode: 0o600 });
  await rename(unfinished, stateFile(folder));
}

export function keptSettings({ file, seed, nodes, customers, privacy }: DemoOptions): KeptSettings {
  return { file, seed, nodes, customers, privacy };
}

const stateFile = (folder: string): string => join(folder, 'state.json');
