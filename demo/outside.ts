/** The log, checked as somebody outside would: from the export that anyone can download, with the log's public key alone. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { CoordinatorClient } from './coordinator.ts';
import { DemoError } from './errors.ts';
import { commandScript } from './programs.ts';

export interface VerifiedLog {
  /** Path of the export, kept so that it can be verified again. */
  file: string;
  entries: number;
  /** What the verifier printed. */
  report: string;
}

/** @throws DemoError 'demo/run' where the log does not verify */
export async function verifyLogFromOutside(
  coordinator: CoordinatorClient,
  vkey: string,
  file: string,
): Promise<VerifiedLog> {
  await writeFile(file, await coordinator.exportLog());
  const verify = async (...extra: string[]): Promise<string> => {
    const args = [commandScript('twinkeep-audit'), 'verify', file, '--key', vkey, ...extra];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  };
  try {
    const { size } = JSON.parse(await verify('--json')) as { size: number };
    return { file, entries: size, report: await verify() };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new DemoError('demo/run', `The exported log ${file} does not verify.\n${stdout}${stderr}`.trim());
  }
}
