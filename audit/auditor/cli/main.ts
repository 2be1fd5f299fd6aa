import { createReadStream } from 'node:fs';

import { AuditError, verifyExport } from '@twinkeep/audit';

import { EVIDENCE_COMMANDS } from './evidence-command.ts';
import { runEvidence } from './evidence.ts';
import { HELP, readCommand, type VerifyCommand } from './command.ts';
import { UsageError } from './given.ts';
import { failureToJson, failureToText, reportToJson, reportToText } from './print.ts';
import { nativeSha256 } from './sha256.ts';
import { fsck, mirror, type Outcome } from './tiles.ts';

const READ_SIZE = 1024 * 1024;

/** Runs the command and returns the exit status. */
export async function main(args: string[]): Promise<number> {
  try {
    const isEvidence = EVIDENCE_COMMANDS.some((name) => name === args[0]);
    const { output, status } = isEvidence ? await runEvidence(args) : await run(await readCommand(args));
    process.stdout.write(output);
    return status;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`twinkeep-audit: ${error.message}\nTry: twinkeep-audit --help\n`);
    return 2;
  }
}

async function run(command: Awaited<ReturnType<typeof readCommand>>): Promise<Outcome> {
  if (command === 'help') return { output: HELP, status: 0 };
  if (command.name === 'verify') return verify(command);
  return command.name === 'fsck' ? fsck(command) : mirror(command);
}

async function verify({ file, json, ...options }: VerifyCommand): Promise<Outcome> {
  const chunks = createReadStream(file, { highWaterMark: READ_SIZE });
  try {
    const report = await verifyExport(chunks, { ...options, hash: nativeSha256 });
    return { output: json ? reportToJson(report) : reportToText(report, options.vkey), status: 0 };
  } catch (error) {
    if (error instanceof AuditError) {
      return { output: json ? failureToJson(error) : failureToText(error, file), status: 1 };
    }
    if (error instanceof Error && error === chunks.errored) {
      throw new UsageError(`cannot read ${file}: ${error.message}`);
    }
    throw error;
  }
}
