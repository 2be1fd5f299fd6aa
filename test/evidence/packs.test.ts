/** Packs of each kind, from a real coordinator, as a reader with a trust file sees them. */
import { bytesToBase64Url } from '@twinkeep/audit';
import { verifyPack, type Verdict } from '@twinkeep/auditor';
import { EVIDENCE_PATH, randomBytes, type EvidenceTarget } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSubject } from '../coordinator/support/parties.ts';
import { createEvidenceWorld, type EvidenceWorld } from './support.ts';

let made: EvidenceWorld;
beforeAll(async () => {
  made = await createEvidenceWorld();
});
afterAll(() => made.world.stop());

const verdictOf = async (target: EvidenceTarget): Promise<Verdict> => {
  const verdict = await verifyPack(await made.take(target), made.world.parties.trust, { expect: target });
  // Whatever failed is in the message of a failing test.
  expect(verdict.checks.filter(({ status }) => status === 'failed')).toEqual([]);
  return verdict;
};

describe('a pack about a round', () => {
  it('replays the gate for every twin', async () => {
    const verdict = await verdictOf({ kind: 'round', rcHash: made.rounds[0] });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.rounds).toEqual([
      expect.objectContaining({
        round: 1,
        reports: { inSet: 5, dropped: 0 },
        twins: { inSet: 13, replayed: 13, allowed: 13, erased: 0, undisclosed: 0 },
      }),
    ]);
    expect(verdict.words[0]).toMatch(/^Yes: everything that was used had a valid consent/);
  });

  it('shows that a report was left out for a withdrawal that the log has', async () => {
    const verdict = await verdictOf({ kind: 'round', rcHash: made.rounds[1] });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.rounds[0]).toMatchObject({ reports: { inSet: 4, dropped: 1 }, twins: { replayed: 10 } });
    expect(verdict.checks.find(({ id }) => id === 'dropped')).toMatchObject({ status: 'passed', count: 1 });
  });
});

describe('a pack about a customer and a model', () => {
  it('says yes of somebody who contributed, and when and under which notice', async () => {
    const subject = made.nodes[2]!.twins[0]!;
    const verdict = await verdictOf({ kind: 'subject-model', subject, model: made.model });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.subject.map(({ part, allowed }) => [part, allowed])).toEqual([
      ['in-set', true],
      ['in-set', true],
    ]);
    expect(verdict.words[0]).toBe(
      'Yes: the customer had consented whenever this model was trained with their data.',
    );
    expect(verdict.words[1]).toMatch(
      /^Yes: on \d{4}-\d\d-\d\d \d\d:\d\d UTC, under notice notice version 1, consent event sha-256:\S+ stood in the log at \d+, when rounds 1 to 2 were fixed, the first on .+ UTC \(log size \d+\), the last on .+ UTC \(log size \d+\)\.$/,
    );
  });

  it('says yes of somebody whose own device speaks and reports for them', async () => {
    const verdict = await verdictOf({
      kind: 'subject-model',
      subject: made.person.device.sub,
      model: made.model,
    });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.subject.map(({ part, allowed }) => [part, allowed])).toEqual([
      ['in-set', true],
      ['in-set', true],
    ]);
  });

  it('says of somebody who withdrew which rounds they are in and which not', async () => {
    const verdict = await verdictOf({
      kind: 'subject-model',
      subject: made.withdrawn.subject,
      model: made.model,
    });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.subject.map(({ part, allowed, reason }) => [part, allowed, reason])).toEqual([
      ['in-set', true, 'consented'],
      ['dropped', false, 'withdrawn'],
    ]);
    expect(verdict.words.at(-1)).toContain('was left out, because of this customer: withdrawn.');
  });

  it('shows of a stranger that they are in none of the reports', async () => {
    const subject = createSubject();
    const verdict = await verdictOf({ kind: 'subject-model', subject, model: made.model });
    expect(verdict.words[0]).toBe('No contribution of this customer is in this model.');
    expect(verdict.subject.map(({ part }) => part)).toEqual(['absent', 'absent']);
    expect(verdict.checks.find(({ id }) => id === 'members')?.status).toBe('passed');
  });

  it('discloses no pseudonym beside the customer, or the two between whom they would stand', async () => {
    const subject = made.nodes[1]!.twins[0]!;
    const own = new TextDecoder().decode(
      await made.take({ kind: 'subject-model', subject, model: made.model }),
    );
    const others = made.nodes.flatMap(({ twins }) => twins).filter((twin) => twin !== subject);
    expect(own).toContain(subject);
    expect(others.filter((twin) => own.includes(twin))).toEqual([]);
    const stranger = new TextDecoder().decode(
      await made.take({ kind: 'subject-model', subject: createSubject(), model: made.model }),
    );
    for (const { twins } of made.nodes)
      expect(twins.filter((twin) => stranger.includes(twin)).length).toBeLessThanOrEqual(2);
  });
});

describe('packs about a customer, a model, a period', () => {
  it('verify, and say what they are about', async () => {
    const subject = made.nodes[0]!.twins[0]!;
    const about = await verdictOf({ kind: 'subject', subject });
    expect(about).toMatchObject({ outcome: 'verified', subject: [{ part: 'in-set' }, { part: 'in-set' }] });
    const model = await verdictOf({ kind: 'model', model: made.model });
    expect(model).toMatchObject({ outcome: 'verified', rounds: [{ round: 1 }, { round: 2 }] });
    const period = await verdictOf({ kind: 'period', from: 0, to: Date.now() + 60_000 });
    expect(period).toMatchObject({ outcome: 'verified', rounds: [{ round: 1 }, { round: 2 }] });
    expect(period.checks.find(({ id }) => id === 'sets')?.status).toBe('open');
    const empty = await verdictOf({ kind: 'period', from: 0, to: 1 });
    expect(empty.words[0]).toBe('No training round is in this pack.');
  });
});

describe('asking for evidence', () => {
  it('is for officers', async () => {
    const body = { target: { kind: 'round', rcHash: made.rounds[0] }, reason: 'a test asks' };
    const call = { method: 'POST', path: EVIDENCE_PATH, body };
    expect(await made.world.client.send(call)).toMatchObject({ code: 'auth/missing' });
    for (const device of [made.world.operator, made.nodes[0]!.device])
      expect(await made.world.client.sendAs(device, call)).toMatchObject({
        status: 403,
        code: 'auth/forbidden',
      });
  });

  it('of what is not here is refused with a reason, and logs nothing', async () => {
    const size = async (): Promise<unknown> =>
      (await made.world.sql.query('select count(*) from log_leaves')).rows[0];
    const before = await size();
    const hash = bytesToBase64Url(randomBytes(32));
    for (const target of [
      { kind: 'round', rcHash: hash },
      { kind: 'model', model: hash },
      { kind: 'subject-model', subject: createSubject(), model: hash },
      { kind: 'subject', subject: createSubject() },
    ] as const)
      expect(await made.ask(target)).toMatchObject({ status: 404, code: 'evidence/unknown' });
    expect(await made.ask({ kind: 'rounds' } as never)).toMatchObject({ code: 'request/malformed' });
    expect(await made.ask({ kind: 'round', rcHash: made.rounds[0] }, '')).toMatchObject({ status: 400 });
    expect(await size()).toEqual(before);
  });

  it('is itself an entry of the log: who, what kind, how much, why, and nobody by name', async () => {
    const subject = made.nodes[0]!.twins[1]!;
    await made.ask({ kind: 'subject', subject }, 'request 17 of a supervisory authority');
    const { rows } = await made.world.sql.query<{ body: string; leaf: Buffer }>(
      'select body, leaf from officer_access join log_leaves using (leaf_index) order by leaf_index desc limit 1',
    );
    const { body, leaf } = rows[0]!;
    expect(JSON.parse(body)).toMatchObject({
      officer: { sub: made.officer.sub },
      kind: 'subject',
      reason: 'request 17 of a supervisory authority',
    });
    expect((JSON.parse(body) as { rows: number }).rows).toBeGreaterThan(8);
    expect(body).not.toContain(subject);
    expect(leaf.toString()).toContain('"type":"access"');
  });
});
