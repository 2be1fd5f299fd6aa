/** Officers over HTTP: what one may say alone, what takes two, and what nobody may. */
import { createRecordId, isPermitted, listCells, type ConsentEvent } from '@twinkeep/consent';
import {
  consentReceiptSchema,
  PATHS,
  proposalsSchema,
  randomBytes,
  thumbprint,
  type ConsentProposal,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { createDevice, createSubject, type Device } from '../support/parties.ts';
import { createSpeaker, send, speak, synchronise, type Speaker } from '../support/speak.ts';
import { digestTables } from '../support/tables.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let officer: Device;
let second: Device;
let phone: Speaker;
beforeAll(async () => {
  world = await createWorld();
  officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  second = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
});
afterAll(() => world.stop());
beforeEach(async () => {
  phone = await createSpeaker(world.parties, createSubject());
  await send(world.client, phone, await speak(phone, { type: 'grant' }));
});

const EVIDENCE = [{ kind: 'ticket', value: 'T-1' }];
const say = (body: object, as: Device = officer, subject: string = phone.subject): Promise<Answer> =>
  world.client.sendAs(as, {
    method: 'POST',
    path: PATHS.subjectConsents(subject),
    body: { evidence: EVIDENCE, ...body },
  });
const approve = (id: string, as: Device): Promise<Answer> =>
  world.client.sendAs(as, { method: 'PUT', path: PATHS.proposalApproval(id), body: {} });

async function newest(): Promise<ConsentEvent> {
  const events = await synchronise(world.client, phone);
  return JSON.parse(Buffer.from(events.at(-1)!.jws.split('.')[1]!, 'base64url').toString()) as ConsentEvent;
}

const isAllowed = (): boolean => listCells(phone.state).some(({ cell }) => isPermitted(cell, Date.now()));

async function proposals(): Promise<ConsentProposal[]> {
  const answer = await world.client.sendAs(second, { method: 'GET', path: PATHS.proposals });
  return v.parse(proposalsSchema, answer.body).proposals;
}

describe('an officer', () => {
  it('withdraws for a subject without any device of theirs, and the subject reads who it was', async () => {
    expect(isAllowed()).toBe(true);
    const answer = await say({ type: 'withdraw', actor: 'help-desk-7' });
    expect(answer.status).toBe(200);
    v.parse(consentReceiptSchema, answer.body);
    expect(await newest()).toMatchObject({
      event: { type: 'withdraw', by: 'controller', actor: officer.sub },
      evidence: [...EVIDENCE, { kind: 'acted-for', value: 'help-desk-7' }],
    });
    expect(isAllowed()).toBe(false);
    // The subject has seen it, and may say yes again.
    expect((await send(world.client, phone, await speak(phone, { type: 'grant' }))).status).toBe(200);
    await synchronise(world.client, phone);
    expect(isAllowed()).toBe(true);
  });

  it('restricts, and lifts a restriction; objects for the subject; passes a signal on; revokes', async () => {
    await say({ type: 'restrict' });
    await newest();
    expect(isAllowed()).toBe(false);
    await say({ type: 'unrestrict' });
    await newest();
    expect(isAllowed()).toBe(true);
    const cells = [
      { categories: ['behavioral'], purpose: 'https://w3id.org/dpv#DirectMarketing', operations: ['share'] },
    ];
    expect((await say({ type: 'object', cells })).status).toBe(200);
    expect((await newest()).grants).toHaveLength(1);
    const gpc = { kind: 'gpc', value: '1', profiling: false };
    expect((await say({ type: 'signal', members: { signal: gpc } })).status).toBe(200);
    expect(new Set((await newest()).grants.flatMap(({ operations }) => operations))).toEqual(
      new Set(['share', 'sell', 'activate_third_party']),
    );
    const revoked = await say({ type: 'revoke', reason: 'https://w3id.org/dpv/justifications#Other' });
    expect(revoked.status).toBe(200);
    await newest();
    expect(isAllowed()).toBe(false);
  });

  it('names a guardian, who then answers for the child', async () => {
    const device = await createDevice(world.parties, { maxTwins: 1 });
    const minor = { type: 'minor_detected', members: { minor: { age: 'under-13' } } };
    expect((await say(minor)).status).toBe(200);
    await newest();
    expect(isAllowed()).toBe(false);
    expect(await send(world.client, phone, await speak(phone, { type: 'grant' }))).toMatchObject({
      code: 'consent/conflict',
    });
    const id = createRecordId(Date.now(), randomBytes(10));
    const record = {
      id,
      role: 'guardian',
      kid: thumbprint(device.key.publicKey),
      categories: ['behavioral', 'transactional'],
      purposes: ['urn:twinkeep:purpose:any'],
      operations: ['contribute'],
      notAfter: '2040-01-01T00:00:00Z',
    };
    expect((await say({ type: 'delegate', members: { delegate: record } })).status).toBe(200);
    const guardian = await createSpeaker(world.parties, phone.subject, device);
    await synchronise(world.client, guardian);
    const yes = await speak(guardian, { type: 'grant', provenance: { by: 'guardian', delegation: id } });
    expect((await send(world.client, guardian, yes)).status).toBe(200);
    await newest();
    expect(isAllowed()).toBe(true);
  });

  it('never says yes, nor speaks of somebody unknown, nor without evidence, nor what has no form', async () => {
    const before = await digestTables(world.sql);
    expect(await say({ type: 'grant' })).toMatchObject({ status: 400, code: 'consent/invalid' });
    expect(await say({ type: 'renew' })).toMatchObject({ code: 'consent/invalid' });
    expect(await say({ type: 'withdraw' }, officer, createSubject())).toMatchObject({
      code: 'consent/unknown-subject',
    });
    expect(await say({ type: 'withdraw' }, officer, 'nobody')).toMatchObject({
      code: 'consent/unknown-subject',
    });
    for (const wrong of [{ evidence: [] }, { colour: 'red' }, { cells: [] }, { members: { by: 'subject' } }])
      expect(await say({ type: 'withdraw', ...wrong })).toMatchObject({ code: 'request/malformed' });
    for (const wrong of [
      { type: 'delegate' },
      { type: 'unheard-of' },
      { type: 'minor_detected', members: { minor: { age: 'old' } } },
      { type: 'revoke' },
    ])
      expect(await say(wrong)).toMatchObject({ code: 'consent/invalid' });
    expect(await digestTables(world.sql)).toBe(before);
  });

  it('is one by the scope of the credential, and by no other', async () => {
    const before = await digestTables(world.sql);
    for (const scope of ['device', 'operator'] as const) {
      const other = await createDevice(world.parties, { scope, maxTwins: 1 });
      expect(await say({ type: 'withdraw' }, other)).toMatchObject({ code: 'auth/forbidden' });
      expect(await approve('x', other)).toMatchObject({ code: 'auth/forbidden' });
      const list = { method: 'GET', path: PATHS.proposals };
      expect(await world.client.sendAs(other, list)).toMatchObject({ code: 'auth/forbidden' });
    }
    const events = [(await speak(phone, { type: 'withdraw' })).jws];
    const upload = { method: 'POST', path: PATHS.consents, body: { events } };
    expect(await world.client.sendAs(officer, upload)).toMatchObject({ code: 'auth/forbidden' });
    expect(await digestTables(world.sql)).toBe(before);
  });
});

describe('what takes two officers', () => {
  const propose = async (): Promise<string> => {
    const answer = await say({ type: 'invalidate' });
    expect(answer.status).toBe(202);
    return (answer.body as ConsentProposal).id;
  };

  it('changes nothing until another one agrees, and then names both', async () => {
    const id = await propose();
    await newest();
    expect(isAllowed()).toBe(true);
    expect(await proposals()).toMatchObject([
      { id, subject: phone.subject, proposedBy: officer.sub, request: { type: 'invalidate' } },
    ]);
    expect((await approve(id, second)).status).toBe(200);
    expect(await newest()).toMatchObject({
      event: { type: 'invalidate', by: 'controller', actor: officer.sub, approver: second.sub },
    });
    expect(isAllowed()).toBe(false);
    expect(await proposals()).toEqual([]);
    expect(await approve(id, second)).toMatchObject({ code: 'consent/unknown-proposal' });
  });

  it('is not agreed to by the same officer, nor by another credential of the same key', async () => {
    const id = await propose();
    const before = await digestTables(world.sql);
    const sameKey = await createDevice(world.parties, { scope: 'officer', maxTwins: 1, key: officer.key });
    const sameSub = await createDevice(world.parties, { scope: 'officer', maxTwins: 1, sub: officer.sub });
    for (const same of [officer, sameKey, sameSub])
      expect(await approve(id, same)).toMatchObject({ code: 'consent/officers' });
    expect(await digestTables(world.sql)).toBe(before);
    expect((await world.client.sendAs(second, { method: 'DELETE', path: PATHS.proposal(id) })).status).toBe(
      204,
    );
    expect(await approve(id, second)).toMatchObject({ code: 'consent/unknown-proposal' });
    expect(await world.client.sendAs(second, { method: 'DELETE', path: PATHS.proposal(id) })).toMatchObject({
      code: 'consent/unknown-proposal',
    });
  });

  it('is logged once where two agree at the same time', async () => {
    const id = await propose();
    const third = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
    const answers = await Promise.all([approve(id, second), approve(id, third), approve(id, second)]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'consent/unknown-proposal')).toHaveLength(2);
    expect((await synchronise(world.client, phone)).length).toBe(2);
  });

  it('lapses after a week', async () => {
    const id = await propose();
    await world.sql.query('update consent_proposals set proposed_at = proposed_at - $1', [7 * 86_400_000]);
    expect(await proposals()).toEqual([]);
    expect(await approve(id, second)).toMatchObject({ code: 'consent/unknown-proposal' });
  });

  it('is kept sealed: the table says whom it is about and not what', async () => {
    await propose();
    const { rows } = await world.sql.query<{ row: string }>(
      'select encode(request, $1) as row from consent_proposals',
      ['escape'],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toMatch(/invalidate|T-1/);
  });
});
