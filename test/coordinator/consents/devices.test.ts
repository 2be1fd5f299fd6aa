/** Several who speak for one subject, over HTTP: each device of the person, an agent the person named, and what they read back. */
import { createRecordId, decide } from '@twinkeep/consent';
import { MAX_HISTORY_EVENTS, PATHS, randomBytes, thumbprint, verifyConsentReceipt } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsentLedger } from '../../../coordinator/consents/ledger.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { openVault } from '../../../coordinator/store/vault.ts';
import { consentOf } from '../support/node.ts';
import { createDevice, createSubject } from '../support/parties.ts';
import { createSpeaker, readHistory, send, speak, speakOf, synchronise } from '../support/speak.ts';
import { PURPOSE, smallTask } from '../support/task.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const DAY = 86_400_000;
const instant = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

describe('two devices of one person', () => {
  it('speak for the same subject, and each reads back what the other said, proved', async () => {
    const subject = createSubject();
    const phone = await createSpeaker(world.parties, subject);
    const tablet = await createSpeaker(world.parties, subject);
    const yes = await speak(phone, { type: 'grant' });
    expect((await send(world.client, phone, yes)).status).toBe(200);
    const [seen] = await synchronise(world.client, tablet);
    expect(seen?.jws).toBe(yes.jws);
    verifyConsentReceipt(seen!.receipt, yes.jws, world.parties.trust.log.vkey);
    const no = await speak(tablet, { type: 'withdraw' });
    expect((await send(world.client, tablet, no)).status).toBe(200);
    const back = await synchronise(world.client, phone);
    expect(back.map(({ jws }) => jws)).toEqual([yes.jws, no.jws]);
    expect(phone.state.heads).toEqual([no.id]);
    const onlyNew = await readHistory(world.client, phone.device, '?others=true');
    expect(onlyNew.events.map(({ jws }) => jws)).toEqual([no.jws]);
    const later = await readHistory(world.client, phone.device, `?after=${back[0]!.receipt.index}`);
    expect(later).toMatchObject({ events: [{ jws: no.jws }], next: null });
  });

  it('that did not see each other: the most restrictive counts, in whatever order they come', async () => {
    for (const order of [0, 1]) {
      const subject = createSubject();
      const [phone, tablet] = [
        await createSpeaker(world.parties, subject),
        await createSpeaker(world.parties, subject),
      ];
      const said = [
        { who: phone, event: await speak(phone, { type: 'grant' }) },
        { who: tablet, event: await speak(tablet, { type: 'withdraw' }) },
      ];
      for (const { who, event } of order === 0 ? said : said.toReversed())
        expect((await send(world.client, who, event)).status).toBe(200);
      await synchronise(world.client, phone);
      expect(phone.state.heads).toHaveLength(2);
      const { categories } = smallTask();
      const question = {
        subject,
        categories,
        purpose: PURPOSE,
        sector: 'general' as const,
        operation: 'contribute' as const,
      };
      expect(decide(question, phone.state, Date.now())).toMatchObject({ allow: false, reason: 'withdrawn' });
      // A yes that has seen both is the last word.
      expect((await send(world.client, phone, await speak(phone, { type: 'grant' }))).status).toBe(200);
      expect(decide(question, phone.state, Date.now()).allow).toBe(true);
    }
  });

  it('have a counter each, and neither may use a number of its own twice', async () => {
    const subject = createSubject();
    const [phone, tablet] = [
      await createSpeaker(world.parties, subject),
      await createSpeaker(world.parties, subject),
    ];
    await send(world.client, phone, await speak(phone, { type: 'grant' }));
    await synchronise(world.client, tablet);
    expect((await send(world.client, tablet, await speak(tablet, { type: 'grant' }))).status).toBe(200);
    const again = await speak(phone, { type: 'withdraw', seq: 1 });
    expect(await send(world.client, phone, again)).toMatchObject({ code: 'consent/conflict' });
  });
});

describe('a key that was taken out of use', () => {
  it("says no more than no, and its reports are not the subject's", async () => {
    const subject = createSubject();
    const [phone, tablet] = [
      await createSpeaker(world.parties, subject),
      await createSpeaker(world.parties, subject),
    ];
    await send(world.client, phone, await speak(phone, { type: 'grant' }));
    const retired = thumbprint(phone.device.key.publicKey);
    const added = thumbprint(tablet.device.key.publicKey);
    const rotation = await speakOf(phone, { type: 'key_rotate', key: { retired, added } });
    expect((await send(world.client, phone, rotation)).status).toBe(200);
    const yes = await speak(phone, { type: 'grant' });
    expect(await send(world.client, phone, yes)).toMatchObject({ code: 'consent/foreign' });

    const { categories } = smallTask();
    const question = {
      categories,
      purpose: PURPOSE,
      sector: 'general' as const,
      operation: 'contribute' as const,
    };
    const db = openDatabase(world.databaseUrl, () => undefined);
    const ledger = createConsentLedger(await openVault(db, world.parties.vaultKey, randomBytes));
    const reports = [retired, added].map((jkt) => ({ members: [subject], sub: subject, jkt }));
    expect(await ledger.judge(db, question, reports, Date.now())).toEqual(['foreign', null]);
    await db.destroy();

    const read = { method: 'GET', path: PATHS.consents };
    expect(await world.client.sendAs(phone.device, read)).toMatchObject({ code: 'consent/foreign' });
    expect((await send(world.client, phone, await speak(phone, { type: 'withdraw' }))).status).toBe(200);
  });
});

describe('an agent', () => {
  it('speaks once the subject has named it, within its time, and reads; a stranger does neither', async () => {
    const subject = createSubject();
    const phone = await createSpeaker(world.parties, subject);
    const device = await createDevice(world.parties, { maxTwins: 1 });
    const agent = await createSpeaker(world.parties, subject, device);
    const id = createRecordId(Date.now(), randomBytes(10));
    const provenance = { by: 'agent' as const, delegation: id };
    await send(world.client, phone, await speak(phone, { type: 'refuse' }));
    const early = await speak(agent, { type: 'withdraw', provenance });
    expect(await send(world.client, agent, early)).toMatchObject({ code: 'consent/foreign' });
    const path = `${PATHS.consents}?subjects=${subject}`;
    expect(await world.client.sendAs(device, { method: 'GET', path })).toMatchObject({
      code: 'consent/foreign',
    });

    const record = {
      id,
      role: 'agent' as const,
      kid: thumbprint(device.key.publicKey),
      categories: ['behavioral' as const, 'transactional' as const],
      purposes: [PURPOSE],
      operations: ['contribute' as const],
      notAfter: instant(Date.now() + DAY),
    };
    const named = await speakOf(phone, { type: 'delegate', delegate: record });
    expect((await send(world.client, phone, named)).status).toBe(200);
    await synchronise(world.client, agent);
    expect(agent.state.heads).toEqual([named.id]);
    // An agent does not overrule the subject's own no.
    const overruling = await speak(agent, { type: 'grant', provenance });
    expect(await send(world.client, agent, overruling)).toMatchObject({ code: 'consent/conflict' });
    await synchronise(world.client, agent);
    const stopping = await speak(agent, { type: 'withdraw', provenance });
    expect((await send(world.client, agent, stopping)).status).toBe(200);
    const other = await createSpeaker(
      world.parties,
      subject,
      await createDevice(world.parties, { maxTwins: 1 }),
    );
    const forged = await speak(other, { type: 'withdraw', provenance });
    expect(await send(world.client, other, forged)).toMatchObject({ code: 'consent/foreign' });

    // Once it is over, the agent reads nothing more, and may still say no.
    await synchronise(world.client, phone);
    const end = await speakOf(phone, { type: 'undelegate', delegation: id });
    expect((await send(world.client, phone, end)).status).toBe(200);
    expect(await world.client.sendAs(device, { method: 'GET', path })).toMatchObject({
      code: 'consent/foreign',
    });
    const last = await speak(agent, { type: 'withdraw', provenance });
    expect((await send(world.client, agent, last)).status).toBe(200);
  });
});

describe('reading consents back', () => {
  it('shows a region node its own customers and nobody else, a page at a time', async () => {
    const node = await world.addNode(MAX_HISTORY_EVENTS + 6, 'reader');
    const other = await world.addNode(2, 'stranger');
    const first = await readHistory(world.client, node.device);
    expect(first.events).toHaveLength(MAX_HISTORY_EVENTS);
    expect(first.next).toBe(first.events.at(-1)!.receipt.index);
    const second = await readHistory(world.client, node.device, `?after=${first.next}`);
    expect(second).toMatchObject({ next: null });
    const read = [...first.events, ...second.events].map(({ jws }) => jws);
    expect(new Set(read)).toEqual(new Set([...node.events.values()].flat().map(({ jws }) => jws)));
    expect((await readHistory(world.client, node.device, '?others=true')).events).toEqual([]);
    const foreign = { method: 'GET', path: `${PATHS.consents}?subjects=${other.twins[0]}` };
    expect(await world.client.sendAs(node.device, foreign)).toMatchObject({ code: 'consent/foreign' });
    const unknown = { method: 'GET', path: `${PATHS.consents}?subjects=${createSubject()}` };
    expect(await world.client.sendAs(node.device, unknown)).toMatchObject({ code: 'consent/foreign' });
  });

  it('of nobody known is empty for the subject itself, and takes a proof', async () => {
    const device = await createDevice(world.parties, { maxTwins: 1 });
    expect(await readHistory(world.client, device)).toMatchObject({ events: [], next: null });
    expect(await world.client.send({ method: 'GET', path: PATHS.consents })).toMatchObject({
      code: 'auth/missing',
    });
    for (const query of ['?subjects=', '?subjects=x', '?after=-1', '?after=x'])
      expect(
        await world.client.sendAs(device, { method: 'GET', path: PATHS.consents + query }),
      ).toMatchObject({ code: 'request/malformed' });
  });

  it('a person whose twin is at a region node sees what the node said, and may say no to it', async () => {
    const node = await world.addNode(1, 'clinic');
    const subject = node.twins[0]!;
    const phone = await createSpeaker(world.parties, subject);
    expect(await synchronise(world.client, phone)).toHaveLength(1);
    const no = await speak(phone, { type: 'withdraw' });
    expect((await send(world.client, phone, no)).status).toBe(200);
    const { events } = await readHistory(world.client, node.device, '?others=true');
    expect(events.map(({ jws }) => jws)).toEqual([no.jws]);
    // The node's records do not overrule what the person said.
    const again = await consentOf(node, subject, 'grant', { prev: no.id });
    expect(
      await world.client.sendAs(node.device, {
        method: 'POST',
        path: PATHS.consents,
        body: { events: [again.jws] },
      }),
    ).toMatchObject({ code: 'consent/conflict' });
  });
});
