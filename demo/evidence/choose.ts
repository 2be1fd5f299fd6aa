/** A customer and a model that there is something to say about. Read from the coordinator's own tables, which whoever runs everything may. */
import pg from 'pg';
import { DemoError } from '../errors.ts';

export interface Case {
  subject: string;
  model: string;
  /** That made the model. */
  rounds: number;
}

/** @throws DemoError 'demo/usage' where nothing was trained, or nobody contributed */
export async function chooseCase(
  databaseUrl: string,
  asked: { subject: string | undefined; model: string | undefined },
): Promise<Case> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const model = asked.model ?? (await newestModel(client));
    const rounds = await roundsOf(client, model);
    const subject = asked.subject ?? (await contributorTo(client, rounds));
    return { subject, model, rounds: rounds.length };
  } finally {
    await client.end();
  }
}

async function newestModel(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ hash: string }>(
    'select hash from models where made_by is not null order by created_at desc limit 1',
  );
  if (rows[0] === undefined)
    throw new DemoError(
      'demo/usage',
      'No model was trained here yet. Run "npm start -- --exit" to its end first.',
    );
  return rows[0].hash;
}

async function roundsOf(client: pg.Client, model: string): Promise<string[]> {
  const { rows } = await client.query<{ rc_hash: string }>(
    `with recursive back (made_by) as (
      select made_by from models where hash = $1
      union
      select m.made_by from back b join rounds r on r.sc_hash = b.made_by
        join statements s on s.hash = r.rc_hash
        join models m on m.hash = s.statement::jsonb #>> '{body,modelHash}')
    select r.rc_hash from back join rounds r on r.sc_hash = back.made_by`,
    [model],
  );
  return rows.map(({ rc_hash }) => rc_hash);
}

/** Whoever was in most of the rounds; of several, always the same. */
async function contributorTo(client: pg.Client, rounds: readonly string[]): Promise<string> {
  const { rows } = await client.query<{ subject: string }>(
    `select subject from contributions, unnest(subjects) as subject
      where rc_hash = any($1::text[]) and disposition = 'in-set' and subject is not null
      group by subject order by count(*) desc, subject limit 1`,
    [rounds],
  );
  if (rows[0] === undefined)
    throw new DemoError(
      'demo/usage',
      'Nobody contributed to this model, or whoever did was erased. Name another --model.',
    );
  return rows[0].subject;
}
