/** Gates G2 and G3 say why: to the device that reports, and in what the set commit counts. */
import { PATHS, randomBytes } from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createLogStore } from '../../../coordinator/store/log-store.ts';
import { openVault } from '../../../coordinator/store/vault.ts';
import type { Answer } from '../support/client.ts';
import { consentOf, createNode, type TestNode } from '../support/node.ts';
import { createDevice, createSubject } from '../support/parties.ts';
import { smallTask } from '../support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type OpenRound, type World } from '../support/world.ts';

let world: World;
afterEach(() => world.stop());

async function open(
  nodes: readonly number[],
  nTarget = nodes.length,
): Promise<{ nodes: TestNode[]; round: OpenRound }> {
  const floors = { nMin: 2, nTarget, minTwins: 2, maxTwins: 1_000 };
  const made = await createRoundWorld(smallTask({ floors }), nodes);
  world = made.world;
  return made;
}

const upload = async (node: TestNode, round: OpenRound, members?: string[]): Promise<Answer> => {
  const options = members === undefined ? {} : { members };
  return world.upload(node, round, await reportOf(node, round.config, round.rcHash, options));
};

async function say(
  node: TestNode,
  ...args: Parameters<typeof consentOf> extends [unknown, ...infer Rest] ? Rest : never
): Promise<void> {
  await world.sendConsents(node, [(await consentOf(node, ...args)).jws]);
}

/** A person with one device, which reports for itself. */
async function addPerson(): Promise<TestNode> {
  const device = await createDevice(world.parties, { maxTwins: 1 });
  const person = { device, party: 'https://nobody.test', twins: [device.sub], events: new Map() };
  await say(person, device.sub, 'grant', { by: 'subject' });
  return person;
}

const FLOOR = { secAgg: { minCohort: 3 } };

describe('a report', () => {
  it('is refused with the reason of the twin that may not be in it', async () => {
    const { nodes, round } = await open([4, 3, 2], 9);
    const [node, other] = nodes as [TestNode, TestNode];
    // Members stand in the order of their pseudonyms: of each pair only one is denied.
    const [a, b, c, d] = node.twins as [string, string, string, string];
    const refusal = async (members: string[]): Promise<unknown> => {
      const { code, body } = await upload(node, round, members);
      expect(code).toBe('report/consent');
      return (body as { detail: string }).detail;
    };
    expect(await refusal([a, createSubject()])).toBe('never-asked');
    expect(await refusal([a, other.twins[0]!])).toBe('foreign');
    await say(node, b, 'withdraw');
    expect(await refusal([a, b])).toBe('withdrawn');
    await say(node, c, 'grant', { floor: FLOOR });
    expect(await refusal([a, c])).toBe('cohort-below-floor');
    const epsilon = { dp: { epsMaxMicro: 1_000_000, deltaMaxPico: 1_000_000, unit: 'user' as const } };
    await say(node, a, 'grant', { floor: epsilon });
    expect(await refusal([a, d])).toBe('privacy-loss-above-floor');
    const stranger = await createNode(world.parties, 2);
    expect(await upload(stranger, round)).toMatchObject({ code: 'report/consent' });
  });

  it('of a person counts from each of their devices, but not of another person by a device', async () => {
    const { nodes, round } = await open([2], 9);
    const person = await addPerson();
    const tablet = await createDevice(world.parties, { maxTwins: 1, sub: person.device.sub });
    expect((await upload({ ...person, device: tablet }, round)).status).toBe(202);
    const another = await addPerson();
    const wrong = await upload({ ...another, twins: [nodes[0]!.twins[0]!] }, round);
    expect(wrong).toMatchObject({ code: 'report/consent' });
  });
});

describe('a report that was taken', () => {
  it('is dropped whole for what is said before the set is fixed, and counted by why', async () => {
    const { nodes, round } = await open([2, 2, 2, 2, 2, 2]);
    for (const node of nodes) mustSucceed(await upload(node, round));
    const [withdrawn, floor, erased, byOfficer] = nodes as [TestNode, TestNode, TestNode, TestNode];
    await say(withdrawn, withdrawn.twins[0]!, 'withdraw');
    await say(floor, floor.twins[1]!, 'grant', { floor: FLOOR });
    await erase(erased.twins[0]!);
    const officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
    const path = PATHS.subjectConsents(byOfficer.twins[0]!);
    const body = { type: 'restrict', evidence: [{ kind: 'ticket', value: 'T-1' }] };
    mustSucceed(await world.client.sendAs(officer, { method: 'POST', path, body }));
    await world.helpersJudge();
    const { rows } = await world.sql.query<{ disposition: string }>(
      'select disposition from reports order by place',
    );
    expect(rows.map(({ disposition }) => disposition)).toEqual([
      'consent-withdrawn',
      'consent-floor',
      'consent-missing',
      'consent-withdrawn',
      'in-set',
      'in-set',
    ]);
    await world.helpersReveal();
    const { lastResult } = await world.offer('churn');
    expect(lastResult?.statement.body).toMatchObject({
      status: 'sealed',
      count: 2,
      twins: 4,
      dropped: [
        { reason: 'consent-floor', count: 1 },
        { reason: 'consent-missing', count: 1 },
        { reason: 'consent-withdrawn', count: 2 },
      ],
    });
  });
});

describe('a withdrawal that races with the set', () => {
  it('through two processes either stands before the size that the set names, and the report is out, or behind it', async () => {
    const { nodes, round } = await open([2, 2, 2, 2, 2, 2, 2, 2]);
    for (const node of nodes) mustSucceed(await upload(node, round));
    const { client } = await world.startAnother();
    const withdrawals = await Promise.all(
      nodes.slice(0, 6).map((node) => consentOf(node, node.twins[1]!, 'withdraw')),
    );
    const withdraw = async (i: number): Promise<void> => {
      const body = { events: [withdrawals[i]!.jws] };
      // Spread over the time in which the helpers judge.
      await new Promise((resolve) => setTimeout(resolve, 25 * i));
      const through = i % 2 === 0 ? world.client : client;
      mustSucceed(await through.sendAs(nodes[i]!.device, { method: 'POST', path: PATHS.consents, body }));
    };
    await Promise.all([world.helpersJudge(), ...withdrawals.map((_, i) => withdraw(i))]);
    const { rows: sets } = await world.sql.query<{ size: number }>(
      "select (statement::jsonb #>> '{body,consent,size}')::int as size from statements where type = 'set-commit'",
    );
    const { rows } = await world.sql.query<{ id: string; place: number; disposition: string }>(
      `select e.event_id as id, e.leaf_index::int as place, r.disposition
       from consent_events e join reports r on r.jkt = e.jkt`,
    );
    const [set] = sets as [(typeof sets)[0]];
    for (const { id } of withdrawals) {
      const { place, disposition } = rows.find((row) => row.id === id)!;
      expect(disposition).toBe(place < set.size ? 'consent-withdrawn' : 'in-set');
    }
    expect(rows.filter(({ disposition }) => disposition === 'in-set').length).toBeGreaterThanOrEqual(4);
  });
});

async function erase(subject: string): Promise<void> {
  const db = openDatabase(world.databaseUrl, () => undefined);
  try {
    const vault = await openVault(db, world.parties.vaultKey, randomBytes);
    await db.transaction().execute(async (tx) => {
      await createLogStore(tx, 'lock-head').head();
      await vault.erase(tx, subject, Date.now());
    });
  } finally {
    await db.destroy();
  }
}
