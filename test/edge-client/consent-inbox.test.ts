/** Devices of one person, the help desk, and a coordinator that may lie: over real HTTP, with a real log. */
import { createConsentSigner, decide, type ConsentEventType, type DecisionReason } from '@twinkeep/consent';
import {
  createChainSigner,
  createInbox,
  createOutbox,
  createTransport,
  readConsentChain,
  submitConsents,
  type Inbox,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import { PATHS, publicKeyToJwk, randomBytes, type ConsentHistory } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BASE, CONTROLLER, PURPOSE, TERMS } from '../consent/fixtures.ts';
import { createDevice, createSubject, PUBLIC_URL } from '../coordinator/support/parties.ts';
import { createWorld, type World } from '../coordinator/support/world.ts';
import { createMemoryTwinStore } from '../support/memory-twin-store.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

interface Device {
  kid: string;
  store: TwinStore;
  inbox: Inbox;
  sign(type: ConsentEventType): Promise<void>;
  deliver(): Promise<number>;
  /** What this device's own gate says of contributing. */
  gate(): Promise<DecisionReason>;
}

/** @param lie what becomes of the histories that it is answered */
async function open(
  subject: string,
  lie: (answer: ConsentHistory) => ConsentHistory = (it) => it,
): Promise<Device> {
  const device = await createDevice(world.parties, { maxTwins: 1, sub: subject });
  const { trust } = world.parties;
  const store = createMemoryTwinStore();
  await store.addTwin(subject, []);
  const transport = createTransport({
    baseUrl: PUBLIC_URL,
    key: device.key,
    credential: () => device.jwt,
    clock: Date.now,
    random: randomBytes,
    fetch: async (input, init) => {
      const url = String(input).replace(PUBLIC_URL, `http://127.0.0.1:${world.port}`);
      const answer = await fetch(url, init);
      if (!url.includes('others=true') || answer.status !== 200) return answer;
      const { status, headers } = answer;
      return new Response(JSON.stringify(lie((await answer.json()) as ConsentHistory)), { status, headers });
    },
  });
  const outbox = createOutbox({
    store,
    submit: (events) => submitConsents(transport, events, trust.log.vkey),
    onRefused: (error) => expect.unreachable(error.message),
  });
  const signer = await createConsentSigner(device.key.privateKey, publicKeyToJwk(device.key.publicKey));
  const chainOf = async () => (await store.readTwins([subject]))[0]!.consents;
  return {
    kid: device.key.id,
    store,
    inbox: createInbox({ store, transport, trust }),
    async sign(type) {
      const stored = await chainOf();
      const deps = { signer, controller: CONTROLLER, random: randomBytes, clock: Date.now };
      const chain = createChainSigner(deps, subject, stored);
      const { jurisdiction, notice, categories, operations, method } = BASE;
      const choice = { jurisdiction, notice, categories, operations, method, purpose: PURPOSE, terms: TERMS };
      await chain.add({ ...choice, type: type as 'grant' }, { by: 'subject' });
      await store.appendConsents(subject, stored.length, chain.added());
    },
    deliver: () => outbox.flush(),
    async gate() {
      const { logged, signed } = readConsentChain(await chainOf());
      const question = {
        subject,
        categories: { required: ['behavioral' as const], optional: [] },
        purpose: PURPOSE,
        operation: 'contribute' as const,
        sector: 'general' as const,
      };
      const answers = [logged, signed].map((state) => decide(question, state, Date.now()));
      return (answers.find(({ allow }) => !allow) ?? answers[0]!).reason;
    },
  };
}

let subject: string;
beforeEach(() => {
  subject = createSubject();
});

describe('two devices of one person', () => {
  it('a yes on one counts on the other, and so does a no', async () => {
    const [phone, tablet] = [await open(subject), await open(subject)];
    await phone.sign('grant');
    await phone.deliver();
    expect(await tablet.gate()).toBe('never-asked');
    expect(await tablet.inbox.read()).toMatchObject({ added: [{ subject }], leftOut: 0 });
    expect(await tablet.gate()).toBe('consented');
    await tablet.sign('withdraw');
    await tablet.deliver();
    expect(await phone.gate()).toBe('consented');
    await phone.inbox.read();
    expect(await phone.gate()).toBe('withdrawn');
    // It has seen the withdrawal, so its own yes lifts it, everywhere.
    await phone.sign('grant');
    await phone.deliver();
    await tablet.inbox.read();
    expect([await phone.gate(), await tablet.gate()]).toEqual(['consented', 'consented']);
  });

  it('that answered apart, offline, come to the same: the stricter of the two', async () => {
    const [phone, tablet] = [await open(subject), await open(subject)];
    await phone.sign('grant');
    await tablet.sign('withdraw');
    await phone.deliver();
    await tablet.deliver();
    for (const device of [phone, tablet]) {
      await device.inbox.read();
      expect(await device.gate()).toBe('withdrawn');
    }
  });

  it('read again, by whichever start, change nothing', async () => {
    const [phone, tablet] = [await open(subject), await open(subject)];
    await phone.sign('grant');
    await phone.deliver();
    await tablet.inbox.read();
    expect((await tablet.inbox.read()).added).toEqual([]);
    const [before] = await tablet.store.readTwins([subject]);
    expect(before!.consents).toHaveLength(1);
    expect(before!.consents[0]!.receipt).not.toBeNull();
  });
});

it('a withdrawal by the help desk reaches the device that granted', async () => {
  const phone = await open(subject);
  await phone.sign('grant');
  await phone.deliver();
  const officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  const body = { type: 'withdraw', evidence: [{ kind: 'ticket', value: 'T-1' }] };
  const said = await world.client.sendAs(officer, {
    method: 'POST',
    path: PATHS.subjectConsents(subject),
    body,
  });
  expect(said.status).toBe(200);
  await phone.inbox.read();
  expect(await phone.gate()).toBe('withdrawn');
});

describe('a coordinator that lies', () => {
  const granted = async (): Promise<void> => {
    const phone = await open(subject);
    await phone.sign('grant');
    await phone.deliver();
  };

  it.each<[string, (answer: ConsentHistory) => ConsentHistory]>([
    ['about whose key it was', (answer) => ({ ...answer, speakers: [] })],
    [
      'with the credential of somebody else',
      (answer) => ({
        ...answer,
        speakers: answer.speakers.map((each) => ({ ...each, key: 'A'.repeat(43) })),
      }),
    ],
    [
      'about its place in the log',
      (answer) => ({
        ...answer,
        events: answer.events.map(({ receipt, ...event }) => ({
          ...event,
          receipt: { ...receipt, index: receipt.index + 1 },
        })),
      }),
    ],
    [
      'with an event that was never logged',
      (answer) => ({
        ...answer,
        events: answer.events.map(({ jws, ...event }) => ({
          ...event,
          jws: `${jws.slice(0, -2)}${jws.endsWith('AA') ? 'BB' : 'AA'}`,
        })),
      }),
    ],
  ])('%s gives nothing', async (_, lie) => {
    await granted();
    const tablet = await open(subject, lie);
    expect(await tablet.inbox.read()).toEqual({ added: [], leftOut: 1 });
    expect(await tablet.gate()).toBe('never-asked');
  });

  it('about whose key it was cannot keep a no from counting', async () => {
    const [phone, tablet] = [
      await open(subject),
      await open(subject, (answer) => ({ ...answer, speakers: [] })),
    ];
    await tablet.sign('grant');
    await tablet.deliver();
    await phone.inbox.read();
    await phone.sign('withdraw');
    await phone.deliver();
    await tablet.inbox.read();
    expect(await tablet.gate()).toBe('withdrawn');
  });

  it('and keeps a no back does not make this device allow more than it knows', async () => {
    const phone = await open(subject);
    const tablet = await open(subject, (answer) => ({ ...answer, events: [] }));
    await phone.sign('withdraw');
    await phone.deliver();
    await tablet.inbox.read();
    expect(await tablet.gate()).toBe('never-asked');
  });
});
