/**
 * The twins as they stand at the end of a run, for the comparison: whether their customer consents, and whether they train or are
 * held out. That is read from the nodes' own stores, which only whoever runs everything on one machine can do. Their rows are not: they
 * are computed again, by the same code, from what the nodes were given to import.
 */
import {
  admit,
  applyEvent,
  askContribution,
  assembleSet,
  createFeatureState,
  extractVector,
  isAdmitted,
  parseEvent,
  planOf,
  readConsentChain,
  type AdmitPolicy,
  type ConsentReadings,
  type Contribution,
  type FeatureVector,
  type Role,
} from '@twinkeep/edge-client/fleet';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import type { CustomerEvent, TaskSpec } from '@twinkeep/protocol';
import type { RegionStore } from '@twinkeep/region';

export interface NodeTwins {
  training: TrainingRows;
  heldOut: TrainingRows;
  /** Customers by what they said at the import and since. */
  consent: { granted: number; refused: number; withdrawn: number };
}

/**
 * @param customers of this node: what it calls them, and what it was given
 * @param now milliseconds since 1970
 */
export async function readNodeTwins(
  store: RegionStore,
  task: TaskSpec,
  customers: readonly { name: string; events: readonly CustomerEvent[] }[],
  policy: AdmitPolicy,
  now: number,
): Promise<NodeTwins> {
  const eventsOf = new Map(customers.map(({ name, events }) => [store.subjectOf(name), events]));
  const consent = { granted: 0, refused: 0, withdrawn: 0 };
  const consenting: { subject: string; readings: ConsentReadings; leave: Contribution }[] = [];
  for (const { subject, consents } of await store.readTwins([...eventsOf.keys()])) {
    const readings = readConsentChain(consents);
    const leave = askContribution(task, subject, readings, { cohort: task.floors.nMin, now, until: now });
    if ('denied' in leave) consent[leave.denied === 'withdrawn' ? 'withdrawn' : 'refused']++;
    else consenting.push({ subject, readings, leave });
  }
  consent.granted = consenting.length;

  const roles = await rolesOf(
    store,
    task,
    consenting.map(({ subject }) => subject),
  );
  const plan = planOf([task]);
  const rows: Record<Role, { leave: Contribution; vector: FeatureVector }[]> = { train: [], 'hold-out': [] };
  for (const { subject, readings, leave } of consenting) {
    const state = createFeatureState(plan);
    for (const event of eventsOf.get(subject) ?? []) {
      const admitted = admit(parseEvent(event), subject, readings.signed, policy, now);
      if (isAdmitted(admitted)) applyEvent(state, admitted);
    }
    const vector = extractVector(state, task, leave);
    const role = roles.get(subject);
    if (vector !== null && role !== undefined) rows[role].push({ leave, vector });
  }
  return { training: assembleSet(task, rows.train), heldOut: assembleSet(task, rows['hold-out']), consent };
}

/** Roles are drawn by the node when a round first asks its twins. A node that was asked for none has lent nothing. */
async function rolesOf(
  store: RegionStore,
  task: TaskSpec,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, Role>> {
  const neverAsked = new Error('no role was drawn');
  try {
    return await store.drawRoles(task.taskId, subjects, () => {
      throw neverAsked;
    });
  } catch (error) {
    if (error === neverAsked) return new Map();
    throw error;
  }
}
