import { bytesToBase64Url } from '@twinkeep/audit';
import { planOf } from '@twinkeep/edge-client/fleet';
import { randomBytes } from '@twinkeep/protocol';
import {
  customerBinding,
  importCsvFile,
  importEventFile,
  openRegion,
  refoldStaleTwins,
  taskFromMapping,
  withdrawConsent,
  type Mapping,
  type Region,
} from '@twinkeep/region';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dumpDatabase, finds } from './support/dump.ts';
import { connectSql } from './support/sql.ts';
import { createParties, createRegionFiles, type RegionFiles } from './support/parties.ts';

const canary = (): string => `canary-${bytesToBase64Url(randomBytes(24))}`;

/** High-entropy values in every place where something about a customer can be. */
const planted = {
  customer: canary(),
  words: [canary(), canary()],
  number: 123_456_789.123_456,
  freeText: canary(),
  label: canary(),
  eventId: bytesToBase64Url(randomBytes(24)),
  eventData: canary(),
  eventType: `type.${bytesToBase64Url(randomBytes(12))}`,
  statement: canary(),
};

const MAPPING: Mapping = {
  title: 'Canaries',
  source: 'crm',
  format: {},
  subject: 'id',
  columns: {
    word: { category: 'transactional', type: 'category', vocabulary: planted.words },
    number: { category: 'behavioral', type: 'number', bounds: [0, 1e9] },
    note: { category: 'feedback', type: 'category', vocabulary: ['none'], other: true },
  },
  label: {
    column: 'left',
    category: 'transactional',
    positive: [planted.label],
    negative: ['no'],
    horizonDays: 1,
  },
  consent: {
    purpose: 'https://w3id.org/dpv#ServiceOptimisation',
    notice: { id: 'n', version: '1', lang: 'en', text: 'May we?' },
    column: 'ok',
    granted: ['y'],
    evidence: planted.statement,
  },
};

let files: RegionFiles;
let region: Region;
let subject: string;
beforeAll(async () => {
  files = await createRegionFiles(await createParties());
  region = await openRegion(files.config);
  await importEverything();
});
afterAll(() => region.store.close());

async function importEverything(): Promise<void> {
  const [data, map, events, terms] = ['d.csv', 'm.json', 'e.ndjson', 't.json'].map((name) =>
    join(files.folder, name),
  ) as [string, string, string, string];
  await writeFile(map, JSON.stringify(MAPPING));
  await writeFile(
    data,
    `id,word,number,note,left,ok\n${planted.customer},${planted.words[0]},${planted.number},${planted.freeText},${planted.label},y\nother,${planted.words[1]},1,none,no,n\n`,
  );
  await importCsvFile(region, data, map);
  const { purpose, notice, evidence } = MAPPING.consent;
  await writeFile(terms, JSON.stringify({ purpose, notice, evidence }));
  const event = {
    id: planted.eventId,
    source: 'app',
    type: planted.eventType,
    time: new Date(Date.now() - 1000).toISOString(),
    category: 'feedback',
    data: { text: planted.eventData },
  };
  await writeFile(events, `${JSON.stringify({ customer: planted.customer, event })}\n`);
  expect((await importEventFile(region, events, terms)).events).toBe(1);
  subject = (await region.store.findTwin(customerBinding(planted.customer))) as string;
  // Features, roles and receipts are kept too.
  const task = taskFromMapping(MAPPING);
  const deps = {
    store: region.store,
    plan: planOf([task]),
    policy: region.policyFor([task]),
    clock: Date.now,
  };
  expect(await refoldStaleTwins(deps)).toBe(2);
  await region.store.drawRoles('task', [subject], () => 'hold-out');
  const [pending] = await region.store.pendingConsents(1);
  await region.store.addReceipts([
    {
      event: pending!.id,
      index: 424_242_424,
      leaf: bytesToBase64Url(randomBytes(60)),
      salt: bytesToBase64Url(randomBytes(32)),
      proof: bytesToBase64Url(randomBytes(300)),
    },
  ]);
  await region.store.transaction((session) => session.planWithdrawals([{ subject, share: 0.123_456_789 }]));
}

/** What must not be found, by name; with what shows that the search would find it. */
function secrets(): [string, string][] {
  return [
    ['customer number', planted.customer],
    ['word of a vocabulary', planted.words[0]!],
    ['number', String(planted.number)],
    ['free text', planted.freeText],
    ['label', planted.label],
    ['event id', planted.eventId],
    ['event type', planted.eventType],
    ['event data', planted.eventData],
    ['evidence within a consent', planted.statement],
    ['purpose within a consent', MAPPING.consent.purpose],
    ['event type of an import', 'attribute.set'],
    ['role', 'hold-out'],
    ['place in the log', '424242424'],
    ['planned withdrawal', '0.123456789'],
  ];
}

describe('the database of a region node', () => {
  it('shows no planted value in any row, while the node itself reads them all', async () => {
    const dump = await dumpDatabase(files.databaseUrl);
    for (const [what, value] of secrets()) expect([what, finds(dump, value)]).toEqual([what, false]);
    for (const key of [await readFile(join(files.folder, 'wrapping.key'), 'utf8')])
      expect(finds(dump, Buffer.from(key.trim(), 'base64url'))).toBe(false);
    expect(dump).toContain(subject);

    const [twin] = await region.store.readTwins([subject]);
    const features = new TextDecoder().decode(twin!.features ?? undefined);
    expect(features).toContain(planted.words[0]);
    expect(features).toContain(planted.freeText);
    expect(Buffer.from(twin!.consents[0]!.jws.split('.')[1]!, 'base64url').toString()).toContain(
      planted.statement,
    );
  });

  it('is searched by a search that finds each value where it stands in the clear', async () => {
    const client = connectSql(files.databaseUrl);
    await client.query('CREATE TABLE leak (text text, json jsonb, bytes bytea)');
    try {
      for (const [what, value] of secrets()) {
        for (const [column, leaked] of [
          ['text', `before ${value} after`],
          ['json', JSON.stringify({ at: value })],
          ['bytes', Buffer.from(`before ${value} after`)],
          // Eight characters within base64 would be found by chance; the role is searched for as text only.
          ...(value.length < 12
            ? []
            : ([['text', Buffer.from(`before ${value} after`).toString('base64')]] as const)),
        ] as const) {
          await client.query('DELETE FROM leak');
          await client.query(`INSERT INTO leak (${column}) VALUES ($1)`, [leaked]);
          expect([what, column, finds(await dumpDatabase(files.databaseUrl), value)]).toEqual([
            what,
            column,
            true,
          ]);
        }
      }
    } finally {
      await client.query('DROP TABLE leak');
      await client.end();
    }
  });

  it('keeps in the clear only pseudonyms, tags, days, counts and what is public', async () => {
    const client = connectSql(files.databaseUrl);
    const rows = await client.query<{ name: string; type: string; comment: string | null }>(
      `SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, null) AS type, col_description(c.oid, a.attnum) AS comment
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
    );
    await client.end();
    for (const { name, comment } of rows) expect([name, (comment ?? '').length > 5]).toEqual([name, true]);
    const clear = rows
      .filter(({ name, type }) => type !== 'bytea' && !name.startsWith('report.'))
      .map(({ name }) => name);
    expect(clear).toEqual([
      'binding.subject',
      'consent.position',
      'consent.subject',
      'event.last_day',
      'event.subject',
      'feature.subject',
      'node.checkpoint',
      'node.id',
      'planned_withdrawal.subject',
      'role.subject',
      'role.task_id',
      'schema_step.step',
      'twin.revision',
      'twin.subject',
      'twin_key.subject',
    ]);
  });

  it('opens no row that was moved to another twin, table or place', async () => {
    const other = region.store.subjectOf('other');
    const client = connectSql(files.databaseUrl);
    const restore = async (work: () => Promise<void>): Promise<void> => {
      await client.query('CREATE TABLE kept AS SELECT * FROM feature');
      await work();
      await client.query(
        'DELETE FROM feature; INSERT INTO feature SELECT * FROM kept; DROP TABLE kept; UPDATE twin SET revision = revision + 1',
      );
    };
    await restore(async () => {
      await client.query(
        `UPDATE feature SET sealed = (SELECT sealed FROM kept WHERE subject = $1) WHERE subject = $2`,
        [subject, other],
      );
      await client.query('UPDATE twin SET revision = revision + 1');
      await expect(region.store.readTwins([other])).rejects.toMatchObject({ code: 'store/unreadable' });
    });
    await restore(async () => {
      await client.query(
        'UPDATE feature SET sealed = (SELECT sealed FROM consent WHERE subject = $1 LIMIT 1) WHERE subject = $1',
        [subject],
      );
      await client.query('UPDATE twin SET revision = revision + 1');
      await expect(region.store.readTwins([subject])).rejects.toMatchObject({ code: 'store/unreadable' });
    });
    await restore(async () => {
      await client.query(
        'UPDATE twin_key SET wrapped = (SELECT wrapped FROM twin_key WHERE subject = $1) WHERE subject = $2',
        [subject, other],
      );
      await expect(region.store.readTwins([other])).rejects.toMatchObject({ code: 'store/unreadable' });
    });
    await client.query('DELETE FROM twin WHERE subject = $1', [other]);
    await client.end();
    expect(await region.store.readTwins([subject])).toHaveLength(1);
  });

  it('without the row of a twin’s key has nothing of that twin left, for this node or anybody', async () => {
    const client = connectSql(files.databaseUrl);
    const sealed = await client.query<{ sealed: Buffer }>('SELECT sealed FROM event WHERE subject = $1', [
      subject,
    ]);
    const keys = await client.query<{ wrapped: Buffer }>('SELECT wrapped FROM twin_key WHERE subject = $1', [
      subject,
    ]);
    expect(sealed.length).toBeGreaterThan(3);
    await client.query('DELETE FROM twin_key WHERE subject = $1', [subject]);
    expect(await region.store.findTwin(customerBinding(planted.customer))).toBeNull();
    expect(await region.store.listTwins(null, 10)).not.toContain(subject);
    expect(await region.store.readTwins([subject])).toEqual([]);
    expect(await region.store.pendingConsents(10)).toEqual([]);
    await expect(withdrawConsent(region, subject, [{ kind: 'statement', value: 'x' }])).rejects.toMatchObject(
      { code: 'store/unknown-twin' },
    );

    // The rows are still there, and the key that opened them is nowhere: a twin that is imported again begins anew.
    expect((await client.query('SELECT tag FROM event WHERE subject = $1', [subject])).length).toBe(
      sealed.length,
    );
    const imported = await importCsvFile(region, join(files.folder, 'd.csv'), join(files.folder, 'm.json'));
    expect(imported).toMatchObject({ added: 2 });
    const newKeys = await client.query<{ wrapped: Buffer }>(
      'SELECT wrapped FROM twin_key WHERE subject = $1',
      [subject],
    );
    expect(newKeys[0]!.wrapped.equals(keys[0]!.wrapped)).toBe(false);
    const after = await client.query<{ sealed: Buffer }>('SELECT sealed FROM event WHERE subject = $1', [
      subject,
    ]);
    expect(after.some((row) => sealed.some((old) => old.sealed.equals(row.sealed)))).toBe(false);
    await client.end();
  });
});
