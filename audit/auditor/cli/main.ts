import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import { AuditError, verifyExport, type Sha256 } from '@twinkeep/audit';

import { HELP, readCommand, UsageError, type VerifyCommand } from './command.ts';
import { failureToJson, failureToText, reportToJson, reportToText } from './print.ts';

const READ_SIZE = 1024 * 1024;

const nativeSha256: Sha256 = (data) => hash('sha256', data, 'buffer');

/** Runs the command and returns the exit status. */
export async function main(args: string[]): Promise<number> {
  try {
    const command = await readCommand(args);
    const { output, status } = command === 'help' ? { output: HELP, status: 0 } : await verify(command);
    process.stdout.write(output);
    return status;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`twinkeep-audit: ${error.message}\nTry: twinkeep-audit --help\n`);
    return 2;
  }
}

async function verify({
  file,
  json,
  ...options
}: VerifyCommand): Promise<{ output: string; status: number }> {
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
