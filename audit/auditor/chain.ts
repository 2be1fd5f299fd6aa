/** From a model back to the weights that its task describes: through the results of the rounds that made it, each signed and logged. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { initialWeights, parameterCount, weightsToBytes, type RoundResult } from '@twinkeep/protocol';
import { placeOf, type Said, type Statements } from './statements.ts';
import type { Checklist } from './verdict.ts';

/** @returns results oldest first; null where the pack does not lead from the model to the beginning */
export function verifyChain(
  model: string,
  { tasks, configs, results }: Statements,
  checks: Checklist,
): Said<RoundResult>[] | null {
  const made = [...results.values()].filter(
    ({ statement: { body } }) => body.status === 'sealed' && body.kind === 'train',
  );
  const chain: Said<RoundResult>[] = [];
  let at = model;
  for (;;) {
    const before = made.filter(({ statement }) => statement.body.modelOut === at);
    const [step] = before;
    if (step === undefined) break;
    if (before.length > 1 || chain.includes(step)) {
      checks.fail('chain', placeOf(step), 'two rounds are shown to have made one model');
      return null;
    }
    chain.unshift(step);
    at = step.statement.body.modelIn;
  }
  const first = chain[0];
  const beginnings = [...tasks.values()].filter(({ statement }) => initialModel(statement.body.model) === at);
  const task = beginnings.find(({ statement }) =>
    chain.every(({ statement: { body } }) => body.taskId === statement.body.taskId),
  );
  if (task === undefined) {
    const where = first === undefined ? 'entries' : placeOf(first);
    checks.fail('chain', where, 'the rounds do not lead from this model to the first weights of its task');
    return null;
  }
  for (const [i, result] of chain.entries()) {
    const { body } = result.statement;
    const config = configs.get(body.rcHash)?.statement.body;
    const rises = i === 0 || body.round > (chain[i - 1] as Said<RoundResult>).statement.body.round;
    if (config === undefined || config.round !== body.round || config.taskHash !== task.hash || !rises)
      checks.fail('chain', placeOf(result), 'its configuration is not one of this task and round');
    else checks.pass('chain');
  }
  return chain;
}

/** As large as any round's model may be: a task that describes a larger one has made none. */
const MAX_PARAMETERS = 16_000_000;

function initialModel(spec: Parameters<typeof initialWeights>[0]): string | null {
  if (parameterCount(spec) > MAX_PARAMETERS) return null;
  return bytesToBase64Url(sha256(weightsToBytes(initialWeights(spec))));
}
