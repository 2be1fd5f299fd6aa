/** Requests that come at the same time: one transaction, one append, and each its own answer. */
import { openCheckpoint, textToProof } from '@twinkeep/audit';
import { consentReceiptsSchema, verifyConsentReceipt, type ConsentReceipt } from '@twinkeep/protocol';
import fc from 'fast-check';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shuffleSubjects } from '../../../coordinator/consents/shuffle.ts';
import type { Answer } from '../support/client.ts';
import { createSubject } from '../support/parties.ts';
import { createSpeaker, send, speak, type Speaker } from '../support/speak.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
const transactions: string[] = [];
beforeAll(async () => {
  world = await createWorld({
    observe: (name, moment) => void (moment === 'after-commit' && transactions.push(name)),
  });
});
afterAll(() => world.stop());

/** While the head of the log is held, so that what is sent meanwhile gathers. */
async function whileHeld<T>(requests: number, act: () => Promise<T>): Promise<T> {
  const holder = await world.sql.connect();
  await holder.query('begin');
  await holder.query('select from log_head for update');
  await world.sql.query('delete from dpop_proofs');
  transactions.length = 0;
  const acting = act();
  for (;;) {
    const { rows } = await world.sql.query<{ used: number }>('select count(*)::int as used from dpop_proofs');
    if (rows[0]!.used >= requests) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  await holder.query('commit');
  holder.release();
  return acting;
}

const people = (count: number): Promise<Speaker[]> =>
  Promise.all(Array.from({ length: count }, () => createSpeaker(world.parties, createSubject())));

const receiptOf = (answer: Answer): ConsentReceipt => {
  expect(answer.status).toBe(200);
  return v.parse(consentReceiptsSchema, answer.body).receipts[0]!;
};

describe('requests at the same time', () => {
  it('share a transaction, and each gets its proof under the checkpoint of that append', async () => {
    const speakers = await people(12);
    const events = await Promise.all(speakers.map((each) => speak(each, { type: 'grant' })));
    const answers = await whileHeld(12, () =>
      Promise.all(speakers.map((each, i) => send(world.client, each, events[i]!))),
    );
    const { vkey } = world.parties.trust.log;
    const sizes = new Set<number>();
    for (const [i, answer] of answers.entries()) {
      const receipt = receiptOf(answer);
      verifyConsentReceipt(receipt, events[i]!.jws, vkey);
      sizes.add(openCheckpoint(textToProof(receipt.proof).checkpoint, vkey).size);
    }
    expect(transactions.filter((name) => name === 'consents').length).toBeLessThan(12);
    expect(sizes.size).toBe(transactions.filter((name) => name === 'consents').length);
  });

  it('are refused one by one: a bad one is alone with it', async () => {
    const speakers = await people(9);
    const events = await Promise.all(
      speakers.map((each, i) =>
        i === 4
          ? speak(each, { type: 'grant', links: { prev: `sha-256:${'A'.repeat(43)}` } })
          : speak(each, { type: 'grant' }),
      ),
    );
    const answers = await whileHeld(9, () =>
      Promise.all(speakers.map((each, i) => send(world.client, each, events[i]!))),
    );
    for (const [i, answer] of answers.entries()) {
      if (i === 4) expect(answer).toMatchObject({ status: 409, code: 'consent/conflict' });
      else verifyConsentReceipt(receiptOf(answer), events[i]!.jws, world.parties.trust.log.vkey);
    }
    expect(transactions.filter((name) => name === 'consents').length).toBeLessThan(9);
  });

  it('that are the same are logged once, and answered alike', async () => {
    const [speaker] = await people(1);
    const event = await speak(speaker!, { type: 'grant' });
    const answers = await whileHeld(4, () =>
      Promise.all(Array.from({ length: 4 }, () => send(world.client, speaker!, event))),
    );
    const receipts = answers.map(receiptOf);
    expect(new Set(receipts.map(({ index }) => index)).size).toBe(1);
    for (const receipt of receipts) verifyConsentReceipt(receipt, event.jws, world.parties.trust.log.vkey);
    const { rows } = await world.sql.query('select from consent_events where event_id = $1', [event.id]);
    expect(rows).toHaveLength(1);
  });

  it('by one device are logged in its order, where the second builds on the first', async () => {
    const [speaker] = await people(1);
    const first = await speak(speaker!, { type: 'grant' });
    const second = await speak(speaker!, { type: 'withdraw' });
    const receipts = await whileHeld(1, async () => {
      const answer = await send(world.client, speaker!, first, second);
      return v.parse(consentReceiptsSchema, answer.body).receipts;
    });
    expect(receipts[1]!.index).toBeGreaterThan(receipts[0]!.index);
  });
});

describe('the order of what is logged together', () => {
  const events = fc
    .array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 })
    .map((subjects) => subjects.map((subject, place) => ({ event: { subject: String(subject) }, place })));
  const random = fc.uint8Array({ minLength: 320, maxLength: 320 });

  it('is a permutation in which each subject has its own order', () => {
    fc.assert(
      fc.property(events, random, (given, bytes) => {
        const shuffled = shuffleSubjects(given, (n) => bytes.slice(0, n));
        expect(shuffled.map(({ place }) => place).toSorted((a, b) => a - b)).toEqual(
          given.map(({ place }) => place),
        );
        for (const subject of new Set(given.map(({ event }) => event.subject))) {
          const own = shuffled.filter(({ event }) => event.subject === subject).map(({ place }) => place);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('is drawn: whoever comes first is as likely to stand last', () => {
    const three = ['a', 'b', 'c'].map((subject) => ({ event: { subject } }));
    const seen = new Map<string, number>();
    for (let i = 0; i < 3_000; i++) {
      const order = shuffleSubjects(three, (n) => crypto.getRandomValues(new Uint8Array(n)));
      const name = order.map(({ event }) => event.subject).join('');
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    // 500 each, with a standard deviation of 20: less than 380 is six of them away.
    expect([...seen.values()].every((count) => count > 380)).toBe(true);
    expect(seen.size).toBe(6);
  });
});
