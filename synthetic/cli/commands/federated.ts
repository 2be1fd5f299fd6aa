import {
  parseTrust,
  PATHS,
  ProtocolError,
  roundResultsSchema,
  type LoggedStatement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { fitPublished, type Published } from '@twinkeep/synthetic/federated';
import { SyntheticError } from '@twinkeep/synthetic/synthesize';
import * as v from 'valibot';
import { needed, type Run } from '../command.ts';
import { readJson, writeWhole } from '../files.ts';
import { argument, promise, readSchema } from './read.ts';

/** From a coordinator that anybody may read, of which nothing is believed that the trust file does not vouch for. */
export const fitTask: Run = async ({ values, flags }) => {
  const [taskId] = argument(values, 1, 'fit-task takes a TASK');
  const out = needed(flags, 'out');
  const trust = await readTrust(needed(flags, 'trust'));
  const published = await fetchPublished(needed(flags, 'coordinator'), taskId as string);
  const model = fitPublished(published, trust, await readSchema(flags.schema));
  await writeWhole(out, [JSON.stringify(model)]);
  const twins = model.lineage.results.map((result) => result.twins).join(', ');
  return `mst of the counts of ${twins} twins in ${out}. ${promise(model)}`;
};

async function readTrust(file: string): Promise<Trust> {
  try {
    return parseTrust(await readJson(file));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new SyntheticError('synthetic/schema', error.message, { file });
  }
}

async function fetchPublished(coordinator: string, taskId: string): Promise<Published> {
  const task = (await (await get(coordinator, PATHS.task(taskId))).json()) as LoggedStatement<TaskSpec>;
  const results: Published['results'][number][] = [];
  for (let after = 0; ;) {
    const page = v.parse(
      roundResultsSchema,
      await (await get(coordinator, `${PATHS.results(taskId)}?after=${after}`)).json(),
    );
    results.push(...page.results.map(({ result }) => result));
    const last = page.results.at(-1)?.result.statement.body.round;
    if (last === undefined) break;
    after = last;
  }
  const sealed = results.findLast(({ statement }) => statement.body.status === 'sealed');
  if (sealed === undefined)
    throw new SyntheticError('synthetic/data', `task ${taskId} has no sealed round yet`);
  const answer = await get(coordinator, PATHS.model(sealed.statement.body.modelOut));
  return { task, results, counts: new Uint8Array(await answer.arrayBuffer()) };
}

async function get(coordinator: string, path: string): Promise<Response> {
  const response = await fetch(new URL(path, coordinator));
  if (!response.ok)
    throw new SyntheticError('synthetic/data', `${path}: the coordinator answers ${response.status}`);
  return response;
}
