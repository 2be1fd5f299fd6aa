/**
 * What a task does next: another round and of which kind, or nothing, and why. Pure but for the ledger that it is told of.
 *
 * A task under a privacy budget ends early when its participants are spent. Who else might come is not known, so this is read from what was
 * seen: fewer than nMin of those who ever took part may do so again, and nobody new comes, because the last round of the kind found too few
 * reporters, or only such as had been in one before.
 */
import { nextRoundKind, type RoundConfig, type TaskEnd, type TaskSpec } from '@twinkeep/protocol';
import { lastOfKind, readTotals } from '../store/participations.ts';
import type { Tx } from '../store/schema.ts';
import type { StoredTask } from '../store/tasks.ts';

type Kind = RoundConfig['kind'];

export async function nextOf(
  tx: Tx,
  task: StoredTask,
  spec: TaskSpec,
): Promise<{ kind: Kind } | { ended: TaskEnd }> {
  const progress = { trained: task.rounds_trained, evaluated: task.evaluated };
  if (spec.privacy.mech === 'none') return chooseNext(spec, progress, { train: false, evaluate: false });
  const { trainings, evaluations } = spec.privacy;
  return chooseNext(spec, progress, {
    train: await isSpent(tx, task.task_id, 'train', trainings, spec.floors.nMin),
    evaluate: await isSpent(tx, task.task_id, 'evaluate', evaluations, spec.floors.nMin),
  });
}

/**
 * @param progress training rounds sealed, and whether a round has evaluated since the last of them
 * @param spent whether the participants of a kind of round are exhausted
 */
export function chooseNext(
  spec: TaskSpec,
  { trained, evaluated }: { trained: number; evaluated: boolean },
  spent: Readonly<Record<Kind, boolean>>,
): { kind: Kind } | { ended: TaskEnd } {
  const trainedOut = trained >= spec.rounds;
  if (!trainedOut && !spent.train) {
    const kind = nextRoundKind(spec, trained, evaluated);
    return { kind: kind === 'evaluate' && spent.evaluate ? 'train' : kind };
  }
  // Counts have no figures.
  if (!evaluated && !spent.evaluate && spec.model.kind === 'mlp') return { kind: 'evaluate' };
  return { ended: trainedOut ? 'rounds-done' : 'budget-spent' };
}

async function isSpent(tx: Tx, taskId: string, kind: Kind, cap: number, nMin: number): Promise<boolean> {
  const last = await lastOfKind(tx, taskId, kind);
  if (last === undefined) return false;
  const { left, spent, fresh } = await readTotals(tx, taskId, kind, { cap, rcHash: last.rcHash });
  if (spent === 0 || left >= nMin) return false;
  return last.reason === 'too-few-reports' || (last.reason === null && fresh === 0);
}
