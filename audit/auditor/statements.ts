/** What the coordinator said in public, with its helpers' signatures: tasks, configurations, sets and results of the pack, by their names. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  cosigners,
  foreignField,
  ProtocolError,
  roundConfigSchema,
  roundResultSchema,
  setCommitSchema,
  statementHash,
  taskSpecSchema,
  verifyStatement,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
  type Statement,
  type StatementType,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import type * as v from 'valibot';
import type { LoggedEntry, VerifiedLog } from './log.ts';
import type { Checklist } from './verdict.ts';

/** A statement whose signature was verified, with its place in the log. */
export interface Said<T> {
  hash: string;
  index: number;
  /** UTC minute of its leaf. */
  at: string;
  statement: Statement<T>;
}

export interface Statements {
  tasks: Map<string, Said<TaskSpec>>;
  configs: Map<string, Said<RoundConfig>>;
  sets: Map<string, Said<SetCommit>>;
  results: Map<string, Said<RoundResult>>;
}

export function verifyStatements(log: VerifiedLog, trust: Trust, checks: Checklist): Statements {
  const of = <T>(type: StatementType, schema: v.GenericSchema<T>): Map<string, Said<T>> => {
    const found = new Map<string, Said<T>>();
    for (const entry of log.entries.values()) {
      if (entry.envelope.type !== type) continue;
      const said = verifySaid(entry, type, schema, trust.coordinator.key, checks);
      if (said !== null) found.set(said.hash, said);
    }
    return found;
  };
  const statements: Statements = {
    tasks: of('task', taskSpecSchema),
    configs: of('round-config', roundConfigSchema),
    sets: of('set-commit', setCommitSchema),
    results: of('round-result', roundResultSchema),
  };
  for (const config of statements.configs.values())
    verifyConfig(config, statements.tasks.get(config.statement.body.taskHash), trust, checks);
  for (const entry of log.entries.values()) {
    const { type } = entry.envelope;
    if (!['task', 'round-config', 'set-commit', 'round-result', 'consent'].includes(type))
      checks.fail('statements', placeOf(entry), `an entry of type ${type} has no business in a pack`);
  }
  return statements;
}

function verifySaid<T>(
  entry: LoggedEntry,
  type: StatementType,
  schema: v.GenericSchema<T>,
  key: string,
  checks: Checklist,
): Said<T> | null {
  try {
    const statement = verifyStatement(entry.body, type, schema, key);
    checks.pass('statements');
    const hash = bytesToBase64Url(statementHash(statement));
    return { hash, index: entry.index, at: entry.envelope.at, statement };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    checks.fail('statements', placeOf(entry), error.message);
    return null;
  }
}

/** Helpers sign what they checked against the task: with fewer than `q` of them, nobody but the coordinator says what the round was. */
function verifyConfig(
  { index, statement }: Said<RoundConfig>,
  task: Said<TaskSpec> | undefined,
  trust: Trust,
  checks: Checklist,
): void {
  const where = `round ${statement.body.round} (log entry ${index})`;
  if (task === undefined) {
    checks.fail('configurations', where, 'the task that it names is not in the pack');
    return;
  }
  const foreign = derive(() => foreignField(statement.body, task.statement, trust));
  if (foreign !== null)
    checks.fail('configurations', where, `its ${foreign} does not follow from the task and your trust file`);
  const unknown = statement.body.helpers.find(
    ({ j, key }) => trust.helpers.find((helper) => helper.j === j)?.key !== key,
  );
  if (unknown !== undefined)
    checks.fail('configurations', where, `helper ${unknown.j} is another than your trust file names`);
  const signed = cosigners(statement).length;
  if (signed < statement.body.q)
    checks.fail(
      'configurations',
      where,
      `${signed} helpers signed it, of whom ${statement.body.q} are needed`,
    );
  checks.pass('configurations');
}

/** A task can be signed that no round can follow from. */
function derive(find: () => string | null): string | null {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `grid (${error.message})`;
  }
}

export const placeOf = ({ index }: Pick<LoggedEntry, 'index'>): string => `entries (log entry ${index})`;
