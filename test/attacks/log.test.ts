/** A coordinator that shows one log to some and another to others, both under the log's own key. */
import { setsOfHelper, helperFamily, type LogEntry } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createParties } from '../region/support/parties.ts';
import { connectSql } from '../region/support/sql.ts';
import { createScript, otherWork, workOf } from '../region/support/script.ts';
import {
  clearSum,
  cosignWith,
  createHouse,
  epochsOf,
  firstRound,
  openWith,
  readyOf,
  twinDecides,
  type House,
} from './support/house.ts';
import { createWitness, witnessedBy, type Witness } from './support/witness.ts';

describe('without witnesses', () => {
  let house: House;
  beforeAll(async () => {
    house = await createHouse();
  });
  afterAll(() => house.close());
  beforeEach(() => house.reset());

  // Defence: edge-client/region/helper/follow-log.ts, `followLog`: the root of all leaves read must be that of the head.
  it('a helper that has read one log follows no other, ever, and keeps both heads', async () => {
    const [helper] = house.helpers;
    const before = await house.accepted();
    await helper.work(
      workOf(before.config, { set: await house.script.commit(before.config, before.reports) }),
    );
    const kept = await helper.store.logPosition();
    const { config, reports } = await house.accepted();
    // Another history, longer than the one that the helper has read.
    const rewritten = await createScript(house.parties);
    const set = await rewritten.commit(config, reports);
    for (let more = 0; more < kept.size; more++) await rewritten.task();
    const shown = { ...set, commit: await rewritten.underHead(set.commit) };
    rewritten.serve();
    await helper.work(workOf(config, { set: shown }));
    expect(helper.refusals).toEqual(['helper/log']);
    expect(helper.sent.readies).toHaveLength(1);

    await helper.restart();
    house.script.serve();
    await helper.work(workOf(config, { set: await house.script.commit(config, reports) }));
    expect(helper.refusals).toEqual(['helper/log', 'helper/log']);
    const position = await helper.store.logPosition();
    expect(position.refused).toContain(`does not continue that of ${kept.size}`);
    expect({ size: position.size, note: position.note }).toEqual({ size: kept.size, note: kept.note });
    const sql = connectSql(helper.databaseUrl);
    const [row] = await sql.query<{ refused_note: string }>('SELECT refused_note FROM log');
    await sql.end();
    expect(shown.commit.proof).toContain(row!.refused_note);
  });

  it('leaves that an answer got wrong are asked for again', async () => {
    const [, helper] = house.helpers;
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports);
    const { entries } = house.script;
    const right = entries[0] as LogEntry;
    entries[0] = entries[1] as LogEntry;
    await helper.work(workOf(config, { set }));
    expect(helper.refusals).toEqual(['helper/log']);
    expect(helper.sent.readies).toEqual([]);
    entries[0] = right;
    await helper.work(workOf(config, { set }));
    expect(helper.sent.readies).toHaveLength(1);
  });

  // Defence: edge-client/region/helper/follow-log.ts, `followLog` again, from the middle of the log.
  it('leaves put in between are noticed by whoever goes on from there', async () => {
    const [, , helper] = house.helpers;
    const first = await house.accepted();
    await helper.work(workOf(first.config, { set: await house.script.commit(first.config, first.reports) }));
    expect(helper.sent.readies).toHaveLength(1);
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports);
    const { size } = await helper.store.logPosition();
    const hidden = house.script.entries.splice(size, 1, { leaf: first.config.leaf });
    await helper.work(workOf(config, { set }));
    house.script.entries.splice(size, 1, ...hidden);
    expect(helper.refusals).toEqual(['helper/log']);
    expect(helper.sent.readies).toHaveLength(1);
  });

  // Defence: edge-client/round/log.ts, `requireContinuation`.
  it('a twin that has seen one log takes part in none that does not continue it', async () => {
    const task = await house.script.task();
    const seen = (await house.script.log.head())!.note;
    const fork = await createHouse(house.parties, await createScript(house.parties));
    const forkedTask = await fork.script.append(task.statement);
    const config = await cosignWith(
      fork,
      await fork.script.proposal(
        fork.helpers.map(({ epoch }) => epoch),
        firstRound(task),
        forkedTask,
      ),
    );
    const epochs = await epochsOf(fork);
    const decide = (note: string | null) => twinDecides(fork, forkedTask, config, { epochs }, { seen: note });
    expect(await decide(null)).toHaveProperty('rcHash');
    expect(await decide(seen)).toMatchObject({ stayHome: 'log-inconsistent' });
    await fork.close();
    house.script.serve();
  });
});

describe('with witnesses, in log mode', () => {
  let house: House;
  let witnesses: Witness[];
  let task: Awaited<ReturnType<House['script']['task']>>;
  beforeAll(async () => {
    const parties = await createParties();
    witnesses = ['one', 'two', 'three'].map((name) => createWitness(`witness.test/${name}`));
    parties.trust.witnesses = { threshold: 2, witnesses: witnesses.map(({ entry }) => entry) };
    const script = await createScript(parties, witnessedBy(witnesses, parties.trust.log.vkey));
    house = await createHouse(parties, script);
    task = await script.task({ helpers: { m: 4, c: 1, mode: 'log', q: 2 } });
  });
  afterAll(() => house.close());
  beforeEach(() => house.reset());

  it('two of four helpers open a set that the log holds alone, without a word between them', async () => {
    const { config, reports } = await house.accepted({}, task);
    const [, two, , four] = house.helpers;
    const set = await house.script.commit(config, reports);
    for (const helper of [two, four]) await helper.work(workOf(config, { set }));
    const sums = [two, four].flatMap(({ j, sent }) => sent.sums.map((bytes) => ({ j, bytes })));
    expect(sums).toHaveLength(2);
    expect([...openWith(house, config, reports, sums)!]).toEqual([...clearSum(reports)]);
    expect(house.helpers.flatMap(({ sent }) => sent.readies)).toEqual([]);
    expect(setsOfHelper(helperFamily(4, 1), 2)).toHaveLength(3);
  });

  // Defence: edge-client/region/helper/answer.ts, `requireOnlySet`.
  it('a second set is refused by helpers that never heard of the first', async () => {
    const { config, reports } = await house.accepted({}, task);
    const [one, two, three, four] = house.helpers;
    const first = await house.script.commit(config, reports);
    for (const helper of [one, two]) await helper.work(workOf(config, { set: first }));
    const second = await house.script.commit(config, reports.slice(1));
    for (const helper of [three, four]) await helper.work(workOf(config, { set: second }));
    expect([one, two].map(({ sent }) => sent.sums.length)).toEqual([1, 1]);
    for (const helper of [three, four]) {
      expect(helper.sent.sums).toEqual([]);
      expect(helper.refusals).toEqual(['helper/set']);
    }
  });

  // Defence: edge-client/protocol/verify-logged.ts, `verifyWitnessed`: nobody acts on a head that too few witnesses cosigned.
  it('a set in another log has too few cosignatures, with one witness for an accomplice', async () => {
    const { config, reports } = await house.accepted({}, task);
    const [one, two] = house.helpers;
    const accomplice = createWitness('witness.test/three');
    const [, , third] = house.parties.trust.witnesses!.witnesses;
    const honest = third!.vkey;
    third!.vkey = accomplice.entry.vkey;
    const fork = await house.script.fork();
    const first = await house.script.commit(config, reports);
    await one.work(workOf(config, { set: first }));
    expect(one.sent.sums).toHaveLength(1);
    // The honest two have cosigned the first log further than the fork goes; the third signs everything.
    const second = await fork.commit(config, reports.slice(1));
    fork.serve();
    const { vkey } = house.parties.trust.log;
    const head = (await fork.log.head())!;
    const everything = await witnessedBy([...witnesses.slice(0, 2), accomplice], vkey)(head, fork.log);
    expect(everything.split('\n— ')).toHaveLength(3);
    const proof = second.commit.proof.replace(head.note, everything);
    for (const shown of [second, { ...second, commit: { ...second.commit, proof } }])
      await two.work(workOf(config, { set: shown }));
    expect(two.sent.sums).toEqual([]);
    expect(two.refusals).toEqual(['protocol/proof', 'protocol/proof']);
    third!.vkey = honest;
    house.script.serve();
  });

  // Defence: the same, at the twin: edge-client/round/check.ts, `requireLogged`.
  it('two twins that are shown two logs do not both take part', async () => {
    const own = await house.script.task({ helpers: { m: 4, c: 1, mode: 'log', q: 2 } });
    const fork = await house.script.fork();
    const epochs = await epochsOf(house);
    const proposal = await house.script.proposal(
      house.helpers.map(({ epoch }) => epoch),
      firstRound(own),
      own,
    );
    const config = await cosignWith(house, proposal);
    expect(await twinDecides(house, own, config, { epochs })).toHaveProperty('rcHash');
    const elsewhere = await fork.append(config.statement);
    expect(await twinDecides({ ...house, script: fork }, own, elsewhere, { epochs })).toMatchObject({
      stayHome: 'config-refused',
    });
  });

  // Defence: edge-client/region/helper/check.ts, `requireTask`; at the twin edge-client/round/terms.ts, `requireTerms`.
  it('is refused by helper and twin where the trust root names no witness', async () => {
    const { trust } = house.parties;
    const policy = trust.witnesses;
    const own = await house.script.task({ helpers: { m: 4, c: 1, mode: 'log', q: 2 } });
    const epochs = await epochsOf(house);
    const proposal = await house.script.proposal(
      house.helpers.map(({ epoch }) => epoch),
      firstRound(own),
      own,
    );
    const config = await cosignWith(house, proposal, house.helpers.slice(1));
    trust.witnesses = null;
    const [one] = house.helpers;
    await one.work(otherWork({ proposals: [proposal] }));
    expect(one.refusals).toEqual(['helper/config']);
    expect(one.sent.cosignatures).toEqual([]);
    expect(await twinDecides(house, own, config, { epochs })).toMatchObject({ stayHome: 'no-witnesses' });
    trust.witnesses = policy;
  });

  // Defence: edge-client/region/helper/duties.ts, `workOnRound`: in quorum mode a set alone is no reason to answer.
  it('and quorum mode still waits for its quorum', async () => {
    const { config, reports } = await house.accepted();
    const [one] = house.helpers;
    const set = await house.script.commit(config, reports);
    await one.work(workOf(config, { set, readies: [await readyOf(house, set, 1)] }));
    expect(one.sent.sums).toEqual([]);
  });
});
