/** The person's own copy: what they gave, what they allowed, and what was guessed of them, marked as such. */
import { featureRow } from '../features/row.ts';
import { drawRole } from '../round/role.ts';
import type { TwinExport } from '../twin/types.ts';
import { viewReceipt } from './consenting.ts';
import { readFeatures, readTwin, type Home } from './home.ts';
import { placesOf, valueOf, type Predicting } from './predicting.ts';

export async function exportTwin(home: Home, predicting: Predicting): Promise<TwinExport> {
  const { settings, platform, store, tasks, key } = home;
  const { subject, controller } = settings;
  const now = platform.clock();
  const { consents } = await readTwin(home);
  const state = await readFeatures(home);
  const features: TwinExport['features'][number][] = [];
  const predictions: TwinExport['predictions'][number][] = [];
  const reports: TwinExport['reports'][number][] = [];
  const roles: TwinExport['roles'][number][] = [];
  for (const task of tasks.specs()) {
    const { taskId } = task;
    const row = featureRow(state, task, now, new Set(task.features.map(({ category }) => category)));
    for (const { index, at, width } of placesOf(task)) {
      const feature = task.features[index] as (typeof task.features)[number];
      const inputs = [...row.subarray(at, at + width)];
      const { name, category } = feature;
      features.push({ task: taskId, feature: name, category, value: valueOf(state, feature, now), inputs });
    }
    const predicted = await predicting.predict(taskId);
    predictions.push(predicted.predicted ? predicted.prediction : withoutGuess(taskId, predicted));
    for (const { round, kind, rcHash, outcome } of await store.readReports(taskId))
      reports.push({ task: taskId, round, kind, rcHash, outcome });
    const drawn = await store.drawRoles(taskId, [subject], () => drawRole(task, platform.random));
    const role = drawn.get(subject);
    if (role !== undefined) roles.push({ task: taskId, role });
  }
  return {
    format: 'urn:twinkeep:twin-export:1',
    at: new Date(now).toISOString(),
    subject,
    controller,
    deviceKey: key.id,
    events: await store.readEvents(subject),
    consents: consents.map(viewReceipt),
    features,
    predictions,
    reports,
    roles,
  };
}

function withoutGuess(
  task: string,
  { reason, why, detail }: Extract<Awaited<ReturnType<Predicting['predict']>>, { predicted: false }>,
): TwinExport['predictions'][number] {
  return { inferred: true, task, reason, why, ...(detail === undefined ? {} : { detail }) };
}
