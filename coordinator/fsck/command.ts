/** `twinkeep-coordinator fsck`: what the check found, in words or as JSON. Progress goes to stderr, where somebody watches. */
import type { CoordinatorConfig } from '../config.ts';
import { openDatabase } from '../store/database.ts';
import { checkDatabase, type CheckProgress, type Diagnosis } from './run.ts';

/** @returns whether nothing was found */
export async function runFsck(config: CoordinatorConfig, json: boolean): Promise<boolean> {
  const db = openDatabase(config.databaseUrl, () => undefined);
  try {
    const diagnosis = await checkDatabase(db, config, json ? undefined : createProgress());
    process.stdout.write(json ? `${JSON.stringify(diagnosis)}\n` : diagnosisToText(diagnosis));
    return diagnosis.ok;
  } finally {
    await db.destroy();
  }
}

/** Milliseconds between two lines. */
const EVERY = 1_000;

function createProgress(): CheckProgress {
  let last = Date.now();
  return (what, done, of) => {
    if (Date.now() - last < EVERY) return;
    last = Date.now();
    process.stderr.write(`${what}: ${done} of ${of}\n`);
  };
}

export function diagnosisToText({
  ok,
  size,
  leaves,
  subjectKeys,
  contributions,
  findings,
  more,
}: Diagnosis): string {
  const { statements, consents, accesses, erased } = leaves;
  const counted =
    `${size ?? 'an unknown number of'} leaves: ${statements} public statements, ${consents} consents, ` +
    `${accesses} accesses by officers, ${erased} consents that were erased; ${contributions} contributions, ${subjectKeys} subject keys`;
  if (ok) return `the log and all that it vouches for are as they were written\n${counted}\n`;
  const total = findings.length + more;
  const rest = more > 0 ? `and ${more} more\n` : '';
  const lines = findings.map(({ where, problem }) => `${where}: ${problem}\n`).join('');
  return `${total === 1 ? 'one thing is' : `${total} things are`} not as written\n${lines}${rest}looked at ${counted}\n`;
}
