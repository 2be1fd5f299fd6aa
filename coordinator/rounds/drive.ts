/**
 * Steps a round and does what the step says, within one transaction that holds the round's row: the new state, the log entries and all
 * other rows become true together or not at all.
 */
import { HELPERS_TOPIC, raiseRevisions, taskTopic } from '../store/revisions.ts';
import { saveRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import { CoordinatorError } from '../errors.ts';
import { configToRules } from './config.ts';
import type { RoundDeps } from './deps.ts';
import { endRound } from './end.ts';
import { fixSet } from './fix.ts';
import { step, type RoundEffect, type RoundInput } from './machine.ts';
import { openRoundSum } from './reveal.ts';
import type { RunningRound } from './running.ts';

/** @throws what `step` throws; the transaction is then to be given up */
export async function drive(
  tx: Tx,
  deps: RoundDeps,
  running: RunningRound,
  input: RoundInput,
): Promise<void> {
  const rules = configToRules(running.config);
  const inputs: RoundInput[] = [input];
  for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
    const { state, effects } = step(rules, running.round.state, next, running.now);
    running.round.state = state;
    for (const effect of effects) {
      const outcome = await perform(tx, deps, running, effect);
      if (outcome !== null) inputs.push(outcome);
    }
  }
  // What ends a round saves it, before the next one opens.
  if (running.round.resultHash === null) await saveRound(tx, running.round);
  await raiseRevisions(tx, running.topics);
}

async function perform(
  tx: Tx,
  deps: RoundDeps,
  running: RunningRound,
  effect: RoundEffect,
): Promise<RoundInput | null> {
  switch (effect.kind) {
    case 'publish-config':
      await publishProposal(tx, deps, running);
      return null;
    case 'fix-set':
      return { kind: (await fixSet(tx, deps, running, effect.responding)) ? 'set-fixed' : 'set-too-small' };
    case 'open-sum':
      return openRoundSum(tx, deps, running, effect.candidates);
    case 'end':
      await endRound(tx, deps, running);
      return null;
    case 'wake-helpers':
      running.topics.add(HELPERS_TOPIC);
      return null;
  }
}

async function publishProposal(
  tx: Tx,
  { journal }: RoundDeps,
  { round, now, topics }: RunningRound,
): Promise<void> {
  if (round.proposal === null)
    throw new CoordinatorError('store/missing-row', 'a proposed round has no proposal');
  await journal.publish(tx, [round.proposal], now);
  round.proposal = null;
  topics.add(HELPERS_TOPIC).add(taskTopic(round.taskId));
}
