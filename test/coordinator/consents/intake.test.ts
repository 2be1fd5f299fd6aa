import {
  base64UrlToBytes,
  leafToEnvelope,
  utf8ToBytes,
  verifyCommitment,
  verifyExport,
} from '@twinkeep/audit';
import { PATHS, verifyConsentReceipt } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { consentOf, createNode, type TestNode } from '../support/node.ts';
import { createDevice, createSubject } from '../support/parties.ts';
import { digestTables } from '../support/tables.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let node: TestNode;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  node = await createNode(world.parties, 3);
});

function send(jws: readonly unknown[], from: TestNode = node): Promise<Answer> {
  return world.client.sendAs(from.device, { method: 'POST', path: PATHS.consents, body: { events: jws } });
}

/** Refused with this code, and nothing has changed. */
async function expectRefusal(code: string, request: () => Promise<Answer>): Promise<void> {
  const before = await digestTables(world.sql);
  const answer = await request();
  expect(answer).toMatchObject({ code });
  expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
  expect(await digestTables(world.sql)).toBe(before);
}

describe('consent events that are taken', () => {
  it('get receipts with which their senders find them in the log, and no one else', async () => {
    const events = await Promise.all(node.twins.map((twin) => consentOf(node, twin)));
    const { receipts } = await world.sendConsents(
      node,
      events.map(({ jws }) => jws),
    );
    expect(receipts.map(({ event }) => event)).toEqual(events.map(({ id }) => id));
    for (const [i, { leaf, salt, index }] of receipts.entries()) {
      const bytes = base64UrlToBytes(leaf);
      expect(leafToEnvelope(bytes).type).toBe('consent');
      expect(verifyCommitment(bytes, events[i]!.jws, base64UrlToBytes(salt))).toBe(true);
      expect(verifyCommitment(bytes, events[i]!.jws, new Uint8Array(32))).toBe(false);
      const { rows } = await world.sql.query<{ leaf: Buffer }>(
        'select leaf from log_leaves where leaf_index = $1',
        [index],
      );
      expect(new Uint8Array(rows[0]!.leaf)).toEqual(bytes);
    }
  });

  it('get the same receipts when they are sent again, alone or among new ones', async () => {
    const [a, b] = [await consentOf(node, node.twins[0]!), await consentOf(node, node.twins[1]!)];
    const first = await world.sendConsents(node, [a.jws]);
    expect(await world.sendConsents(node, [a.jws])).toEqual(first);
    const both = await world.sendConsents(node, [a.jws, b.jws, b.jws]);
    // The proof is under the checkpoint of now, the rest is what it was.
    const [{ proof: _, ...stays }] = first.receipts as [(typeof first.receipts)[0]];
    expect(both.receipts[0]).toMatchObject(stays);
    for (const [i, { jws }] of [a, b, b].entries())
      verifyConsentReceipt(both.receipts[i]!, jws, world.parties.trust.log.vkey);
    expect(both.receipts[1]).toEqual(both.receipts[2]);
    expect(both.receipts[1]!.index).toBe(first.receipts[0]!.index + 1);
  });

  it('may follow each other within one upload', async () => {
    const twin = node.twins[0]!;
    const chain = [
      await consentOf(node, twin),
      await consentOf(node, twin),
      await consentOf(node, twin, 'withdraw'),
    ];
    const { receipts } = await world.sendConsents(
      node,
      chain.map(({ jws }) => jws),
    );
    expect(receipts.map(({ index }) => index - receipts[0]!.index)).toEqual([0, 1, 2]);
  });

  it("are of the subject of the credential where the device is one person's, and of nobody else", async () => {
    const device = await createDevice(world.parties, { maxTwins: 1 });
    const own: TestNode = { device, party: 'https://nobody.test', twins: [device.sub], events: new Map() };
    expect(
      (await send([(await consentOf(own, device.sub, 'grant', { by: 'subject' })).jws], own)).status,
    ).toBe(200);
    const asCollector = await consentOf(own, device.sub);
    await expectRefusal('consent/foreign', () => send([asCollector.jws], own));
    const forAnother = await consentOf(own, createSubject(), 'grant', { by: 'subject' });
    await expectRefusal('consent/foreign', () => send([forAnother.jws], own));
    const nodeAsSubject = await consentOf(node, node.twins[0]!, 'grant', { by: 'subject' });
    await expectRefusal('consent/foreign', () => send([nodeAsSubject.jws]));
  });

  it('never come out of the exported log', async () => {
    const event = await consentOf(node, node.twins[0]!);
    await world.sendConsents(node, [event.jws]);
    const { body } = await world.client.send({ method: 'GET', path: PATHS.logExport });
    const text = new TextDecoder().decode(body as Uint8Array);
    for (const secret of [event.jws, event.jws.split('.')[1]!, node.twins[0]!, event.id])
      expect(text).not.toContain(secret);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield utf8ToBytes(text);
    }
    const report = await verifyExport(chunks(), { vkey: world.parties.trust.log.vkey });
    expect(report.types['consent']).toBeGreaterThan(0);
    expect(report.disclosed).toBe(0);
  });
});

describe('consent events that are refused, whole and without a trace', () => {
  it('with a signature, header or payload that was changed', async () => {
    const { jws } = await consentOf(node, node.twins[0]!);
    const [header, payload, signature] = jws.split('.') as [string, string, string];
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    for (const bad of [
      `${header}.${payload}.${flipped}`,
      `${header}.${payload}`,
      'not a jws',
      `${header}.e30.${signature}`,
    ])
      await expectRefusal('consent/invalid', () => send([bad]));
  });

  it('signed by another key than the request proves', async () => {
    const other = await createNode(world.parties, 1);
    const { jws } = await consentOf(other, other.twins[0]!);
    await expectRefusal('consent/foreign', () => send([jws]));
  });

  it('about a subject that another key spoke for first', async () => {
    const first = await createNode(world.parties, 1, 'first');
    await world.sendConsents(first, [(await consentOf(first, first.twins[0]!)).jws]);
    for (const type of ['grant', 'withdraw'] as const) {
      const { jws } = await consentOf(node, first.twins[0]!, type, { prev: null });
      await expectRefusal('consent/foreign', () => send([jws]));
    }
  });

  it('for another party than the key named first', async () => {
    await world.sendConsents(node, [(await consentOf(node, node.twins[0]!)).jws]);
    const { jws } = await consentOf(node, node.twins[1]!, 'grant', { party: 'https://elsewhere.test' });
    await expectRefusal('consent/foreign', () => send([jws]));
  });

  it('with a counter that was used, or a link that leads nowhere', async () => {
    const twin = node.twins[0]!;
    const first = await consentOf(node, twin);
    await world.sendConsents(node, [first.jws]);
    const again = await consentOf(node, twin, 'grant', { seq: 1, prev: first.id });
    await expectRefusal('consent/conflict', () => send([again.jws]));
    const lost = await consentOf(node, twin, 'grant', { seq: 5, prev: `sha-256:${'B'.repeat(42)}A` });
    await expectRefusal('consent/conflict', () => send([lost.jws]));
  });

  it('dated in the future, or over before they arrive', async () => {
    const twin = node.twins[0]!;
    const ahead = await consentOf(node, twin, 'grant', { at: Date.now() + 600_000 });
    await expectRefusal('consent/invalid', () => send([ahead.jws]));
    const at = Date.now() - 864e5;
    const over = await consentOf(node, twin, 'grant', { at, validUntil: at + 3_600_000, seq: 1, prev: null });
    await expectRefusal('consent/invalid', () => send([over.jws]));
  });

  it('in an upload of which any other event is refused', async () => {
    const good = await consentOf(node, node.twins[0]!);
    const bad = await consentOf(node, node.twins[1]!, 'grant', { at: Date.now() + 600_000 });
    await expectRefusal('consent/invalid', () => send([good.jws, bad.jws]));
    expect((await send([good.jws])).status).toBe(200);
  });

  it('in an upload that has not its form', async () => {
    const post = (body: object): Promise<Answer> =>
      world.client.sendAs(node.device, { method: 'POST', path: PATHS.consents, body });
    for (const body of [
      {},
      { events: [] },
      { events: [1] },
      { events: Array(257).fill('x') },
      { events: ['x'], more: 1 },
      [],
    ])
      await expectRefusal('request/malformed', () => post(body));
    await expectRefusal('request/malformed', () =>
      world.client.sendAs(node.device, {
        method: 'POST',
        path: PATHS.consents,
        body: utf8ToBytes('{'),
        type: 'application/json',
      }),
    );
    await expectRefusal('request/media-type', () =>
      world.client.sendAs(node.device, {
        method: 'POST',
        path: PATHS.consents,
        body: utf8ToBytes('{}'),
        type: 'text/plain',
      }),
    );
    await expectRefusal('request/too-large', () => post({ events: Array(256).fill('x'.repeat(8_000)) }));
  });
});

describe('withdrawing', () => {
  it('needs no intact chain: a gap in the counter or a lost link does not stop it', async () => {
    const twin = node.twins[0]!;
    await world.sendConsents(node, [(await consentOf(node, twin)).jws]);
    const lost = `sha-256:${'C'.repeat(42)}A`;
    const withdrawal = await consentOf(node, twin, 'withdraw', {
      seq: 9,
      prev: lost,
      at: Date.now() + 864e5,
    });
    expect((await send([withdrawal.jws])).status).toBe(200);
    const subject = createSubject();
    const unasked = await consentOf(node, subject, 'withdraw');
    expect((await send([unasked.jws])).status).toBe(200);
  });
});
