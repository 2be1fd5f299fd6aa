/**
 * Random histories with everyone who may speak for a subject, each with a key of their own, through verification, admission, log and vault: what
 * was taken decides as the pure fold of just that, what was refused is nowhere. An eighth of CONSENT_HISTORIES (see `histories.test.ts`).
 */
import { bytesToBase64Url, createSigner } from '@twinkeep/audit';
import {
  createConsentSigner,
  decide,
  foldConsents,
  signConsentEvent,
  type ConsentActor,
  type ConsentEvent,
  type LoggedConsent,
  type SignedConsent,
} from '@twinkeep/consent';
import {
  createSigningKey,
  isDenial,
  ProblemError,
  publicKeyToJwk,
  randomBytes,
  thumbprint,
  type SigningKey,
} from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Submission } from '../../../coordinator/consents/admit.ts';
import { logConsents, type AppendDeps } from '../../../coordinator/consents/append.ts';
import { createConsentLedger } from '../../../coordinator/consents/ledger.ts';
import { verifySent } from '../../../coordinator/consents/speaker.ts';
import { createJournal } from '../../../coordinator/log/journal.ts';
import { readHistory } from '../../../coordinator/store/consents.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import { openVault, type Vault } from '../../../coordinator/store/vault.ts';
import { history, moment, questionsOf, type History } from '../../consent/histories.ts';
import { createTestDatabase } from '../../support/postgres.ts';

const HISTORIES = Math.ceil(Number(process.env['CONSENT_HISTORIES'] ?? 300) / 8);
const SIGNERS = ['phone', 'tablet', 'guardian', 'agent', 'collector', 'controller'] as const;
type Signer = (typeof SIGNERS)[number];

let deps: AppendDeps & { vault: Vault };
let keys: Record<Signer, SigningKey>;
beforeAll(async () => {
  const db = openDatabase(await createTestDatabase(), () => undefined);
  await migrate(db);
  const vault = await openVault(db, randomBytes(32), randomBytes);
  const journal = createJournal({
    signer: createSigner(randomBytes(32)),
    origin: 'coordinator.test/log',
    random: randomBytes,
    witnesses: null,
  });
  deps = { db, vault, journal, ledger: createConsentLedger(vault), random: randomBytes };
  const made = await Promise.all(SIGNERS.map(async (name) => [name, await createSigningKey()] as const));
  keys = Object.fromEntries(made) as Record<Signer, SigningKey>;
});
afterAll(() => deps.db.destroy());

const kidOf = (signer: Signer): string => thumbprint(keys[signer].publicKey);
const signerOf = (by: ConsentActor, n: number): Signer =>
  by === 'subject' ? (n % 2 === 0 ? 'phone' : 'tablet') : by;

/** The same event, of this subject, with these keys and with links to what was signed in place of what the history calls it. */
async function resign(
  { event }: LoggedConsent,
  subject: string,
  signer: Signer,
  ids: ReadonlyMap<string, string[]>,
): Promise<SignedConsent> {
  const { prev, merges = [], delegate, key, collectedBy, ...rest } = event;
  const renamed: ConsentEvent = {
    ...rest,
    subject,
    ...linksTo([...merges, ...(prev === null ? [] : [prev])].flatMap((id) => ids.get(id) ?? [])),
    ...(delegate === undefined ? {} : { delegate: { ...delegate, kid: kidOf(delegate.role) } }),
    ...(key === undefined ? {} : { key: { retired: kidOf('phone'), added: kidOf('tablet') } }),
    ...(collectedBy === undefined ? {} : { collectedBy: { ...collectedBy, kid: kidOf('collector') } }),
  };
  const { privateKey, publicKey } = keys[signer];
  return signConsentEvent(renamed, await createConsentSigner(privateKey, publicKeyToJwk(publicKey)));
}

function linksTo(named: readonly string[]): Pick<ConsentEvent, 'prev' | 'merges'> {
  const [prev = null, ...merges] = [...new Set(named)].toReversed();
  return merges.length === 0 ? { prev } : { prev, merges };
}

async function submit(signed: SignedConsent, signer: Signer, subject: string): Promise<Submission> {
  const jkt = kidOf(signer);
  if (signer === 'controller') return { subject, jkt, make: () => Promise.resolve(signed) };
  const own = signer === 'phone' || signer === 'tablet';
  const sub = own ? subject : bytesToBase64Url(randomBytes(16));
  const maxTwins = signer === 'collector' ? 1_000 : 1;
  const credential = { sub, jkt, maxTwins, scope: 'device' as const, exp: 0 };
  return verifySent(deps.db, { credential, jwt: 'a credential', kid: keys[signer].id }, [signed.jws]);
}

/** @returns the place that it got in the log, or null where it was refused */
async function take(submission: Submission, at: number): Promise<number | null> {
  const [settled] = await deps.db.transaction().execute((tx) => logConsents(tx, deps, [submission], at));
  if (settled?.ok === true) return settled.value[0]!.index;
  expect(settled?.error).toBeInstanceOf(ProblemError);
  return null;
}

async function run({ log }: History): Promise<{ subject: string; taken: LoggedConsent[] }> {
  const subject = bytesToBase64Url(randomBytes(16));
  const ids = new Map<string, string[]>();
  const taken: LoggedConsent[] = [];
  for (const [n, logged] of log.entries()) {
    const signer = signerOf(logged.event.event.by, n);
    const signed = await resign(logged, subject, signer, ids);
    const { receivedAt } = logged;
    const index = await take(await submit(signed, signer, subject), receivedAt);
    const { prev, merges = [] } = signed.event;
    // Whoever was refused goes on as if it had said nothing.
    ids.set(logged.id, index === null ? [...merges, ...(prev === null ? [] : [prev])] : [signed.id]);
    if (index !== null) taken.push({ id: signed.id, event: signed.event, index, receivedAt });
  }
  return { subject, taken };
}

describe('random signed histories', () => {
  it(
    `decide as the fold of what was taken, ${HISTORIES} of them`,
    async () => {
      let [events, taken, allowed] = [0, 0, 0];
      for (const [i, one] of fc.sample(history, { numRuns: HISTORIES, seed: 7 }).entries()) {
        const { subject, taken: logged } = await run(one);
        events += one.log.length;
        taken += logged.length;
        const [at = 0] = fc.sample(moment, { numRuns: 1, seed: i });
        const pure = foldConsents(logged);
        const { db, vault } = deps;
        for (const ledger of [deps.ledger, createConsentLedger(vault)]) {
          expect((await ledger.read(db, [subject])).get(subject)?.state).toEqual(pure);
          for (const question of questionsOf(one.scenario).filter((_, n) => n % 4 === i % 4)) {
            const jkt = kidOf('tablet');
            const [denial] = await ledger.judge(
              db,
              question,
              [{ members: [subject], sub: subject, jkt }],
              at,
            );
            const { reason } = decide({ ...question, subject }, pure, at);
            expect(denial).toBe(logged.length === 0 ? 'never-asked' : isDenial(reason) ? reason : null);
            if (denial === null) allowed++;
          }
        }
        const stored = await readHistory(db, vault, [subject], { after: -1, notBy: null, limit: 100 });
        expect(stored.map(({ id, index }) => ({ id, index }))).toEqual(
          logged.map(({ id, index }) => ({ id, index })),
        );
      }
      console.log(
        `consent: ${HISTORIES} signed histories, ${taken} of ${events} events taken, ${allowed} answers that allow`,
      );
      expect(taken).toBeGreaterThan(events / 3);
      expect(taken).toBeLessThan(events);
    },
    30_000 + 300 * HISTORIES,
  );
});
