/**
 * The check of a coordinator's database, and whoever owns that database. `TAMPER` says how many changes are tried, `TAMPER_SEED` which.
 */
import { cosign, createNoteKey, createSigner, noteKeyToVkey, readNote } from '@twinkeep/audit';
import { EVIDENCE_PATH, randomBytes, type Trust } from '@twinkeep/protocol';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { checkDatabase, type Diagnosis } from '../../coordinator/fsck/run.ts';
import { openDatabase } from '../../coordinator/store/database.ts';
import { createLogStore } from '../../coordinator/store/log-store.ts';
import type { Db } from '../../coordinator/store/schema.ts';
import { openVault } from '../../coordinator/store/vault.ts';
import { createDevice, createSubject, PUBLIC_URL } from './support/parties.ts';
import { createSpeaker, send, speak } from './support/speak.ts';
import { createDraw, createTamperer, type Tamperer } from './support/tamper.ts';
import { smallTask } from './support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type World } from './support/world.ts';

const MUTATIONS = Number(process.env['TAMPER'] ?? 200);
const SEED = Number(process.env['TAMPER_SEED'] ?? 1);
const WITNESS = { name: 'w.example', signer: createSigner(new Uint8Array(32).fill(9)) };

const TABLES = [
  'log_head',
  'log_leaves',
  'log_hashes',
  'witnessed_heads',
  'statements',
  'vault',
  'subject_keys',
  'consent_events',
  'consent_subjects',
  'collectors',
  'contributions',
] as const;

/** Changed below, one by one. */
const OTHERS = ['speakers', 'officer_access', 'vault_key', 'erased_subjects'] as const;

let world: World;
let db: Db;
let trust: Trust;
let tamperer: Tamperer;
beforeAll(async () => {
  const { nodes, round, ...made } = await createRoundWorld(smallTask(), [2, 3, 12]);
  ({ world } = made);
  for (const node of nodes)
    mustSucceed(await world.upload(node, round, await reportOf(node, round.config, round.rcHash)));
  await world.helpersJudge();
  for (let i = 0; i < 6; i++) {
    const phone = await createSpeaker(world.parties, createSubject());
    for (const type of ['grant', 'withdraw'] as const) {
      const event = await speak(phone, { type });
      mustSucceed(await send(world.client, phone, event));
    }
  }
  const officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  const body = { target: { kind: 'period', from: 0, to: Date.now() }, reason: 'a yearly review' };
  mustSucceed(await world.client.sendAs(officer, { method: 'POST', path: EVIDENCE_PATH, body }));
  db = openDatabase(world.databaseUrl, () => undefined);
  const gone = await createSpeaker(world.parties, createSubject());
  mustSucceed(await send(world.client, gone, await speak(gone, { type: 'grant' })));
  const vault = await openVault(db, world.parties.vaultKey, randomBytes);
  await db.transaction().execute((tx) => vault.erase(tx, gone.subject, Date.now()));

  const vkey = noteKeyToVkey(createNoteKey(WITNESS.name, WITNESS.signer.publicKey, 'cosignature'));
  const witnesses = { threshold: 1, witnesses: [{ name: WITNESS.name, operator: 'W', vkey }] };
  trust = { ...world.parties.trust, witnesses };
  const head = await createLogStore(db).head();
  const line = await cosign(readNote(head!.note, []).text, WITNESS, 1_800_000_000);
  await db
    .insertInto('witnessed_heads')
    .values({ ...head!, cosignatures: line })
    .execute();
  // Nobody else writes from here on.
  await world.stop();
  const url = new URL(inject('testPostgres'));
  url.pathname = new URL(world.databaseUrl).pathname;
  tamperer = await createTamperer(url.href, [...TABLES, ...OTHERS]);
});
afterAll(async () => {
  await tamperer.stop();
  await db.destroy();
});

const check = (): Promise<Diagnosis> => checkDatabase(db, { trust, vaultKey: world.parties.vaultKey });

describe('a database as it was written', () => {
  it('has nothing to be found, and every leaf is accounted for', async () => {
    const diagnosis = await check();
    expect(diagnosis.findings).toEqual([]);
    const { statements, consents, accesses, erased } = diagnosis.leaves;
    expect(diagnosis).toMatchObject({
      ok: true,
      leaves: { consents: 29, accesses: 1, erased: 1 },
      contributions: 3,
    });
    expect(statements + consents + accesses + erased).toBe(diagnosis.size);
    expect(diagnosis.subjectKeys).toBeGreaterThanOrEqual(23);
  });

  it('says how far it is', async () => {
    const steps: string[] = [];
    await checkDatabase(db, { trust, vaultKey: world.parties.vaultKey }, (what) => void steps.push(what));
    expect([...new Set(steps)]).toEqual([
      'leaves hashed',
      'leaves opened',
      'subject keys opened',
      'rounds looked at',
    ]);
  });
});

describe(`${MUTATIONS} changes by whoever owns the database`, () => {
  it('are found, each of them, in the table in which they were made or where it shows', async () => {
    const draw = createDraw(SEED);
    const missed: string[] = [];
    const tally = { found: 0, refused: 0 };
    for (let i = 0; i < MUTATIONS; i++) {
      const table = TABLES[i % TABLES.length] as string;
      const mutation = await tamperer.mutate(table, draw);
      if (mutation === null) {
        // The database would not have it: the next one counts.
        tally.refused++;
        i -= 1;
        await tamperer.restore(table);
        continue;
      }
      const { ok, findings } = await check();
      if (ok) missed.push(`${table}.${mutation.what}`);
      else tally.found++;
      expect(findings.every(({ where, problem }) => where !== '' && problem !== '')).toBe(true);
      await tamperer.restore(table);
    }
    expect(missed).toEqual([]);
    expect(tally.found).toBe(MUTATIONS);
    expect(await check()).toMatchObject({ ok: true });
    if (process.env['TAMPER'] !== undefined) process.stderr.write(`${JSON.stringify(tally)}\n`);
  }, 600_000);
});

describe('what is found', () => {
  afterEach(async () => {
    for (const table of [...TABLES, ...OTHERS]) await tamperer.restore(table);
  });

  const last = '(select max(leaf_index) from consent_events)';
  const cases: [name: string, sql: string, where: RegExp, problem: RegExp][] = [
    [
      'a leaf',
      `update log_leaves set leaf = set_byte(leaf, 9, 65) where leaf_index = 3`,
      /^log_leaves or log_hashes, leaf 3$/,
      /leaves lead to/,
    ],
    [
      'a missing leaf',
      `delete from log_leaves where leaf_index = 5`,
      /^log_leaves or log_hashes, leaf 5$/,
      /missing/,
    ],
    [
      'a stored hash',
      `update log_hashes set hash = set_byte(hash, 0, 1 # get_byte(hash, 0)) where level = 2 and node_index = 1`,
      /^log_hashes, level 2, index 1$/,
      /leaves lead to/,
    ],
    [
      'a head of another key',
      `update log_head set note = replace(note, '—', '-')`,
      /^log_head$/,
      /checkpoint/,
    ],
    ['a head taken away', `update log_head set root = null, note = null`, /^log_head$/, /signature/],
    [
      'a leaf too many',
      `insert into log_leaves select leaf_index + 1, leaf from log_leaves order by leaf_index desc limit 1`,
      /^log_leaves, leaf \d+$/,
      /beyond the signed head/,
    ],
    [
      'a hash too many',
      `insert into log_hashes values (40, 0, '\\x00')`,
      /^log_hashes, level 40, index 0$/,
      /no complete subtree/,
    ],
    [
      'a consent under another subject',
      `update consent_events set subject = (select min(subject) from subject_keys) where leaf_index = ${last}`,
      /^vault, leaf \d+$/,
      /under its subject's key/,
    ],
    [
      'a consent that the vault has lost',
      `delete from vault where leaf_index = ${last}`,
      /^consent_events/,
      /vault/,
    ],
    [
      'a consent that the ledger has lost',
      `delete from consent_events where leaf_index = ${last}`,
      /^vault, leaf \d+$/,
      /no consent event/,
    ],
    [
      'two vault rows exchanged',
      `update vault v set sealed = (select sealed from vault w where w.leaf_index <> v.leaf_index
        order by w.leaf_index limit 1) where v.leaf_index = ${last}`,
      /^vault, leaf \d+$/,
      /does not open/,
    ],
    [
      'a subject key',
      `update subject_keys set wrapped = set_byte(wrapped, 3, 1 # get_byte(wrapped, 3))
        where subject = (select subject from consent_events where leaf_index = ${last})`,
      /^vault, leaf \d+$/,
      /does not open/,
    ],
    [
      'a statement taken away',
      `delete from statements where type = 'task'`,
      /^log_leaves, leaf \d+$/,
      /nothing opens it, and it is of type task/,
    ],
    [
      'a statement reworded',
      `update statements set statement = replace(statement, 'Who is about to leave', 'Who is about to pay') where type = 'task'`,
      /^statements, leaf \d+$/,
      /not what the leaf commits to/,
    ],
    [
      'a statement spelled differently',
      `update statements set statement = statement || ' ' where type = 'task'`,
      /^statements, leaf \d+$/,
      /not spelled/,
    ],
    [
      'a collector for a person who spoke alone',
      `update consent_subjects set collector = 'x' where collector is null`,
      /^consent_subjects, subject of leaf \d+$/,
      /another collector/,
    ],
    [
      'what an officer took out',
      `update officer_access set body = replace(body, 'yearly', 'weekly')`,
      /^officer_access, leaf \d+$/,
      /not what the leaf commits to/,
    ],
    ['a credential', `update speakers set sub = 'x'`, /^speakers, key /, /another key or pseudonym/],
    [
      'a report said to have been in the set',
      `update contributions set disposition = 'helper-refused' where ctid = (select min(ctid) from contributions)`,
      /^contributions, round \S+$/,
      /set commit names/,
    ],
    [
      'a member exchanged for another',
      `update contributions set subjects[1] = subjects[2], salts[1] = salts[2] where cardinality(subjects) = 12`,
      /^contributions, round \S+$/,
      /cannot be read as it was written/,
    ],
    [
      'a member leaf',
      `update contributions set leaves = set_byte(leaves, 5, 1 # get_byte(leaves, 5)) where cardinality(subjects) = 12`,
      /^contributions, round \S+, report \S+$/,
      /not those that its device signed/,
    ],
    [
      'a consent deleted whole, where nobody was erased',
      `delete from erased_subjects; delete from vault where leaf_index = ${last};
        delete from consent_events where leaf_index = ${last}`,
      /^consent_events$/,
      /nothing is left of 2 consents in the log, and nobody was erased/,
    ],
    ['a speaker taken away', `delete from speakers`, /^speakers, key /, /missing/],
    ['another vault key', `update vault_key set key_check = '\\x00'`, /^vault_key$/, /./],
    [
      'a head that no witness has seen',
      `update witnessed_heads set cosignatures = replace(cosignatures, 'w.example', 'v.example')`,
      /^witnessed_heads, size \d+$/,
      /cosignatures/,
    ],
    [
      'a published head larger than the log',
      `update witnessed_heads set size = size + 1`,
      /^witnessed_heads, size \d+$/,
      /not the head that was signed/,
    ],
  ];
  it.each(cases)('names first: %s', async (_name, sql, where, problem) => {
    await tamperer.query(sql);
    const { ok, findings } = await check();
    expect(ok).toBe(false);
    expect(findings[0]?.where).toMatch(where);
    expect(findings[0]?.problem).toMatch(problem);
  });

  it('is all of it, up to a bound, and counted beyond', async () => {
    await tamperer.query(`update vault set sealed = '\\x00'`);
    const { findings, more } = await check();
    expect(findings).toHaveLength(29);
    expect(more).toBe(0);
  });

  it('names no subject', async () => {
    await tamperer.query(`update vault set sealed = '\\x00'; update consent_subjects set collector = 'x'`);
    const subjects = (await db.selectFrom('subject_keys').select('subject').execute()).map(
      ({ subject }) => subject,
    );
    const said = JSON.stringify(await check());
    expect(subjects.filter((subject) => said.includes(subject))).toEqual([]);
  });
});

describe('the command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeep-fsck-'));
    const { key, logKey, vaultKey } = world.parties;
    const config = {
      listen: { host: '127.0.0.1', port: 0 },
      publicUrl: PUBLIC_URL,
      databaseUrl: world.databaseUrl,
      trustFile: 'trust.json',
      keyFile: 'key.json',
      logKeyFile: 'log.json',
      vaultKeyFile: 'vault.key',
      witnesses: [{ name: WITNESS.name, url: 'http://127.0.0.1:9' }],
    };
    const files = { 'config.json': config, 'trust.json': trust, 'key.json': key, 'log.json': logKey };
    for (const [name, value] of Object.entries(files))
      await writeFile(join(folder, name), JSON.stringify(value));
    await writeFile(join(folder, 'vault.key'), Buffer.from(vaultKey).toString('base64url'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (...flags: string[]): Promise<{ status: number; stdout: string }> =>
    new Promise((resolve) => {
      const command = join(import.meta.dirname, '../../coordinator/bin/twinkeep-coordinator.js');
      const args = [command, 'fsck', '--config', join(folder, 'config.json'), ...flags];
      execFile(process.execPath, args, (error, stdout) =>
        resolve({ status: error === null ? 0 : Number(error.code), stdout }),
      );
    });

  it('says in words that all is well, and ends with 0', async () => {
    const { status, stdout } = await run();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^the log and all that it vouches for are as they were written\n\d+ leaves: /);
  });

  it('says first what is wrong and where, and ends with 1; in JSON too', async () => {
    await tamperer.query(`update log_leaves set leaf = set_byte(leaf, 9, 65) where leaf_index = 3`);
    const { status, stdout } = await run();
    const { status: jsonStatus, stdout: json } = await run('--json');
    await tamperer.restore('log_leaves');
    expect(status).toBe(1);
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^\d+ things are not as written$/),
      'log_leaves or log_hashes, leaf 3: the stored hash is not the one that the leaves lead to',
    ]);
    expect(jsonStatus).toBe(1);
    expect((JSON.parse(json) as Diagnosis).findings[0]).toEqual({
      where: 'log_leaves or log_hashes, leaf 3',
      problem: 'the stored hash is not the one that the leaves lead to',
    });
  });
});
