/** Whom the demo trains on: invented telecom customers, or the rows of a file. */
import {
  privacyFor,
  STANDARD_DELTA,
  STANDARD_EPSILON,
  type CustomerEvent,
  type PrivacySpec,
  type TaskSpec,
} from '@twinkeep/protocol';

export interface Customers {
  /** In words, e.g. `7,043 customers of telco.csv`. */
  title: string;
  size: number;
  /** @throws ProtocolError 'protocol/task' where the settings do not fit together */
  task(settings: TaskSettings): TaskSpec;
  /**
   * Writes what a node imports into its folder.
   * @param customers indices, ascending
   */
  writeFor(folder: string, customers: readonly number[]): Promise<NodeCustomers>;
  /** Facts and label of one customer, for the comparison: what the node imports. */
  events(customer: number): CustomerEvent[];
}

export interface NodeCustomers {
  /** Arguments of `twinkeep-region import`. */
  importArgs: string[];
  /** What the node calls them, in the order given. */
  names: string[];
}

/** What the command line asks for; null: as the task says, or the standard. */
export interface AskedPrivacy {
  epsilon: number | 'none' | null;
  delta: number | null;
  /** Most rounds that a twin trains in. */
  participations: number | null;
}

/** @param rounds training rounds of the task; @returns null where nothing is asked */
export function privacyAsked(asked: AskedPrivacy, rounds: number): PrivacySpec | null {
  const { epsilon, delta, participations } = asked;
  if (epsilon === 'none') return { mech: 'none' };
  if (epsilon === null && delta === null && participations === null) return null;
  return privacyFor({
    epsilon: epsilon ?? STANDARD_EPSILON,
    delta: delta ?? STANDARD_DELTA,
    trainings: Math.min(rounds, participations ?? rounds),
  });
}

export interface TaskSettings {
  taskId: string;
  /** null: as the task says. */
  rounds: number | null;
  customers: number;
  nodes: number;
  /** Fewest twins in a node's report. */
  minTwins: number;
  privacy: AskedPrivacy;
  /** Fixes the first weights. */
  seed: string;
}

/** Reports and twins that a sum needs in a demo of this size, and short windows: everybody is on one machine. */
export function demoSettings(settings: TaskSettings): Pick<TaskSpec, 'floors' | 'windows'> {
  const { nodes, customers, minTwins } = settings;
  return {
    floors: { nMin: Math.max(2, Math.min(3, nodes - 1)), nTarget: nodes, minTwins, maxTwins: customers },
    windows: { collect: 15_000, ack: 10_000, reveal: 10_000 },
  };
}
