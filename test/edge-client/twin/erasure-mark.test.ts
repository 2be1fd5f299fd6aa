/** Whose erasure it is: only this device's own ends the twin that lives here. */
import { consentEventId, createConsentSigner } from '@twinkeep/consent';
import { createChainSigner, type ConsentEntry } from '@twinkeep/edge-client/fleet';
import { createSigningKey, publicKeyToJwk, randomBytes, type SigningKey } from '@twinkeep/protocol';
import { beforeAll, expect, it } from 'vitest';
import { ERASURE_METHOD, isErasing } from '../../../edge-client/worker/erasure-mark.ts';
import { BASE, CONTROLLER, PURPOSE, SUBJECT } from '../../consent/fixtures.ts';

let phone: SigningKey;
let tablet: SigningKey;
beforeAll(async () => {
  [phone, tablet] = [await createSigningKey(), await createSigningKey()];
});

async function withdraw({ privateKey, publicKey }: SigningKey, method: string): Promise<ConsentEntry> {
  const signer = await createConsentSigner(privateKey, publicKeyToJwk(publicKey));
  const deps = { signer, controller: CONTROLLER, random: randomBytes, clock: Date.now };
  const chain = createChainSigner(deps, SUBJECT, []);
  const { jurisdiction, notice, categories, operations } = BASE;
  const choice = { jurisdiction, notice, categories, operations, method, purpose: PURPOSE };
  await chain.add({ ...choice, type: 'withdraw' }, { by: 'subject' });
  return { ...chain.added()[0]!, receipt: null };
}

it('is known by the last word, signed here', async () => {
  const [erasure, other] = [await withdraw(phone, ERASURE_METHOD), await withdraw(phone, 'toggle')];
  expect(await isErasing([], phone)).toBe(false);
  expect(await isErasing([other, erasure], phone)).toBe(true);
  expect(await isErasing([erasure, other], phone)).toBe(false);
});

it("is another device's own affair", async () => {
  expect(await isErasing([await withdraw(phone, ERASURE_METHOD)], tablet)).toBe(false);
});

it.each(['', 'AAAA', '!', 'A'.repeat(86)])(
  'is not made up by a coordinator: signature %j',
  async (signature) => {
    const { jws } = await withdraw(phone, ERASURE_METHOD);
    const forged = `${jws.slice(0, jws.lastIndexOf('.') + 1)}${signature}`;
    expect(await isErasing([{ id: consentEventId(forged), jws: forged, receipt: null }], phone)).toBe(false);
  },
);
