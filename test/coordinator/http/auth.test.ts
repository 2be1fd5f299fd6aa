import { createProof, createSigningKey, PATHS, type ProofRequest } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNonces } from '../../../coordinator/http/nonce.ts';
import type { Answer, Call } from '../support/client.ts';
import { createDevice, PUBLIC_URL, type Device } from '../support/parties.ts';
import { digestTables } from '../support/tables.ts';
import { smallTask } from '../support/task.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let device: Device;
let nonce: string;
beforeAll(async () => {
  world = await createWorld();
  device = await createDevice(world.parties);
  const answer = await world.client.send({ method: 'GET', path: PATHS.nonce });
  expect(answer.status).toBe(204);
  nonce = answer.headers.get('DPoP-Nonce') as string;
});
afterAll(() => world.stop());

const CONSENTS: Call = { method: 'POST', path: PATHS.consents, body: { events: ['x'] } };

/** A request whose papers are in order but for `changes`; what a good one meets is 'consent/invalid', since its event is none. */
async function request(changes: {
  proof?: Partial<ProofRequest>;
  key?: Device['key'];
  jwt?: string;
  now?: Date;
  headers?: Record<string, string>;
  call?: Partial<Call>;
}): Promise<Answer> {
  const { jwt = device.jwt, key = device.key } = changes;
  const call = { ...CONSENTS, ...changes.call };
  const wanted = {
    method: call.method,
    url: PUBLIC_URL + call.path,
    credential: jwt,
    nonce,
    ...changes.proof,
  };
  const proof = await createProof(key, wanted, changes.now ?? new Date());
  return world.client.send({
    ...call,
    headers: { Authorization: `DPoP ${jwt}`, DPoP: proof, ...changes.headers },
  });
}

async function expectRefusal(code: string, made: Promise<Answer>): Promise<Answer> {
  const before = await digestTables(world.sql);
  const answer = await made;
  expect(answer).toMatchObject({ code });
  expect(await digestTables(world.sql)).toBe(before);
  return answer;
}

describe('a device', () => {
  it('comes through with papers in order', async () => {
    await expectRefusal('consent/invalid', request({}));
  });

  it('without a credential, a proof or either', async () => {
    await expectRefusal('auth/missing', world.client.send(CONSENTS));
    await expectRefusal('auth/missing', request({ headers: { Authorization: '' } }));
    await expectRefusal('auth/missing', request({ headers: { Authorization: `Bearer ${device.jwt}` } }));
    await expectRefusal(
      'auth/missing',
      world.client.send({ ...CONSENTS, headers: { Authorization: `DPoP ${device.jwt}` } }),
    );
  });

  it('without the nonce, or with one of another server, is told the right one', async () => {
    const { DPoP } = {
      DPoP: await createProof(
        device.key,
        { method: 'POST', url: PUBLIC_URL + PATHS.consents, credential: device.jwt },
        new Date(),
      ),
    };
    const answer = await expectRefusal('auth/nonce', request({ headers: { DPoP } }));
    expect(answer.headers.get('DPoP-Nonce')).toBe(nonce);
    expect(answer.headers.get('WWW-Authenticate')).toContain('use_dpop_nonce');
    await expectRefusal('auth/nonce', request({ proof: { nonce: 'A'.repeat(22) } }));
  });

  it('with a proof that was used', async () => {
    const wanted = { method: 'POST', url: PUBLIC_URL + PATHS.consents, credential: device.jwt, nonce };
    const DPoP = await createProof(device.key, wanted, new Date());
    await expectRefusal('consent/invalid', request({ headers: { DPoP } }));
    await expectRefusal('auth/replay', request({ headers: { DPoP } }));
  });

  it('with a proof that was used at another process of the coordinator', async () => {
    const { client } = await world.startAnother();
    const wanted = { method: 'POST', url: PUBLIC_URL + PATHS.consents, credential: device.jwt, nonce };
    const DPoP = await createProof(device.key, wanted, new Date());
    const headers = { Authorization: `DPoP ${device.jwt}`, DPoP };
    expect(await client.send({ ...CONSENTS, headers })).toMatchObject({ code: 'consent/invalid' });
    await expectRefusal('auth/replay', request({ headers: { DPoP } }));
  });

  it.each([
    ['another address', { proof: { url: `${PUBLIC_URL}/v1/elsewhere` } }],
    [
      'the address it listens at instead of its public one',
      { proof: { url: `http://127.0.0.1${PATHS.consents}` } },
    ],
    ['another method', { proof: { method: 'PUT' } }],
    ['another credential', { proof: { credential: 'another' } }],
    ['another time', { now: new Date(Date.now() - 400_000) }],
    ['a time to come', { now: new Date(Date.now() + 400_000) }],
    ['no JWT', { headers: { DPoP: 'x.y.z' } }],
    ['two proofs', { headers: { DPoP: 'a, b' } }],
  ])('with a proof for %s', async (_, changes) => {
    await expectRefusal('auth/proof', request(changes));
  });

  it('with a proof by another key than its credential names', async () => {
    await expectRefusal('auth/proof', request({ key: await createSigningKey() }));
  });

  it('with a credential that is expired, of a foreign issuer, for another audience, or changed', async () => {
    const expired = await createDevice(world.parties, {
      issuedAt: new Date(Date.now() - 7_200_000),
      lifetime: 60,
    });
    await expectRefusal('auth/credential-expired', request(expired));
    const foreign = await createDevice(world.parties, {
      issuer: { id: 'https://issuer.test', key: await createSigningKey() },
    });
    await expectRefusal('auth/credential', request(foreign));
    const named = await createDevice(world.parties, {
      issuer: { ...world.parties.issuer, id: 'https://other.test' },
    });
    await expectRefusal('auth/credential', request(named));
    const trust = {
      ...world.parties.trust,
      coordinator: { ...world.parties.trust.coordinator, id: 'https://another.test' },
    };
    await expectRefusal('auth/credential', request(await createDevice({ ...world.parties, trust })));
    const [header, payload, signature] = device.jwt.split('.') as [string, string, string];
    const more = Buffer.from(payload, 'base64url').toString().replace('"maxTwins":1000', '"maxTwins":9999');
    const jwt = `${header}.${Buffer.from(more).toString('base64url')}.${signature}`;
    await expectRefusal('auth/credential', request({ jwt }));
    await expectRefusal('auth/credential', request({ jwt: 'a.b.c' }));
  });

  it('stays expired where its credential was good before', async () => {
    const short = await createDevice(world.parties, { lifetime: 1 });
    await expectRefusal('consent/invalid', request(short));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await expectRefusal('auth/credential-expired', request(short));
  });

  it('may not publish tasks, nor an operator send consents', async () => {
    await expectRefusal(
      'auth/forbidden',
      world.client.sendAs(device, { method: 'POST', path: PATHS.tasks, body: smallTask() }),
    );
    await expectRefusal('auth/forbidden', world.client.sendAs(world.operator, CONSENTS));
  });
});

describe('a helper', () => {
  it('is known by the key that is pinned for its number, and by nothing else', async () => {
    const path = PATHS.helperWork(1);
    const [first, second] = world.parties.helpers as [Device['key'], Device['key']];
    expect(await world.client.sendAsHelper(first, { method: 'GET', path })).toMatchObject({ status: 200 });
    await expectRefusal('auth/forbidden', world.client.sendAsHelper(second, { method: 'GET', path }));
    await expectRefusal(
      'auth/forbidden',
      world.client.sendAsHelper(await createSigningKey(), { method: 'GET', path }),
    );
    await expectRefusal('auth/missing', world.client.send({ method: 'GET', path }));
    await expectRefusal(
      'request/not-found',
      world.client.sendAsHelper(first, { method: 'GET', path: '/v1/helpers/9/work' }),
    );
    await expectRefusal(
      'request/not-found',
      world.client.sendAsHelper(first, { method: 'GET', path: '/v1/helpers/01/work' }),
    );
  });
});

describe('nonces', () => {
  it('are accepted beside their window, and not two windows later; another secret makes others', () => {
    let now = 1_000_000_000;
    const nonces = createNonces(new Uint8Array(32).fill(1), () => now);
    const first = nonces.current();
    const others = createNonces(new Uint8Array(32).fill(2), () => now);
    expect(others.accepts(first)).toBe(false);
    expect(nonces.accepts('')).toBe(false);
    const accepted: boolean[] = [];
    for (let minute = 0; minute < 8; minute++, now += 60_000) accepted.push(nonces.accepts(first));
    expect(accepted[0]).toBe(true);
    expect(accepted.lastIndexOf(true) * 60_000).toBeLessThan(nonces.lifetime);
    expect(accepted.at(-1)).toBe(false);
    expect(nonces.current()).not.toBe(first);
  });
});
