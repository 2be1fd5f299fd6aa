/**
 * Random histories of consents through the coordinator's tables: sealed, stored, read back by a ledger that knows them and by one that does not,
 * they decide as the pure fold does. CONSENT_HISTORIES sets how many (10,000 for a long run).
 */
import { bytesToBase64Url, canonicalBytes } from '@twinkeep/audit';
import { decide, foldConsents, type ConsentState, type LoggedConsent } from '@twinkeep/consent';
import { isDenial, randomBytes } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsentLedger, type ConsentLedger } from '../../../coordinator/consents/ledger.ts';
import { insertEvents } from '../../../coordinator/store/consents.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { openVault, type Vault } from '../../../coordinator/store/vault.ts';
import { history, moment, questionsOf, type History } from '../../consent/histories.ts';
import { SCENARIOS } from '../../consent/history-events.ts';
import { createTestDatabase } from '../../support/postgres.ts';

const HISTORIES = Number(process.env['CONSENT_HISTORIES'] ?? 300);
const AT_ONCE = 50;
const JKT = 'the device';

let db: Db;
let vault: Vault;
let next = 0;
beforeAll(async () => {
  db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  vault = await openVault(db, randomBytes(32), randomBytes);
});
afterAll(() => db.destroy());

interface Told {
  subject: string;
  log: LoggedConsent[];
}

/** Of a subject of its own, at the places that the log has for it. */
function tell({ log }: History): Told {
  const subject = bytesToBase64Url(randomBytes(16));
  const moved = log.map(({ id, event, receivedAt }) => ({
    id: `${id} ${subject}`,
    event: {
      ...event,
      subject,
      prev: event.prev === null ? null : `${event.prev} ${subject}`,
      ...(event.merges === undefined ? {} : { merges: event.merges.map((link) => `${link} ${subject}`) }),
    },
    index: next++,
    receivedAt,
  }));
  return { subject, log: moved };
}

async function store(events: readonly LoggedConsent[]): Promise<void> {
  if (events.length === 0) return;
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('log_leaves')
      .values(events.map(({ index }) => ({ leaf_index: index, leaf: new Uint8Array(1) })))
      .execute();
    const rows = events.map(({ id, event, index, receivedAt }) => ({
      id,
      subject: event.subject,
      jkt: `${JKT} ${index}`,
      collector: null,
      seq: event.seq,
      index,
      receivedAt,
      // Signatures were checked before the ledger sees an event.
      body: `h.${bytesToBase64Url(canonicalBytes(event))}.s`,
      salt: new Uint8Array(32),
    }));
    await insertEvents(tx, vault, rows);
  });
}

/** @returns how many of the answers allow */
async function requireFold(ledger: ConsentLedger, told: readonly Told[], at: number): Promise<number> {
  const subjects = told.map(({ subject }) => subject);
  const states = await ledger.read(db, subjects);
  const folds = new Map(told.map(({ subject, log }) => [subject, foldConsents(log)]));
  for (const subject of subjects) expect(states.get(subject)?.state).toEqual(folds.get(subject));
  const reports = subjects.map((subject) => ({ members: [subject], sub: subject, jkt: JKT }));
  let allowed = 0;
  for (const question of SCENARIOS.flatMap((scenario, i) =>
    questionsOf(scenario).filter((_, n) => n % 5 === i),
  )) {
    const expected = told.map(({ subject, log }) => {
      if (log.length === 0) return 'never-asked';
      const { reason } = decide({ ...question, subject }, folds.get(subject) as ConsentState, at);
      return isDenial(reason) ? reason : null;
    });
    expect(await ledger.judge(db, question, reports, at)).toEqual(expected);
    allowed += expected.filter((denial) => denial === null).length;
  }
  return allowed;
}

describe('random histories in the tables', () => {
  it(
    `decide as the fold does, ${HISTORIES} of them`,
    async () => {
      const warm = createConsentLedger(vault);
      let allowed = 0;
      let events = 0;
      for (let done = 0; done < HISTORIES; done += AT_ONCE) {
        const numRuns = Math.min(AT_ONCE, HISTORIES - done);
        const told = fc.sample(history, { numRuns, seed: done }).map(tell);
        const [at = 0] = fc.sample(moment, { numRuns: 1, seed: done });
        const log = told.flatMap((one) => one.log).toSorted((a, b) => a.index - b.index);
        events += log.length;
        // In two parts, so that the warm ledger has states to carry forward.
        const half = log.length >> 1;
        await store(log.slice(0, half));
        await warm.read(
          db,
          told.map(({ subject }) => subject),
        );
        await store(log.slice(half));
        allowed += await requireFold(warm, told, at);
        await requireFold(createConsentLedger(vault), told, at);
      }
      console.log(
        `consent: ${HISTORIES} histories, ${events} events through the tables, ${allowed} answers that allow`,
      );
      expect(allowed).toBeGreaterThan(HISTORIES / 4);
    },
    30_000 + 40 * HISTORIES,
  );
});
