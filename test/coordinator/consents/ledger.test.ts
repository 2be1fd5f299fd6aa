import { bytesToBase64Url, canonicalBytes } from '@twinkeep/audit';
import { foldConsents, decide, type LoggedConsent } from '@twinkeep/consent';
import { isDenial, randomBytes, sodiumReady, type GateDenial } from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsentLedger } from '../../../coordinator/consents/ledger.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { insertEvents } from '../../../coordinator/store/consents.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { openVault, type Vault } from '../../../coordinator/store/vault.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { consentOf, createNode, type TestNode } from '../support/node.ts';
import { createParties } from '../support/parties.ts';
import { smallTask } from '../support/task.ts';

const { categories, purpose } = smallTask();
const QUESTION = {
  categories,
  purpose,
  sector: 'general' as const,
  operation: 'contribute' as const,
  cohort: 2,
};
const JKT = 'the key of the node';
const SUB = 'the node';

let db: Db;
let vault: Vault;
let node: TestNode;
let index = 0;
const logged = new Map<string, LoggedConsent[]>();

beforeAll(async () => {
  await sodiumReady;
  db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  vault = await openVault(db, randomBytes(32), randomBytes);
  node = await createNode(await createParties(), 12);
});
afterAll(() => db.destroy());

/** Puts an event into the tables as the intake does, its leaf being anything. */
async function log(
  subject: string,
  type: 'grant' | 'withdraw' | 'refuse',
  validUntil?: number,
): Promise<void> {
  const { id, jws, event } = await consentOf(
    node,
    subject,
    type,
    // Only a subject takes back its own no.
    { by: 'subject', ...(validUntil === undefined ? {} : { validUntil }) },
  );
  const receivedAt = Date.now();
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('log_leaves')
      .values({ leaf_index: index, leaf: new Uint8Array(1) })
      .execute();
    const row = {
      id,
      subject,
      jkt: JKT,
      collector: JKT,
      seq: event.seq,
      index,
      receivedAt,
      body: jws,
      salt: new Uint8Array(32),
    };
    await insertEvents(tx, vault, [row]);
  });
  logged.set(subject, [...(logged.get(subject) ?? []), { id, event, index, receivedAt }]);
  index++;
}

/** The rule itself, without the ledger: fold everything, decide. */
function expected(subject: string, at: number): GateDenial | null {
  const { reason } = decide({ ...QUESTION, subject }, foldConsents(logged.get(subject) ?? []), at);
  return isDenial(reason) ? reason : null;
}

describe('the consent ledger', () => {
  it('answers like a fold over all events, whatever it kept, forgot or was asked before', async () => {
    // Two ledgers, as two processes hold them; one forgets almost everything.
    const ledgers = [createConsentLedger(vault), createConsentLedger(vault, 3)];
    const types = ['grant', 'withdraw', 'grant', 'refuse'] as const;
    let checked = 0;
    for (let turn = 0; turn < 40; turn++) {
      const subject = node.twins[(turn * 5) % 11] as string;
      await log(subject, types[turn % 4] as 'grant');
      const at = Date.now();
      for (const ledger of turn % 3 === 0 ? ledgers : ledgers.slice(turn % 2, (turn % 2) + 1)) {
        const reports = node.twins.map((twin) => ({ members: [twin], sub: SUB, jkt: JKT }));
        const answers = await ledger.judge(db, QUESTION, reports, at);
        expect(answers).toEqual(node.twins.map((twin) => expected(twin, at)));
        checked += answers.filter((denial) => denial === null).length;
      }
    }
    expect(checked).toBeGreaterThan(50);
  });

  it('denies a report in which one twin may not, one nobody spoke for, and any twin through another key', async () => {
    const ledger = createConsentLedger(vault);
    const [yes, no, unknown] = [node.twins[0] as string, node.twins[1] as string, 'A'.repeat(22)];
    await log(yes, 'grant');
    await log(no, 'withdraw');
    const ask = (members: string[], jkt: string = JKT): Promise<(GateDenial | null)[]> =>
      ledger.judge(db, QUESTION, [{ members, sub: SUB, jkt }], Date.now());
    expect(await ask([yes])).toEqual([null]);
    expect(await ask([yes, no])).toEqual(['withdrawn']);
    expect(await ask([yes, unknown])).toEqual(['never-asked']);
    expect(await ask([yes], 'another key')).toEqual(['foreign']);
  });

  it('notices that time alone has ended a grant, also where it answered before', async () => {
    const ledger = createConsentLedger(vault);
    const subject = node.twins[2] as string;
    // Instants are whole seconds, rounded down.
    const end = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000;
    await log(subject, 'grant', end);
    const ask = (at: number): Promise<(GateDenial | null)[]> =>
      ledger.judge(db, QUESTION, [{ members: [subject], sub: SUB, jkt: JKT }], at);
    expect(await ask(end - 1)).toEqual([null]);
    expect(await ask(end)).toEqual(['expired']);
  });

  it('asks again where the question is another one', async () => {
    const ledger = createConsentLedger(vault);
    const subject = node.twins[3] as string;
    await log(subject, 'grant');
    const ask = (purposeAsked: string): Promise<(GateDenial | null)[]> =>
      ledger.judge(
        db,
        { ...QUESTION, purpose: purposeAsked },
        [{ members: [subject], sub: SUB, jkt: JKT }],
        Date.now(),
      );
    expect(await ask(purpose)).toEqual([null]);
    expect(await ask('https://w3id.org/dpv#TargetedAdvertising')).toEqual(['never-asked']);
    expect(await ask(purpose)).toEqual([null]);
  });

  it('misses nothing under requests that overlap', async () => {
    const ledger = createConsentLedger(vault);
    const subjects = node.twins.slice(4, 10);
    for (let turn = 0; turn < 12; turn++) {
      const asked = Promise.all(
        subjects.map((subject) =>
          ledger.judge(db, QUESTION, [{ members: [subject], sub: SUB, jkt: JKT }], Date.now()),
        ),
      );
      await Promise.all([log(subjects[turn % 6] as string, turn % 2 === 0 ? 'grant' : 'withdraw'), asked]);
      const at = Date.now();
      for (const subject of subjects)
        expect(await ledger.judge(db, QUESTION, [{ members: [subject], sub: SUB, jkt: JKT }], at)).toEqual([
          expected(subject, at),
        ]);
    }
  });

  it('answers for the five thousand twins of a round in well under 100 ms', async () => {
    const template = (await consentOf(node, node.twins[11] as string)).event;
    const subjects = Array.from({ length: 5_000 }, () => bytesToBase64Url(randomBytes(16)));
    const rows = subjects.map((subject, i) => {
      // Only signatures are missing, and those were checked before the ledger sees an event.
      const body = `h.${bytesToBase64Url(canonicalBytes({ ...template, subject }))}.s`;
      return {
        id: `event ${i}`,
        subject,
        jkt: JKT,
        collector: JKT,
        seq: 1,
        index: index + i,
        receivedAt: Date.now(),
        body,
        salt: new Uint8Array(32),
      };
    });
    await db.transaction().execute(async (tx) => {
      await tx
        .insertInto('log_leaves')
        .values(rows.map((row) => ({ leaf_index: row.index, leaf: new Uint8Array(1) })))
        .execute();
      await insertEvents(tx, vault, rows);
    });
    index += rows.length;
    const ledger = createConsentLedger(vault);
    const reports = Array.from({ length: 10 }, (_, i) => ({
      members: subjects.slice(i * 500, i * 500 + 500),
      sub: SUB,
      jkt: JKT,
    }));
    const ask = async (): Promise<number> => {
      const start = performance.now();
      expect(await ledger.judge(db, QUESTION, reports, Date.now())).toEqual(reports.map(() => null));
      return performance.now() - start;
    };
    console.log(`consent: 5,000 states opened and folded in ${Math.round(await ask())} ms`);
    expect(Math.min(await ask(), await ask(), await ask())).toBeLessThan(100);
  });
});
