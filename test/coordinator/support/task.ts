/** A small task: two inputs, so a vector has a few hundred words, most of them evaluation bins. */
import type { TaskSpec } from '@twinkeep/protocol';

export const PURPOSE = 'https://w3id.org/dpv#CustomerRelationshipManagement';

export function smallTask(changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    v: 1,
    taskId: 'churn',
    title: 'Who is about to leave',
    purpose: PURPOSE,
    sector: 'general',
    categories: { required: ['behavioral', 'transactional'], optional: [] },
    features: [
      {
        name: 'calls',
        category: 'behavioral',
        event: 'support.contact',
        aggregate: { kind: 'count' },
        transform: { kind: 'scale', bounds: [0, 10], curve: 'linear', indicator: false },
      },
      {
        name: 'spend',
        category: 'transactional',
        event: 'attribute.set',
        attribute: 'spend',
        aggregate: { kind: 'last' },
        transform: { kind: 'scale', bounds: [0, 100], curve: 'linear', indicator: false },
      },
    ],
    label: {
      category: 'behavioral',
      event: 'attribute.set',
      attribute: 'churn',
      positive: ['yes'],
      negative: ['no'],
      horizonDays: 30,
    },
    model: { kind: 'mlp', inputs: 2, hidden: [], outputs: 1, activation: 'relu', seed: 'a test' },
    clipL2: 1,
    optimizer: { kind: 'momentum', learningRate: 1, momentum: 0.5, decay: 0 },
    rounds: 2,
    evaluation: { bins: 200, logitRange: 8, maxLoss: 8, holdout: 0.2 },
    floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1_000 },
    helpers: { m: 4, c: 1, mode: 'quorum', q: 3 },
    bits: 32,
    privacy: { mech: 'none' },
    windows: { collect: 20_000, ack: 10_000, reveal: 10_000 },
    ...changes,
  };
}
